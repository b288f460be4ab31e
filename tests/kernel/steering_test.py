#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A session of the kernel's events that is steered while it records: every call that a program makes while its rule is
on is in the trace, once, and no other.

    steering_test.py SILLAGE
"""

import ctypes
import os
import platform
import subprocess

import recording

# Calls that nobody else makes with such arguments.
GETPRIORITY, GETSID = {"x86_64": (140, 124), "aarch64": (141, 156)}.get(platform.machine(), (0, 0))
LIBC = ctypes.CDLL(None)


class Steering(recording.KernelTest):
    def lttng(self, *arguments, status=0):
        done = subprocess.run([self.sillage, *map(str, arguments)], env=dict(self.env, LTTNG_HOME=str(self.folder)),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def call(self, numbers):
        """Each number is one system call of either kind, which says the number."""
        for number in numbers:
            LIBC.syscall(GETPRIORITY, 0, 100000 + number)
            LIBC.syscall(GETSID, 100000 + number)

    def numbers(self, trace, name, argument):
        return [event.fields[argument] - 100000 for event in trace.events
                if event.name == name and event.fields[argument] >= 100000]

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

    def test_a_failure_changes_nothing(self):
        self.start_daemon()
        path = self.folder / "trace"
        self.lttng("create", "k", "-o", path)
        self.lttng("enable-event", "-k", "--syscall", "getsid")
        self.lttng("start")
        before = self.lttng("list", "k")
        self.call(range(50))
        for words in (("enable-event", "-k", "no_such_event"), ("enable-event", "-k", "--syscall", "no_such_call"),
                      ("enable-event", "-k", "sched_switch", "--filter", "nothing =="),
                      ("enable-event", "-k", "sched_switch", "--filter", "nothing_of_it == 1"),
                      ("enable-event", "-k", "--userspace-probe=/no/such/file:main", "probe"),
                      ("add-context", "-k", "-t", "vtid", "-c", "other"), ("add-context", "-k", "-t", "nothing")):
            self.lttng(*words, status=1)
        self.call(range(50, 100))
        self.assertEqual(self.lttng("list", "k"), before)
        self.lttng("destroy")
        self.assertEqual(self.numbers(recording.Trace(path), "syscall_entry_getsid", "pid"), list(range(100)))


if __name__ == "__main__":
    recording.main()
