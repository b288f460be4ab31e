# SPDX-License-Identifier: MIT
"""F20: the output disk is full for a second, then there is room again: whole packets, exact counts, and it goes on."""

import os
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, cannot, check, lost, read_trace, recorded, wait_until  # noqa: E402

EVENTS = 100000

with Sandbox() as box:
    disk = box.root / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "disk", disk]).returncode:
        cannot("a file system of its own needs root and mount(2)")
    try:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(1700 << 10))
        recorder = box.start([box.bin / "sillage", "record", "-o", disk / "t", "--subbuf-size", "16K", "--",
                              *box.program(EVENTS, "pause=1")], stderr=subprocess.PIPE)

        def room():
            return os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize

        wait_until(lambda: room() < 32 << 10, "the disk to be full", seconds=60)
        time.sleep(1.5)  # the rings fill up as well
        check(recorder.poll() is None, "still recording")
        # What is there now can be read, to the last whole packet.
        before = len(read_trace(disk / "t"))
        ballast.unlink()
        _, summary = recorder.communicate(timeout=60)
        check(recorder.returncode == 0, f"status {recorder.returncode}: {summary}")
        lines = read_trace(disk / "t")
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
    values = [int(line.rsplit("value = ", 1)[1].split()[0]) for line in lines if "test:number" in line]
    check(before < len(lines), f"{before} events while full, {len(lines)} in the end")
    check(lost(summary) > 0, f"the disk was full long enough to lose events: {summary}")
    check(len(lines) == recorded(summary), f"{len(lines)} read, the summary says {recorded(summary)}")
    check(recorded(summary) + lost(summary) == EVENTS + 1, f"sent {EVENTS + 1}:\n{summary}")
    check(values == sorted(set(values)) and values[-1] == EVENTS - 1, "in order, and on to the last")
    print(f"read while full {before}, in the end {len(lines)}, lost {lost(summary)}")
print("ok")
