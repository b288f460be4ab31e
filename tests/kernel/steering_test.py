#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A session of the kernel's events that is steered while it records: every call that a program makes while its rule is
on is in the trace, once, and no other.

    steering_test.py SILLAGE
"""

import ctypes
import os
import pathlib
import platform
import subprocess

import recording

# Calls that nobody else makes with such arguments, not even another of these tests.
GETPRIORITY, GETSID = {"x86_64": (140, 124), "aarch64": (141, 156)}.get(platform.machine(), (0, 0))
LIBC = ctypes.CDLL(None)
BASE = (1 + os.getpid() % 2000) * 1_000_000


class Steering(recording.KernelTest):
    def lttng(self, *arguments, status=0):
        done = subprocess.run([self.sillage, *map(str, arguments)], env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def call(self, numbers):
        """Each number is one system call of either kind, which says the number."""
        for number in numbers:
            LIBC.syscall(GETPRIORITY, 0, BASE + number)
            LIBC.syscall(GETSID, BASE + number)

    def numbers(self, trace, name, argument):
        return [event.fields[argument] - BASE for event in trace.events
                if event.name == name and BASE <= event.fields[argument] < BASE + 1_000_000]

    def test_rules_contexts_and_restarts(self):
        self.start_daemon()
        path = self.folder / "trace"
        self.lttng("create", "k", "-o", path)
        message = self.lttng("enable-event", "-k", "sched_swich", status=1)
        self.assertIn("did you mean sched_switch?", message)
        self.lttng("enable-event", "-k", "--syscall", "getpriority")
        self.call(range(5))
        self.lttng("start")
        self.call(range(5, 100))
        self.lttng("enable-event", "-k", "--syscall", "getsid")
        self.call(range(100, 200))
        self.lttng("enable-event", "-k", "sched_process_exit", "--filter", f"$ctx.ppid == {os.getpid()}")
        subprocess.run(["true"], check=True)
        self.lttng("disable-event", "-k", "--syscall", "getpriority")
        self.call(range(200, 300))
        self.lttng("add-context", "-k", "-t", "pid")
        self.call(range(300, 400))
        why = self.lttng("why-empty", "k")
        self.assertRegex(why, "getpriority\n      is disabled\n    getsid\n      records [24] events of this kernel: "
                              ".*syscall_entry_getsid, syscall_exit_getsid\n")
        self.assertIn("      records 1 event of this kernel: sched_process_exit\n", why)
        self.lttng("stop")
        self.assertEqual(self.numbers(recording.Trace(path), "syscall_entry_getsid", "pid"), list(range(100, 400)))
        self.call(range(400, 500))
        self.lttng("enable-event", "-k", "--syscall", "getpriority")
        self.lttng("start")
        self.call(range(500, 600))
        self.lttng("enable-channel", "-k", "late", "--subbuf-size=64k")
        self.lttng("enable-event", "-k", "-c", "late", "--syscall", "getsid")
        self.call(range(600, 700))
        shown = self.lttng("list", "k")
        self.assertIn("Discarded events: 0", shown)
        self.lttng("destroy")
        trace = recording.Trace(path)
        self.assertEqual(trace.discarded, 0)
        self.assertEqual(self.numbers(trace, "syscall_entry_getpriority", "who"), [*range(5, 200), *range(500, 700)])
        twice = self.numbers(trace, "syscall_entry_getsid", "pid")
        self.assertEqual(sorted(twice), sorted([*range(100, 400), *range(500, 700), *range(600, 700)]))
        self.assertGreaterEqual(sum(event.name == "sched_process_exit" for event in trace.events), 1)
        of_pid = [event for event in trace.events if event.context.get("pid") == os.getpid()]
        self.assertGreaterEqual(len(of_pid), 2 * (100 + 2 * 100 + 2 * 100))
        starts = sum(event.name == "lttng_statedump_start" for event in trace.events)
        self.assertGreaterEqual(starts, 2, "the state at each start")

    def test_what_is_disabled_is_detached(self):
        """A tracepoint's program, too, though it is pinned for a later daemon."""
        self.start_daemon()
        path = self.folder / "trace"
        self.lttng("create", "k", "-o", path)
        for name in ("sched_process_exit", "sched_process_free"):
            self.lttng("enable-event", "-k", name, "--filter", f"$ctx.ppid == {os.getpid()}")
        self.lttng("start")
        subprocess.run(["true"], check=True)
        self.lttng("disable-event", "-k", "sched_process_exit")
        subprocess.run(["true"], check=True)
        self.lttng("enable-event", "-k", "sched_process_exit", "--filter", f"$ctx.ppid == {os.getpid()}")
        self.lttng("disable-event", "-k", "sched_process_exit")
        subprocess.run(["true"], check=True)
        self.lttng("destroy")
        exits = [event.fields["comm"] for event in recording.Trace(path).events if event.name == "sched_process_exit"]
        self.assertEqual(exits.count("true"), 1, exits)

    def test_a_channel_of_the_kernel_is_added_to_what_records_programs(self):
        self.start_daemon()
        path = self.folder / "trace"
        self.lttng("create", "k", "-o", path)
        self.lttng("enable-event", "-u", "nobody:*")
        self.lttng("start")
        self.lttng("enable-event", "-k", "--syscall", "getsid")
        self.call(range(50))
        self.lttng("destroy")
        self.assertEqual(self.numbers(recording.Trace(path), "syscall_entry_getsid", "pid"), list(range(50)))

    def test_a_filter_that_all_calls_share_and_then_do_not(self):
        self.start_daemon()
        path = self.folder / "trace"
        self.lttng("create", "k", "-o", path)
        own = f"$ctx.pid == {os.getpid()} && $ctx.procname == \"{pathlib.Path('/proc/self/comm').read_text().strip()}\""
        self.lttng("enable-event", "-k", "--syscall", "getpriority", "--filter", "$ctx.tid == -1")
        self.lttng("start")
        self.call(range(50))
        self.lttng("enable-event", "-k", "--syscall", "getsid", "--filter", own)
        self.call(range(50, 100))
        if (child := os.fork()) == 0:
            self.call(range(100, 150))
            os._exit(0)
        os.waitpid(child, 0)
        self.lttng("stop")
        self.lttng("disable-event", "-k", "--syscall", "getpriority")
        self.lttng("enable-event", "-k", "--syscall", "getpriority", "--filter", own)
        self.lttng("start")
        self.call(range(150, 200))
        self.lttng("destroy")
        trace = recording.Trace(path)
        self.assertEqual(self.numbers(trace, "syscall_entry_getsid", "pid"), [*range(50, 100), *range(150, 200)])
        self.assertEqual(self.numbers(trace, "syscall_entry_getpriority", "who"), [*range(150, 200)])

    def test_a_failure_changes_nothing(self):
        self.start_daemon()
        path = self.folder / "trace"
        self.lttng("create", "k", "-o", path)
        self.lttng("enable-event", "-k", "--syscall", "getsid")
        self.lttng("start")
        before = self.lttng("list", "k")
        self.call(range(50))
        self.lttng("add-context", "-k", "-t", "nothing", status=3)
        for text in ("nothing ==", "nothing_of_it == 1"):  # LTTng's number of an invalid filter
            self.lttng("enable-event", "-k", "sched_switch", "--filter", text, status=106)
        for words in (("enable-event", "-k", "no_such_event"), ("enable-event", "-k", "--syscall", "no_such_call"),
                      ("enable-event", "-k", "--userspace-probe=/no/such/file:main", "probe"),
                      ("add-context", "-k", "-t", "vtid", "-c", "other")):
            self.lttng(*words, status=1)
        self.call(range(50, 100))
        self.assertEqual(self.lttng("list", "k"), before)
        self.lttng("destroy")
        self.assertEqual(self.numbers(recording.Trace(path), "syscall_entry_getsid", "pid"), list(range(100)))


if __name__ == "__main__":
    recording.main()
