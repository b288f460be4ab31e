# SPDX-License-Identifier: MIT
"""F18: no memory for rings, no room in the daemon's own directory: an error that names it, and programs that go on unharmed."""

import contextlib
import os
import resource
import subprocess
import sys

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, cannot, check, lost, read_trace, recorded  # noqa: E402

EVENTS = 2000


def record(box, name, *options):
    """A recording of everything, begun."""
    recorder = box.start([box.bin / "sillage", "record", "-o", box.root / name, *options], stderr=subprocess.PIPE)
    check("Recording" in recorder.stderr.readline(), "the recording")
    return recorder


def end(recorder):
    recorder.send_signal(2)
    return recorder.communicate(timeout=60)[1]


def run_program(box):
    check(subprocess.run(box.program(EVENTS), env=box.environment, check=False).returncode == 0, "a program was harmed")


def more_than_there_is(box):
    with open("/proc/meminfo") as file:
        available = next(int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable"))
    count = 1 << (available >> 25).bit_length()
    done = subprocess.run([box.bin / "sillage", "record", "-o", box.root / "large", "--subbuf-size=32M", f"--num-subbuf={count}",
                           "--", *box.program(EVENTS)], env=box.environment, capture_output=True, text=True)
    check(done.returncode == 0 and f"of {count} x 33554432 bytes (use smaller or fewer sub-buffers): Cannot allocate memory" in
          done.stderr, done.stderr)


def no_more_for_this_daemon(box, daemon):
    """Rings of each process's own, and address space for few of them."""
    recorder = record(box, "each", "--buffers=process", "--subbuf-size=4M", "--num-subbuf=4")
    run_program(box)
    with open(f"/proc/{daemon.pid}/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    old = resource.prlimit(daemon.pid, resource.RLIMIT_AS, (used + (500 << 20), resource.RLIM_INFINITY))
    holders = [box.start(box.program(EVENTS, "hold=60000"), stdout=subprocess.PIPE) for _ in range(12)]
    for holder in holders:
        check(holder.stdout.readline() == "holding\n", "a program was harmed")
    resource.prlimit(daemon.pid, resource.RLIMIT_AS, old)
    run_program(box)
    check(daemon.poll() is None, "the daemon is alive")
    summary = end(recorder)
    check("warning" in summary and "Cannot allocate memory" in summary, summary)
    some = recorded(summary) / (EVENTS + 1)
    check(lost(summary) == 0 and 2 < some < 14 and some == int(some), f"{some} programs: {summary}")
    lines = read_trace(box.root / "each")
    check(len(lines) == recorded(summary), f"{len(lines)} in the trace: {summary}")
    print(f"{int(some)} of 14 programs found room")


def no_room_for_state(box):
    ballast = box.runtime / "ballast"
    with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    recorder = record(box, "full")
    run_program(box)
    summary = end(recorder)
    check(recorded(summary) == EVENTS + 1 and "would not survive sillaged" in summary and "No space left on device" in summary, summary)
    ballast.unlink()
    recorder = record(box, "again")
    run_program(box)
    summary = end(recorder)
    check(recorded(summary) == EVENTS + 1 and "warning" not in summary, summary)


def main():
    with Sandbox() as box:
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "run", box.runtime]).returncode:
            cannot("a file system of its own needs root and mount(2)")
        try:
            daemon = box.start_daemon()
            more_than_there_is(box)
            no_more_for_this_daemon(box, daemon)
            no_room_for_state(box)
        finally:
            subprocess.run(["umount", "--lazy", box.runtime], check=True)
    print("ok")


main()
