# SPDX-License-Identifier: MIT
"""F16: thousands of traced processes at once, and thousands of forks a second: each is recorded, none waits, nothing is left.

Few in ordinary runs; SILLAGE_LONG=1: 10,000 processes, and a storm of 60 s.
"""

import os
import subprocess
import sys

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, check, lost, open_files, read_trace, recorded, wait_until  # noqa: E402

LONG = os.environ.get("SILLAGE_LONG") == "1"
PROCESSES = 10_000 if LONG else 1000
STORM_SECONDS = 60 if LONG else 2
RATE = 2000
# Of the machine: how much longer than asked for things may take.
SLOWNESS = float(os.environ.get("SILLAGE_SLOWNESS", "1"))


def numbers(text):
    return {name: int(value) for name, value in map(str.split, text.splitlines())}


def start_delay(box, program):
    """Milliseconds that a program's start takes for its registration: the 99th of 100."""
    took = sorted(numbers(subprocess.run([program, "start"], env=box.environment, check=True, capture_output=True,
                                         text=True).stdout)["register_us"] for _ in range(100))
    return took[98] / 1000


def main():
    with Sandbox() as box:
        program = box.bin / "many_processes_program"
        # A minute: all of them ask at once, of two CPUs perhaps.
        box.environment["SILLAGE_REGISTER_TIMEOUT_MS"] = "60000"
        # It raises its soft limit to the hard one.
        daemon = box.start_daemon()
        recorder = box.start([box.bin / "sillage", "record", "-o", box.root / "t"], stderr=subprocess.PIPE)
        check("Recording" in recorder.stderr.readline(), "the recording")
        alone = start_delay(box, program)
        # And files of streams that have no event yet.
        before = open_files(daemon.pid) + 16

        holder = box.start([program, "hold", PROCESSES], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        held = numbers("".join(holder.stdout.readline() for _ in range(3)))
        each = (open_files(daemon.pid) - before) / PROCESSES
        # Of several tries: what else the machine does is not asked for.
        beside = min(start_delay(box, program) for _ in range(3))
        print(f"{PROCESSES} at once: {held}, {each:.2f} descriptors each in the daemon; "
              f"a start takes {alone:.2f} ms alone, {beside:.2f} ms beside them (99th of 100)")
        check(each <= 3, "descriptors of the daemon")
        check(beside < alone + 5 * SLOWNESS, "start of a program")
        holder.stdin.close()
        check(holder.wait(timeout=120) == 0, "the holder")
        wait_until(lambda: open_files(daemon.pid) <= before, "descriptors to come back", 60)

        done = subprocess.run([program, "storm", str(RATE), str(STORM_SECONDS)], env=box.environment, check=True,
                              capture_output=True, text=True)
        storm = numbers(done.stdout)
        print(f"storm: {storm}")
        wait_until(lambda: open_files(daemon.pid) <= before, "descriptors to come back", 60)
        check(daemon.poll() is None, "the daemon is alive")

        recorder.send_signal(2)
        _, summary = recorder.communicate(timeout=60)
        sent = held["emitted"] + storm["emitted"]
        check(recorded(summary) + lost(summary) == sent, f"{sent} sent: {summary}")
        lines = [line for line in read_trace(box.root / "t") if " many:child: " in line]
        check(len(lines) == recorded(summary), f"{len(lines)} in the trace: {summary}")
    print("ok")


main()
