#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counters of perf by thread as contexts: under LTTng and under Sillage what the program counts itself, and what it did.

counters_test.py BIN_DIRECTORY UST_PROGRAMS UST_LIBRARIES: of the build.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BIN, PROGRAMS, LIBRARIES = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
sys.path.insert(0, str(HERE.parent / "lttng"))
import scripts_test  # pylint: disable=wrong-import-position
from scripts_test import Side  # pylint: disable=wrong-import-position

ROUNDS = 30
FAULTS = "perf:thread:page-fault"
CONTEXTS = ("vtid", FAULTS, "perf:thread:task-clock", "perf:thread:cs", "perf:thread:faults")
REFUSED = ("perf:thread:nonsense", "perf:cpu:faults", "perf:thread:raw:rzz:x", "perf:thread:raw:r1", FAULTS)


class Session(Side):
    def run_command(self, *words, code=0):
        done = subprocess.run([*self.command, *words], env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        assert (done.returncode == 0) == (code == 0), f"{self.name}: {words}: {done.stdout}"
        return done.stdout

    def prepare(self, name, contexts):
        self.run_command("create", name, f"--output={self.root / name}")
        self.run_command("enable-channel", "-u", "c")
        self.run_command("enable-event", "-u", "-c", "c", "life:*")
        return [self.run_command("add-context", "-u", "-c", "c", "-t", context) for context in contexts]

    def finish(self, name):
        """The events: of each its thread's role, what that counted, the contexts."""
        self.run_command("destroy", "--all")
        done = subprocess.run(["babeltrace2", self.root / name], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
        return [{key: int(value) for key, value in re.findall(r"(\w+) = (\d+)", line)}
                for line in done.stdout.splitlines() if "life:step" in line]

    def record(self, program, *modes):
        """What the commands said, and the events."""
        name = "-".join((program.parent.name, *modes, *(("locked",) if "SILLAGE_RSEQ" in self.environment else ())))
        said = self.prepare(name, CONTEXTS)
        for context in REFUSED:
            self.run_command("add-context", "-u", "-c", "c", "-t", context, code=1)
        self.run_command("save", name, f"--output-path={self.root / name}-saved")
        saved = next((self.root / f"{name}-saved").rglob("*.lttng")).read_text()
        said += re.findall(r"<perf>.*?</perf>", re.sub(r"\s+", "", saved))
        self.run_command("start")
        subprocess.run([program, str(ROUNDS), *modes], env=self.environment, check=True, timeout=60)
        events = self.finish(name)
        metadata = subprocess.run(["babeltrace2", "-o", "ctf-metadata",
                                   next((self.root / name).rglob("metadata")).parent], stdout=subprocess.PIPE, text=True,
                                  check=True, timeout=60).stdout
        said += [" ".join(line.split()) for line in metadata.splitlines() if "perf_thread" in line]
        return said, events

    def record_twice(self, program):
        """Of a program whose first recording has ended the second one, with another counter."""
        self.prepare("first", CONTEXTS)
        self.run_command("start")
        with subprocess.Popen([program, str(ROUNDS), "pause"], env=self.environment, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout.readline() == "paused\n"
            assert len(self.finish("first")) == 3 * ROUNDS + 1
            self.prepare("second", ["perf:thread:minor-faults"])
            self.run_command("start")
            running.communicate("\n", timeout=60)
            assert running.returncode == 0
        return self.finish("second")


def of(events, who):
    return [event for event in events if event["who"] == who]


def check_counts(name, events, who):
    """The trace's counter is read between two readings of the program's own, and counts the same."""
    mine = of(events, who)
    assert len(mine) == ROUNDS, (name, who, len(mine))
    counted = [event["perf_thread_page_fault"] for event in mine]
    own = [event["n"] for event in mine]
    # It began later: by how much, no two readings may disagree.
    later = [min(here - there for here, there in zip(own[1:], counted)), max(here - there for here, there in zip(own, counted))]
    assert later[0] >= later[1], (name, who, list(zip(own, counted)))
    touched = [10 + index % 7 for index in range(1, ROUNDS)]
    more = [there - here - pages for here, there, pages in zip(counted, counted[1:], touched)]
    # The tracer's own faults: where a page of its memory is new to the thread.
    assert min(more) >= 0 and statistics.median(more) == 0, (name, who, more)
    for event in mine:
        # Another name of the same, whose counter is opened or read a moment later.
        assert event["perf_thread_faults"] <= event["perf_thread_page_fault"] + 2, (name, event)
    clocks = [event["perf_thread_task_clock"] for event in mine]
    assert clocks == sorted(clocks) and clocks[-1] > clocks[0], (name, who, clocks)
    return more


def main():
    with scripts_test.sides_of_ust_program(Session, LIBRARIES) as (theirs, ours):
        try:
            program = PROGRAMS / "counting"
            subprocess.run([program, "1"], check=True, capture_output=True, timeout=60)
        except subprocess.CalledProcessError as error:
            assert "perf_event_open" in error.stderr.decode(), error.stderr
            print("perf_event_open(2) is not allowed here")
            sys.exit(77 if "SILLAGE_REQUIRE_KERNEL" not in os.environ else 1)
        with scripts_test.daemons(theirs, ours):
            one, events = theirs.record(program)
            other, our_events = ours.record(program)
            _, our_others = ours.record(program, "refuse", "fork", "close")
            _, native = ours.record(BIN / "native_counting", "refuse", "fork", "close")
            second = ours.record_twice(BIN / "native_counting")
            ours.environment["SILLAGE_RSEQ"] = "0"
            _, locked = ours.record(BIN / "native_counting")
        assert one == other, "\n".join([*one, "", *other])
        assert len(one) == 3 * len(CONTEXTS) - 2, one
        for name, found in (("theirs", events), ("ours", our_events), ("forking", our_others), ("native", native),
                            ("locked", locked)):
            for who in (1, 2, 3):
                check_counts(name, found, who)
            # Of the threads that have ended no descriptor is left. LTTng has one for each context, others of a name included.
            left = of(found, 9)[0]["n"]
            assert left == (4 if name == "theirs" else 3), (name, left)
        for name, found in (("forking", our_others), ("native", native)):
            # A child has no descriptors of its parent's, and counts from the beginning.
            assert [event["n"] for event in of(found, 5)] == [0], (name, of(found, 5))
            check_counts(name, found, 4)
            assert of(found, 4)[0]["perf_thread_page_fault"] < of(found, 1)[-1]["perf_thread_page_fault"], name
            # Closed counters are opened again and go on from where they were.
            check_counts(name, found, 6)
            assert of(found, 6)[0]["perf_thread_page_fault"] >= of(found, 1)[-1]["perf_thread_page_fault"], name
            # A thread that is refused them has its events nevertheless.
            assert [event["n"] for event in of(found, 7)] == list(range(ROUNDS)), name
            assert all(value == 0 for event in of(found, 7) for key, value in event.items() if "perf" in key), name
        # The first recording's counters are closed once the program has heard of the second.
        assert [event["n"] for event in of(second, 9)] == [1], of(second, 9)
        faults = [event["perf_thread_minor_faults"] for event in of(second, 8)]
        assert [there - here >= 10 for here, there in zip(faults, faults[1:])] == [True] * (ROUNDS - 1), faults


if __name__ == "__main__":
    main()
