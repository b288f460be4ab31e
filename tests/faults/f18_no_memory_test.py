# SPDX-License-Identifier: MIT
"""F18: no memory for rings, no room in the daemon's own directory: an error that names it, and programs that go on unharmed."""

import os
import resource
import subprocess
import sys

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, check, lost, read_trace, recorded, wait_until  # noqa: E402

EVENTS = 2000


def record(box, name, *options):
    """A recording of everything, begun."""
    recorder = box.start([box.bin / "sillage", "record", "-o", box.root / name, *options], stderr=subprocess.PIPE)
    wait_until(lambda: list((box.root / name).glob("ust/**/metadata")) or recorder.poll() is not None, "the recording")
    return recorder


def end(recorder):
    recorder.send_signal(2)
    return recorder.communicate(timeout=60)[1]


def run_program(box):
    check(subprocess.run(box.program(EVENTS), env=box.environment, check=False).returncode == 0, "a program was harmed")


def more_than_there_is(box):
    with open("/proc/meminfo") as file:
        available = next(int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable"))
    size = 1 << (available.bit_length() - 2)
    done = subprocess.run([box.bin / "sillage", "record", "-o", box.root / "large", f"--subbuf-size={min(size, 32 << 20)}",
                           f"--num-subbuf={max(size >> 25, 2)}", "--", *box.program(EVENTS)], env=box.environment, capture_output=True, text=True)
    print(done.returncode, done.stderr)


def no_more_for_this_daemon(box, daemon):
    """Rings of each process, and address space for some of them: what is left of `daemon` fits two."""
    recorder = record(box, "each", "--buffer-ownership=process", "--subbuf-size=4M", "--num-subbuf=4")
    run_program(box)
    with open(f"/proc/{daemon.pid}/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    old = resource.prlimit(daemon.pid, resource.RLIMIT_AS, (used + (150 << 20), resource.RLIM_INFINITY))
    holders = [box.start(box.program(EVENTS, "hold=60000"), stdout=subprocess.PIPE) for _ in range(8)]
    for holder in holders:
        check(holder.stdout.readline() == "holding\n", "a program was harmed")
    resource.prlimit(daemon.pid, resource.RLIMIT_AS, old)
    run_program(box)
    check(daemon.poll() is None, "the daemon is alive")
    print(end(recorder))


def no_room_for_state(box):
    ballast = box.runtime / "ballast"
    try:
        with open(ballast, "wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
    except OSError:
        pass
    recorder = record(box, "full")
    run_program(box)
    print(end(recorder))
    ballast.unlink()


def main():
    with Sandbox() as box:
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "run", box.runtime]).returncode:
            print("SKIPPED: a file system of its own needs root and mount(2)")
            sys.exit(1 if os.environ.get("SILLAGE_REQUIRE_KERNEL") == "1" else 77)
        try:
            daemon = box.start_daemon()
            more_than_there_is(box)
            no_more_for_this_daemon(box, daemon)
            no_room_for_state(box)
        finally:
            subprocess.run(["umount", "--lazy", box.runtime], check=True)
    print("ok")


main()
