#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `why-empty --watch` counts for each rule is what a process did that does nothing else meanwhile.

    watch_test.py SILLAGE
"""

import ctypes
import os
import platform
import re
import subprocess
import time

import recording

# Calls that nobody else makes with such arguments.
CALLS = {"x86_64": (140, 124, 121, 257), "aarch64": (141, 156, 155, 56)}
GETPRIORITY, GETSID, GETPGID, OPENAT = CALLS.get(platform.machine(), (0, 0, 0, 0))
LIBC = ctypes.CDLL(None)
WATCH_SECONDS = int(2 * max(1, recording.SLOWNESS ** 0.5))


class Caller:
    """A child that makes its calls whenever it is told to, and no others of these."""

    def __init__(self):
        self.orders, self.answers = os.pipe(), os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(self.orders[1])  # so that it ends with the test
            while os.read(self.orders[0], 1) == b"c":
                self.call()
                os.write(self.answers[1], b"d")
            os._exit(0)

    @staticmethod
    def call():
        for number in range(400):
            LIBC.syscall(GETPRIORITY, 0, 100000 + number % 4)
        for number in range(300):
            LIBC.syscall(GETSID, 100000 + number)
        for _ in range(200):
            LIBC.syscall(GETPGID, 0)
        for number in range(160):
            LIBC.syscall(OPENAT, -100, b"/none/such-%d" % number, 0)

    def make_calls(self):
        os.write(self.orders[1], b"c")
        assert os.read(self.answers[0], 1) == b"d"

    def end(self):
        os.write(self.orders[1], b"e")
        os.waitpid(self.child, 0)


class Watch(recording.KernelTest):
    def verb(self, *arguments, status=0):
        done = subprocess.run([self.sillage, *map(str, arguments)], env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90 * recording.SLOWNESS, check=False)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def links(self):
        """How many programs the daemon has attached."""
        count = 0
        for entry in os.scandir(f"/proc/{self.daemon.pid}/fd"):
            try:
                count += "bpf_link" in os.readlink(entry.path)
            except OSError:
                pass  # closed meanwhile
        return count

    def watch(self, caller, session):
        """The rules' counts, of which the caller makes its calls while they are counted."""
        # Three tracepoints and, attached behind them, both ends of calls.
        before = self.links()
        watching = subprocess.Popen([self.sillage, "why-empty", f"--watch={WATCH_SECONDS}", session],
                                    env=self.env, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while self.links() < before + 5 and watching.poll() is None:
            time.sleep(0.005)
        caller.make_calls()
        text, _ = watching.communicate(timeout=90 * recording.SLOWNESS)
        self.assertEqual(watching.returncode, 0, text)
        self.assertEqual(self.links(), before, "what counted is detached")
        return text

    def check(self, text, rule, tracked, wanted, has_filter=True):
        """Of a rule, what the tracked process did; others may have done the same."""
        found = re.search(rf"^    {re.escape(rule)}(  with the filter .*)?\n(?:      .*\n)*?      in [\d.]+ s: happened (\d+) times?"
                          r"(?:, (\d+) as wanted)?(?:, (\d+) not as its filter wants)?(?:, (\d+) in processes)?", text, re.M)
        self.assertIsNotNone(found, f"{rule} in\n{text}")
        happened, unwanted, untracked = int(found[2]), int(found[4] or 0), int(found[5] or 0)
        self.assertEqual(happened - untracked, tracked, text)
        self.assertEqual(int(found[3] or happened), wanted, text)
        self.assertEqual(unwanted, tracked - wanted if has_filter else 0, text)

    def check_all(self, text):
        self.check(text, "getpriority", 400, 100)
        self.check(text, "getsid", 300, 0)
        self.check(text, "getpgid", 400, 400, has_filter=False)
        self.check(text, "openat", 160, 15)
        self.assertRegex(text, r"sched_process_exec\n(      records .*\n)?      in [\d.]+ s: (did not happen|happened .* as wanted, )")
        self.assertRegex(text, r"syscall_entry_getpgid \d+ times")

    def begin(self, caller):
        self.verb("create", "w", "-o", self.folder / "trace")
        for rule in (["getpriority", "--filter", "who == 100001"], ["getsid", "--filter", "pid == 1"], ["getpgid"],
                     ["openat", "--filter", 'filename == "/none/*7" && filename != "/none/such-7*" || filename == "/none/such-7"']):
            self.verb("enable-event", "-k", "--syscall", *rule)
        for rule in (["sched_process_exec"], ["sched_process_fork", "--filter", 'parent_comm == "no*such"'],
                     ["sched_process_free", "--filter", "$ctx.pid == 0 && $ctx.uid == 7"]):
            self.verb("enable-event", "-k", *rule)
        self.verb("track", "-k", f"--pid={caller.child}")

    def test_what_was_done_is_counted(self):
        self.start_daemon()
        caller = Caller()
        self.begin(caller)
        text = self.watch(caller, "w")
        self.assertIn("was never started", text)
        self.check_all(text)
        self.verb("start")
        text = self.watch(caller, "w")
        self.check_all(text)
        self.assertRegex(text, r"openat  with .*\n      records [24] events of this kernel")
        # A rule that is disabled is not counted; others are as before.
        self.verb("disable-event", "-k", "--syscall", "getsid")
        text = self.watch(caller, "w")
        self.assertIn("is disabled\n    getpgid", text)
        self.check(text, "getpriority", 400, 100)
        self.check(text, "openat", 160, 15)
        self.verb("untrack", "-k", "--pid", "--all")
        self.assertIn("no process is tracked, so that no event of the kernel is recorded", self.verb("why-empty", "--watch=1", "w"))
        self.verb("destroy")
        # Of three times, one before it was started, and beside what counted.
        trace = recording.Trace(self.folder / "trace")
        for name, argument, value, count in (("syscall_entry_getpriority", "who", 100001, 200),
                                             ("syscall_entry_getpgid", "pid", 0, 400), ("syscall_exit_getpgid", "ret", None, 400)):
            values = [event.fields[argument] for event in trace.events if event.name == name]
            self.assertEqual(len(values), count, name)
            self.assertTrue(value is None or set(values) == {value}, name)
        caller.end()

    def test_after_another_daemon_loaded_the_programs(self):
        self.start_daemon()
        caller = Caller()
        self.begin(caller)
        self.verb("start")
        self.daemon.kill()
        self.daemon.wait()
        self.start_daemon()
        self.check_all(self.watch(caller, "w"))
        self.verb("destroy")
        caller.end()

    def test_two_who_watch_and_one_whose_session_goes(self):
        self.start_daemon()
        caller = Caller()
        self.begin(caller)
        self.verb("start")
        other = subprocess.Popen([self.sillage, "why-empty", "--watch=1", "w"], env=self.env,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.verb("destroy")
        text, _ = other.communicate(timeout=90 * recording.SLOWNESS)
        # Either it came first, or there was nothing to watch any more.
        self.assertIn("Session w is started" if other.returncode == 0 else "not found", text)
        self.assertIn("1 to 300 seconds", self.verb("why-empty", "--watch=0", "w", status=1))
        caller.end()


if __name__ == "__main__":
    recording.main()
