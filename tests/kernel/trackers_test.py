#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Inclusion sets of the kernel, by each of LTTng's six attributes: exactly the system calls of the processes that are in
all sets are recorded, while the sets change.

    trackers_test.py SILLAGE
"""

import collections
import os
import pathlib
import subprocess

import recording

PROGRAM = """
import os, sys
print(os.getpid(), flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        os.getppid()
    print("done", flush=True)
"""
USER, GROUP = 61234, 61235


class Caller:
    """A process that calls getppid as often as it is told."""

    def __init__(self, test, *prefix, user=0, group=0):
        def become():
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
        self.process = test.start([*prefix, "/usr/bin/python3", "-c", PROGRAM], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, preexec_fn=become)
        test.addCleanup(self.end)
        self.vpid = int(self.process.stdout.readline())
        self.pid = self.process.pid
        # Behind a prefix that forks, it is the youngest descendant.
        while True:
            children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            if not children:
                break
            self.pid = int(children[0])

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def call(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


class Trackers(recording.KernelTest):
    def lttng(self, *words, status=0):
        command = self.sillage.parent.parent / "libexec/lttng"
        done = subprocess.run([command, *map(str, words)], env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60 * recording.SLOWNESS,
                              check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_exactly_the_listed_processes(self):
        self.start_daemon()
        one, two = Caller(self), Caller(self)
        other = Caller(self, user=USER, group=GROUP)
        spaced = Caller(self, "unshare", "--user", "--map-root-user", "--pid", "--fork", user=USER, group=GROUP)
        callers = {"one": one, "two": two, "other": other, "spaced": spaced}
        self.assertEqual(spaced.vpid, 1)
        everybody = set(callers)
        steps = [
            ([], everybody),
            ([("track", f"--pid={one.pid},{spaced.pid}")], {"one", "spaced"}),
            ([("untrack", f"--pid={one.pid}")], {"spaced"}),
            ([("track", f"--pid={two.pid}")], {"spaced", "two"}),
            ([("track", f"--uid={USER}")], {"spaced"}),
            ([("track", "--pid", "--all")], {"other", "spaced"}),
            ([("track", "--vuid=root")], {"spaced"}),
            ([("track", "--uid", "--vuid", "--all"), ("track", f"--gid={GROUP}")], {"other", "spaced"}),
            ([("track", f"--vgid={GROUP}")], {"other"}),
            ([("track", "--gid", "--vgid", "--all"), ("track", "--vpid=1")], {"spaced"}),
            ([("untrack", "--vpid=1")], set()),
            ([("track", "--vpid", "--all"), ("untrack", "--gid", "--all")], set()),
            ([("track", "--gid", "--all")], everybody),
        ]
        trace = self.new_trace()
        self.lttng("create", "tracked", "-o", trace)
        self.lttng("enable-event", "-k", "--syscall", "getppid")
        self.lttng("add-context", "-k", "-t", "pid")
        self.lttng("start")
        expected = collections.Counter()
        for number, (commands, included) in enumerate(steps):
            for verb, option, *all_ in commands:
                self.lttng(verb, "-k", option, *all_)
            for name, caller in callers.items():
                caller.call(1 << number)  # a sum says which steps it is of
                if name in included:
                    expected[name] += 1 << number
        self.lttng("destroy")
        found = collections.Counter(event.context["pid"] for event in
                                    recording.Trace(trace, lambda name: name == "syscall_entry_getppid").events)
        self.assertEqual({name: found[caller.pid] for name, caller in callers.items()},
                         {name: expected[name] for name in callers})

    def test_filters_and_sets_are_both_asked(self):
        self.start_daemon()
        one, two = Caller(self), Caller(self)
        trace = self.new_trace()
        self.lttng("create", "both", "-o", trace)
        self.lttng("track", "-k", f"--pid={one.pid},{two.pid}")
        self.lttng("enable-event", "-k", "--syscall", "getppid", "--filter", f"$ctx.pid == {one.pid} || $ctx.pid == 1")
        self.assertIn("column", self.lttng("enable-event", "-k", "sched_switch", "--filter", "prev_prio ==", status=106))
        self.lttng("add-context", "-k", "-t", "pid")
        self.lttng("start")
        one.call(5)
        two.call(7)
        shown = self.lttng("list", "both")
        self.assertIn(f"Process IDs:          {min(one.pid, two.pid)}, {max(one.pid, two.pid)}", shown)
        self.lttng("destroy")
        found = [event.context["pid"] for event in
                 recording.Trace(trace, lambda name: name == "syscall_entry_getppid").events]
        self.assertEqual(found, [one.pid] * 5)

    def test_large_sets(self):
        """Far more than a filter's text could name, changed while it records: few and many are programs of other shapes."""
        self.start_daemon()
        one, two = Caller(self), Caller(self)
        trace = self.new_trace()
        nobody = list(range(5_000_000, 5_000_000 + 2 * 5000, 2))  # numbers that the kernel does not give
        self.lttng("create", "large", "-o", trace)
        self.lttng("enable-event", "-k", "--syscall", "getppid")
        self.lttng("enable-event", "-k", "sched_process_exit", "--filter", 'comm == "python*" && $ctx.prio < 140.5')
        self.lttng("add-context", "-k", "-t", "pid")
        self.lttng("track", "-k", "--pid=" + ",".join(map(str, nobody[:2500] + [one.pid] + nobody[2500:])))
        self.lttng("track", "-k", "--uid=" + ",".join(map(str, range(100))))
        self.lttng("start")
        one.call(3)
        two.call(5)
        self.lttng("track", "-k", f"--pid={two.pid}")
        one.call(7)
        two.call(9)
        self.lttng("untrack", "-k", "--pid=" + ",".join(map(str, [one.pid, *nobody[:-3]])))
        one.call(11)
        two.call(13)
        for caller in (one, two):
            caller.process.stdin.close()
            caller.process.wait()
        self.lttng("destroy")
        events = recording.Trace(trace).events
        calls = collections.Counter(event.context["pid"] for event in events if event.name == "syscall_entry_getppid")
        self.assertEqual(calls, {one.pid: 3 + 7, two.pid: 9 + 13})
        self.assertEqual([event.context["pid"] for event in events if event.name == "sched_process_exit"], [two.pid])


if __name__ == "__main__":
    recording.main()
