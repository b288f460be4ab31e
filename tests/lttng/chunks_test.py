# SPDX-License-Identifier: MIT
"""Snapshots, rotation, clear and limits of trace files, taken while a program records: each piece of the trace stands
alone for babeltrace2, and together they hold every event that they should, once.

chunks_test.py BIN_DIRECTORY
"""

import os
import re
import select
import signal
import subprocess
import sys
import threading
import time

from sillage_test import Sandbox, check, wait_until
from sessions_test import Tour, lttng

STEP = re.compile(r" tour:step: .*index = (\d+), text = \"(\w+)\"")


class Load:
    """A program that emits all the time, on one CPU, so that its events are in one stream and in order.

    Where nothing may be lost, rings hold what it emits in a second in which the daemon does not come to run."""

    def __init__(self, box, burst=2000, pause=0.0):
        self.tour, self.burst, self.pause, self.sent, self.stopping = Tour(box), burst, pause, 0, False
        os.sched_setaffinity(self.tour.process.pid, {min(os.sched_getaffinity(0))})
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.tour.__enter__()
        return self

    def __exit__(self, *unused):
        self.finish()
        self.tour.__exit__()

    def start(self):
        self.thread.start()
        wait_until(lambda: self.sent > 0, "the first events")

    def run(self):
        while not self.stopping:
            self.tour.emit(self.burst)
            self.sent += self.burst
            time.sleep(self.pause)

    def finish(self):
        """Returns how many events there are in all."""
        self.stopping = True
        if self.thread.is_alive():
            self.thread.join()
        return self.sent


def steps(path):
    """The indexes of tour:step in the trace at a path; fails if it is not whole, or says that something was lost."""
    done = subprocess.run(["babeltrace2", str(path)], capture_output=True, text=True, timeout=60)
    check(done.returncode == 0 and "WARNING" not in done.stderr, f"babeltrace2 {path}: {done.stderr[-2000:]}")
    found = []
    for line in done.stdout.splitlines():
        match = STEP.search(line)
        check(match, f"a line of {path} that is not wanted: {line}")
        found.append(int(match[1]))
        check(match[2] == ("odd" if found[-1] % 2 else "even"), f"another text than was sent: {line}")
    return found


def is_run(numbers):
    return numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True


def begin(box, name, *channel, create=(), rule="tour:step"):
    lttng(box, "create", name, *create)
    lttng(box, "enable-channel", "-u", *channel, "c")
    lttng(box, "enable-event", "-u", "-c", "c", rule)
    lttng(box, "start")


def snapshots_under_load(box):
    path = box.root / "snapshots"
    with Load(box) as load:
        begin(box, "snapshots", "--subbuf-size=64k", "--num-subbuf=8", create=("--snapshot", "-o", path))
        lttng(box, "snapshot", "add-output", "--name=small", "--max-size=100k", box.root / "small")
        load.start()
        sent = []
        for _ in range(6):
            sent.append(load.sent)
            lttng(box, "snapshot", "record")
            time.sleep(0.02)
        check(not (path / "ust").exists(), "nothing on disk but snapshots")
        total = load.finish()
        lttng(box, "stop")
        lttng(box, "snapshot", "record", "--name=last", box.root / "last")
        lttng(box, "clear")
        lttng(box, "snapshot", "record", "--name=cleared", box.root / "last")
        lttng(box, "start")
        load.tour.emit(10)
        lttng(box, "snapshot", "record", "--name=after", box.root / "last")
        lttng(box, "destroy")
    for number, before in enumerate(sent):
        found = next(path.glob(f"snapshot-1-*-{number}"))
        numbers = steps(found)
        check(is_run(numbers), f"{found} without a gap: {numbers[:3]} ... {numbers[-3:]}, {len(numbers)}")
        check(numbers[-1] >= before - 1, f"{found} has what was sent before: {numbers[-1]} of {before}")
        limited = next((box.root / "small").glob(f"small-*-{number}"))
        size = sum(each.stat().st_size for each in limited.glob("ust/uid/*/*/c_*"))
        check(size <= 100 * 1024, f"{limited}: {size} bytes")
        check(is_run(steps(limited)), f"{limited} without a gap")
    last = steps(next((box.root / "last").glob("last-*")))
    check(is_run(last) and last[-1] == total - 1, f"the last snapshot ends at {last[-1]} of {total}")
    check(len(last) > 10000, f"the last snapshot has {len(last)} events of 512 KiB")
    check(steps(next((box.root / "last").glob("cleared-*"))) == [], "nothing is left after clear")
    check(steps(next((box.root / "last").glob("after-*"))) == list(range(total, total + 10)), "clear is an end, too")


