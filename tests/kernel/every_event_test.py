#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All tracepoints of the kernel at once, under load: every one is recorded or listed with a reason; accounts are exact.

    every_event_test.py SILLAGE
"""

import os
import pathlib
import re
import subprocess
import sys
import time

import recording

SECONDS = 60 if os.environ.get("SILLAGE_KERNEL_LONG") else 1.5
LOAD = [sys.executable, str(pathlib.Path(__file__).with_name("load.py"))]
RESIDENT_KIB = 600 * 1024


class EveryEvent(recording.KernelTest):
    def test_all_at_once(self):
        daemon = self.start_daemon().pid
        run = self.begin("-e", "*", "--subbuf-size", "1M", "--num-subbuf", "8")
        self.check_refusals("".join(run.said))
        load = self.start([*LOAD, str(SECONDS)])
        peak = 0
        while load.poll() is None:
            time.sleep(0.2)
            peak = max(peak, self.resident_kib(daemon))
        self.assertEqual(load.returncode, 0)
        summary = self.end(run, timeout=120)
        print(f"\n  {summary.recorded} recorded, {summary.lost} lost, {peak // 1024} MiB resident")
        self.assertLess(peak, RESIDENT_KIB)
        self.assertEqual(recording.counts(run.output), (summary.recorded, summary.lost), summary.text)
        self.assertIsNone(self.daemon.poll())

    @staticmethod
    def resident_kib(pid):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))

    def check_refusals(self, said):
        """As many events as the kernel has are recorded, or named with a reason."""
        listed = subprocess.run([self.sillage, "list", "-k"], env=self.env, capture_output=True, text=True, check=True)
        events = pathlib.Path(recording.TRACEFS + "/events")
        # Those of system calls are recorded as system calls.
        known = sum(1 for path in events.glob("*/*/format") if path.parts[-3] != "syscalls")
        found = re.search(r"Recording ([\d,]+) kernel events", said)
        self.assertIsNotNone(found, said)
        recorded = int(found.group(1).replace(",", ""))
        refused = re.findall(r"^\s*(\S+)\s+cannot be recorded: .+$", listed.stdout, re.MULTILINE)
        print(f"\n  {recorded} of {known} events are recorded; not: {', '.join(refused)}")
        # lttng_logger is the daemon's.
        self.assertEqual(recorded + len(refused), known + 1)


class Overwrite(recording.KernelTest):
    def test_keeps_the_newest(self):
        self.start_daemon()
        run = self.begin("--overwrite", "-e", "sched_switch", "-e", "irq_softirq_*", "-e", "syscall_*_unknown",
                         "--subbuf-size", "64k", "--num-subbuf", "4")
        subprocess.run([*LOAD, str(0.7 * recording.SLOWNESS)], check=True)
        end = time.monotonic_ns()
        summary = self.end(run)
        self.assertGreater(summary.lost, 0, "the load did not fill the buffers")
        trace = recording.Trace(run.output)
        self.assertEqual(trace.count, summary.recorded)
        hidden = recording.threads_of_init()
        for cpu in {event.cpu for event in trace.events}:
            times = [event.time for event in trace.events if event.cpu == cpu]
            self.assertEqual(times, sorted(times))
            self.assertGreater(times[-1], end - 200_000_000 * recording.SLOWNESS)
            # Without a hole: whoever was switched to is switched from.
            running = None
            for event in trace.events:
                if event.cpu != cpu or event.name != "sched_switch":
                    continue
                if running is not None and running not in hidden:
                    self.assertEqual(event.fields["prev_tid"], running)
                running = event.fields["next_tid"]


if __name__ == "__main__":
    recording.main()
