#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recording while interrupts come as fast as the machine lets them: timers, softirqs of the loopback, NMIs where they
can be made; and while a CPU goes and comes back.

    storm_test.py SILLAGE
"""

import collections
import os
import pathlib
import subprocess
import sys
import time

import bt2

import recording

SECONDS = 0.7 * min(recording.SLOWNESS, 5)
CALLS = 5000
# A process that sleeps for as short as it can: a timer interrupt each; and one that sends to itself.
TIMERS = "import time\nwhile True: time.sleep(0.000001)"
PACKETS = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
s.setblocking(False)
while True:
    s.sendto(b"x" * 64, s.getsockname())
    s.recv(100)
"""
# What is to be found again, whatever else happens.
COUNTED = f"import os\nfor _ in range({CALLS}): os.getppid()"
EVENTS = ("irq_*", "timer_hrtimer_*", "net_if_rx", "net_dev_xmit", "sched_switch")
COUNTED_EVENTS = ("syscall_entry_getppid", "syscall_exit_getppid")
# CPUs may go and the kernel's log may be filled: the guest's, not yours.
OWN_MACHINE = os.environ.get("SILLAGE_TEST_OWN_MACHINE") == "1"
ONLINE = pathlib.Path("/sys/devices/system/cpu/cpu1/online")


class Skimmed:
    """What is cheap to know of a trace: `count`, `discarded`, (name, pid) of each event; times go on in each stream."""

    def __init__(self, path):
        self.count, self.events, last = 0, collections.Counter(), {}
        for message in bt2.TraceCollectionMessageIterator(str(path)):
            if type(message) is not bt2._EventMessageConst:
                continue
            self.count += 1
            event, now = message.event, message.default_clock_snapshot.value
            stream = event.stream.id
            assert now >= last.get(stream, 0), (event.name, now)
            last[stream] = now
            self.events[event.name, int(event.common_context_field["pid"])] += 1
        self.discarded = sum(map(recording.last_discarded, pathlib.Path(path).glob("kernel/index/*.idx")))

    def named(self, name):
        return sum(count for (known, _), count in self.events.items() if known == name)


class Storm(recording.KernelTest):
    def storm(self, *programs):
        return [self.start([sys.executable, "-c", program], stderr=subprocess.DEVNULL) for program in programs]

    def recorded(self, *options):
        """(trace, summary) of a storm, and what one program made of calls that were counted."""
        run = self.begin(*(word for name in EVENTS for word in ("-e", name)), "--syscall=getppid", "--context", "pid", *options)
        noise = self.storm(TIMERS, TIMERS, PACKETS, PACKETS)
        counted = self.start([sys.executable, "-c", COUNTED])
        time.sleep(SECONDS)
        counted.wait(timeout=60)
        for process in noise:
            process.kill()
            process.wait()
        summary = self.end(run)
        trace = Skimmed(run.output)
        self.assertEqual((trace.count, trace.discarded), (summary.recorded, summary.lost), summary.text)
        return trace, summary, {name: trace.events[name, counted.pid] for name in COUNTED_EVENTS}

    def check_calls(self, calls, lost):
        for name in COUNTED_EVENTS:
            self.assertLessEqual(calls[name], CALLS)
        self.assertLessEqual(2 * CALLS - sum(calls.values()), lost)

    def test_with_room(self):
        self.start_daemon()
        trace, summary, calls = self.recorded("--subbuf-size", "8M", "--num-subbuf", "8")
        self.assertLess(summary.lost, 1 + summary.recorded / 1000, summary.text)
        self.check_calls(calls, summary.lost)
        counts = {name: trace.named(name) for name in ("irq_softirq_entry", "timer_hrtimer_expire_entry", "net_if_rx",
                                                       "sched_switch")}
        print(counts)
        self.assertGreater(min(counts.values()), 500, counts)

    def test_without_room(self):
        """Sub-buffers that are full at once: what is lost is counted, all of it."""
        self.start_daemon()
        _, summary, calls = self.recorded("--subbuf-size", "4k", "--num-subbuf", "2")
        self.assertGreater(summary.lost, 1000, summary.text)
        self.check_calls(calls, summary.lost)

    def nmis(self):
        """Something that makes them until it is terminated."""
        if os.path.exists("/sys/bus/event_source/devices/cpu"):
            return self.start(["perf", "record", "-q", "-a", "-e", "cycles", "-F", "20000", "-o", self.folder / "perf.data"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not OWN_MACHINE:
            self.skipTest("no counters whose overflow is an NMI, and backtraces of all CPUs only where SILLAGE_TEST_OWN_MACHINE=1")
        return self.start(["sh", "-c", "while :; do echo l >/proc/sysrq-trigger; done"])

    def test_nmis(self):
        self.start_daemon()
        # A recording of nmi_handler happens in the middle of other records.
        maker = self.nmis()
        run = self.begin("-e", "nmi_handler", "-e", "sched_*", "-e", "timer_*", "--syscall=getppid", "--subbuf-size", "8M")
        noise = self.storm(TIMERS, PACKETS)
        time.sleep(SECONDS)
        for process in [*noise, maker]:
            process.terminate()
            process.wait()
        summary = self.end(run)
        trace = recording.Trace(run.output)
        self.assertEqual((trace.count, trace.discarded), (summary.recorded, summary.lost), summary.text)
        self.assertGreater(sum(event.name == "nmi_handler" for event in trace.events), 20)

    def test_cpu_goes_and_comes_back(self):
        """The whole machine loses a CPU for half a second, and tasks bound to it their place."""
        if not OWN_MACHINE or not ONLINE.exists():
            self.skipTest("SILLAGE_TEST_OWN_MACHINE=1 is not set, or CPU 1 cannot go")
        self.start_daemon()
        run = self.begin("-e", "sched_switch", "-e", "irq_softirq_entry", "--context", "perf:cpu:context-switches",
                         "--context", "pid")
        noise = self.storm(TIMERS, TIMERS)
        time.sleep(0.3)
        self.addCleanup(ONLINE.write_text, "1")
        ONLINE.write_text("0")
        gone = time.monotonic_ns()
        time.sleep(0.5)
        back = time.monotonic_ns()
        ONLINE.write_text("1")
        time.sleep(0.5)
        for process in noise:
            process.kill()
        summary = self.end(run)
        trace = recording.Trace(run.output)
        self.assertEqual((trace.count, trace.discarded), (summary.recorded, summary.lost), summary.text)
        of_cpu = [event.time for event in trace.events if event.cpu == 1]
        self.assertTrue(any(time_ns < gone for time_ns in of_cpu))
        self.assertTrue(any(time_ns > back for time_ns in of_cpu))
        self.assertFalse(any(gone < time_ns < back for time_ns in of_cpu))
        self.assertTrue(any(gone < event.time < back for event in trace.events if event.cpu == 0))


if __name__ == "__main__":
    recording.main()