def rotation_under_load(box):
    """F35: events before and after a rotation are in exactly one chunk."""
    path = box.root / "rotated"
    with Load(box, burst=1000, pause=0.004) as load:
        begin(box, "rotated", "--subbuf-size=512k", "--num-subbuf=16", create=("-o", path))
        load.start()
        archives = []
        for _ in range(15):
            out, _ = lttng(box, "rotate")
            archives.append(re.search(r"now readable at (\S+)", out)[1])
        total = load.finish()
        out, _ = lttng(box, "destroy")
        archives.append(re.search(r"now readable at (\S+)", out)[1])
    check(sorted(archives) == sorted(map(str, (path / "archives").iterdir())), f"archives: {archives}")
    check(sorted(each.name for each in path.iterdir()) == ["archives"], "nothing but archives is left")
    chunks = [steps(archive) for archive in archives]
    together = [index for chunk in chunks for index in chunk]
    check(together == list(range(total)), f"{len(together)} of {total} events in {len(chunks)} chunks")
    check(sum(bool(chunk) for chunk in chunks) > 5, "more than one chunk with events")


def killed_while_it_rotates(box):
    """F35: a daemon that is killed leaves each event in one place at most, and nothing that cannot be read."""
    for attempt in range(4):
        path = box.root / f"killed{attempt}"
        with Load(box, burst=500, pause=0.004) as load:
            begin(box, f"killed{attempt}", "--subbuf-size=16k", "--num-subbuf=256", create=("-o", path))
            load.start()
            lttng(box, "rotate")
            lttng(box, "rotate", "--no-wait")
            time.sleep(0.002 * attempt)
            pid = box.daemon_pid()
            process = os.pidfd_open(pid)
            os.kill(pid, signal.SIGKILL)
            check(select.select([process], [], [], 60)[0], "the daemon ends")
            os.close(process)
            (box.runtime / "control.sock").unlink()  # by which others know that a daemon runs
            load.finish()
        folders = {each.parent for each in path.rglob("metadata") if ".tmp_new_chunk" not in each.parts}
        found = sorted(index for folder in folders for index in steps(folder))
        check(found == list(range(len(found))) and found, f"{len(found)} events, none twice, none missing between")


def schedules(box):
    path = box.root / "scheduled"
    with Load(box, burst=1000, pause=0.01) as load:
        begin(box, "scheduled", "--subbuf-size=64k", "--num-subbuf=128", create=("-o", path))
        lttng(box, "enable-rotation", "--timer=150000")
        load.start()
        wait_until(lambda: len(list(path.glob("archives/*"))) >= 3, "three rotations by the clock")
        lttng(box, "disable-rotation", "--timer")
        lttng(box, "enable-rotation", "--size=200k")
        before = len(list(path.glob("archives/*")))
        wait_until(lambda: len(list(path.glob("archives/*"))) > before, "a rotation by size")
        lttng(box, "disable-rotation", "--size")
        total = load.finish()
        lttng(box, "destroy")
    chunks = sorted(path.glob("archives/*"), key=lambda each: int(each.name.rsplit("-", 1)[1]))
    together = [index for chunk in chunks for index in steps(chunk)]
    check(together == list(range(total)), f"{len(together)} of {total} events in {len(chunks)} chunks")


def programs_come_and_go(box):
    """Rings of a process: what one that has ended recorded is in the chunk of that time, or in the next one."""
    path = box.root / "processes"
    with Tour(box) as first:
        begin(box, "processes", "--buffers-pid", create=("-o", path))
        first.emit(100)
        for round_ in range(4):
            with Tour(box) as other:
                other.emit(50)
                lttng(box, "rotate")
                other.emit(25)
                first.emit(10)
            if round_ % 2:
                lttng(box, "rotate")
        lttng(box, "snapshot", "record", status=1)
        lttng(box, "destroy")
    chunks = [steps(chunk) for chunk in path.glob("archives/*")]
    together = sorted(index for chunk in chunks for index in chunk)
    check(together == sorted([*range(140), *(4 * [*range(75)])]), f"{len(together)} events in {len(chunks)} chunks")
    check(len(chunks) == 7, f"{len(chunks)} chunks")


def clear_forgets(box):
    path = box.root / "cleared"
    with Tour(box) as tour:
        begin(box, "cleared", create=("-o", path))
        tour.emit(1000)
        lttng(box, "clear")
        tour.emit(10)
        lttng(box, "stop")
        check(steps(path) == list(range(1000, 1010)), "what came after clear")
        lttng(box, "clear")
        check(steps(path) == [], "clear of a session that is stopped")
        lttng(box, "start")
        tour.emit(5)
        lttng(box, "destroy")
    check(steps(path) == list(range(1010, 1015)), "what came last")


def trace_files_are_rings(box):
    path = box.root / "limited"
    with Load(box, burst=500, pause=0.005) as load:
        begin(box, "limited", "--subbuf-size=4k", "--num-subbuf=1024", "--tracefile-size=16k", "--tracefile-count=3",
              create=("-o", path))
        load.start()
        wait_until(lambda: load.sent > 20000, "enough events")
        total = load.finish()
        lttng(box, "destroy")
    files = sorted(path.glob("ust/uid/*/*/c_*"))
    streams = {each.name.rsplit("_", 1)[0] for each in files}
    check(all(each.name[-1] in "012" for each in files) and len(files) == 3 * len(streams), f"names: {files}")
    check(all(each.stat().st_size <= 16384 for each in files), "files of 16 KiB at most")
    check(sorted(each.name for each in path.glob("ust/uid/*/*/index/*")) == [each.name + ".idx" for each in files],
          "an index of each")
    kept = steps(path)
    check(is_run(kept) and kept[-1] == total - 1 and len(kept) > 1000, f"the newest {len(kept)} of {total}")


def timer_writes_what_is_open(box):
    path = box.root / "timer"
    with Tour(box) as tour:
        begin(box, "timer", "--switch-timer=20000", "--read-timer=1000", "--monitor-timer=0", create=("-o", path))
        tour.emit(7)
        wait_until(lambda: steps(path) == list(range(7)), "seven events on disk by the timer")
        lttng(box, "destroy")


def nothing_goes_anywhere(box):
    with Tour(box) as tour:
        begin(box, "nowhere", create=("--no-output",))
        tour.emit(100)
        _, error = lttng(box, "snapshot", "record", status=1)
        check("Snapshot record failed" in error, error)
        lttng(box, "snapshot", "record", box.root / "once")
        _, error = lttng(box, "rotate", status=1)
        check("Rotation feature not available" in error, error)
        lttng(box, "destroy")
    check(steps(next((box.root / "once").iterdir())) == list(range(100)), "what a snapshot without output has")


def metadata_is_written_anew(box):
    path = box.root / "metadata"
    with Tour(box) as tour:
        begin(box, "metadata", create=("-o", path))
        tour.emit(3)
        metadata = next(path.glob("ust/uid/*/*/metadata"))
        before, old = metadata.read_text(), metadata.stat().st_ino
        lttng(box, "regenerate", "metadata")
        lttng(box, "regenerate", "statedump")
        after = metadata.read_text()
        check(metadata.stat().st_ino != old, "another file of metadata")
        lttng(box, "enable-event", "-u", "-c", "c", "tour:step", "--filter=index > 5")
        tour.emit(3)
        lttng(box, "destroy")

    def plain(text):
        return re.sub(r"offset(_s)? = \d+", "", text)
    check(plain(before) == plain(after), "the same metadata but for the clock's offset")
    check(steps(path) == list(range(6)), "the trace goes on")


def no_room_for_a_snapshot(box):
    with Tour(box) as tour:
        begin(box, "full", create=("--snapshot", "-o", box.root / "full"))
        tour.emit(10)
        place = box.root / "file"
        place.write_text("")
        _, error = lttng(box, "snapshot", "record", place, status=1)
        check("cannot" in error, error)
        _, error = lttng(box, "snapshot", "record", "--max-size=1k", status=1)
        check("Snapshot max size is invalid" in error, error)
        check(not (box.root / "full").exists(), "nothing of a snapshot that failed")
        lttng(box, "snapshot", "record")
        lttng(box, "destroy")
    check(steps(box.root / "full") == list(range(10)), "the next snapshot")


def main():
    for case in (snapshots_under_load, rotation_under_load, killed_while_it_rotates, schedules, programs_come_and_go,
                 clear_forgets, trace_files_are_rings, timer_writes_what_is_open, nothing_goes_anywhere, metadata_is_written_anew,
                 no_room_for_a_snapshot):
        with Sandbox() as box:
            began = time.monotonic()
            if len(sys.argv) < 3 or case.__name__ in sys.argv[2:]:
                case(box)
        print(f"{case.__name__}: {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
