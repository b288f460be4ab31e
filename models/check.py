#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the models of this folder with spin: the protocol as it is, and with bugs that must be found.

usage: check.py             everything; fails if a case does not end as it must
       check.py NAME...     only these cases (--list names them)
       check.py --list
       check.py --trail BUG the shortest way to that bug, step by step

A clean case must have no error in a search that is complete. A seeded bug must break the very property that it
is there for. No statement may be one that no clean case of its model reaches: what is never run proves nothing.
"""
import argparse
import concurrent.futures
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
JOBS = 2
MEMORY_MB = 1900  # of each search: 4 GB are not passed
DEPTH = 1_000_000  # steps in a row; a search that needs more is reported as incomplete
SECONDS = 240

# What must hold, by the statement that spin names when it does not.
PROPERTIES = {
    "intact": r"!\(bad\)",  # what is given out is what was published, in that order
    "credible": r"assertion violated is_credible|ahead<\(",  # honest accounts never contradict each other
    "exact": r"events==\(end-read\)",  # as many events as the accounts say
    "once": r"truth\[",  # nothing is given out or counted twice
    "sum": r"delivered\+overrun|sent==|cut<=",  # nothing is missing at the end
    "order": r"t>=last_time",  # within a stream time follows the order of publication
    "epoch": r"extended\|\|",  # compact times can be decoded
    "freed": r"owner\[0\]==0",  # no dead program holds a stream
    "progress": r"invalid end state",  # nobody waits for ever
}


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    model: str
    defines: str
    broken: str = ""  # a bug: the property that must be found broken


CLEAN = (
    # SUBBUF=3 is two records in a sub-buffer, SUBBUF=2 is one: more switches with fewer events.
    Case("ring-discard", "ring.pml", "EVENTS=2 KILLS=2 FLUSH"),
    Case("ring-discard-small", "ring.pml", "EVENTS=2 KILLS=1 FLUSH SUBBUF=2"),
    Case("ring-discard-clock", "ring.pml", "EVENTS=2 LAST_TIME=2"),
    Case("ring-discard-one", "ring.pml", "WRITERS=1 EVENTS=7 KILLS=1 FLUSH LAST_TIME=3"),
    Case("ring-overwrite", "ring.pml", "OVERWRITE EVENTS=2 KILLS=1 FLUSH SUBBUF=2"),
    Case("ring-overwrite-one", "ring.pml", "OVERWRITE WRITERS=1 EVENTS=7 KILLS=1 FLUSH"),
    Case("ring-overwrite-four", "ring.pml", "OVERWRITE WRITERS=1 EVENTS=6 KILLS=1 FLUSH LAST_TIME=2 SUBBUF=2 COUNT=4"),
    Case("lock-discard", "lock.pml", "KILLS=1 FLUSH"),
    Case("lock-discard-small", "lock.pml", "KILLS=1 LAST_TIME=2 SUBBUF=2"),
    Case("lock-discard-more", "lock.pml", "EVENTS=2 SUBBUF=2"),
    Case("lock-overwrite", "lock.pml", "OVERWRITE KILLS=1 SUBBUF=2"),
    Case("ring-reclaim", "ring.pml", "EVENTS=2 SUBBUF=2 COUNT=4 RECLAIM"),
    Case("ring-reclaim-one", "ring.pml", "WRITERS=1 EVENTS=6 FLUSH COUNT=4 RECLAIM"),
    Case("lock-reclaim", "lock.pml", "KILLS=1 SUBBUF=2 COUNT=4 RECLAIM"),
    Case("lock-two-repairs", "lock.pml", "KILLS=1 REPAIRS=2 INTERRUPTED=SECOND"),
)
BUGS = (
    # Writers in restartable sequences.
    Case("NO_ABORT", "ring.pml", "EVENTS=2", "intact"),
    Case("NO_CPU_CHECK", "ring.pml", "EVENTS=2", "intact"),
    Case("NO_POSITION_CHECK", "ring.pml", "EVENTS=2", "intact"),
    Case("CLOCK_FIRST", "ring.pml", "EVENTS=2 LAST_TIME=2", "order"),
    Case("EPOCH_BEFORE", "ring.pml", "EVENTS=2 LAST_TIME=2", "epoch"),
    Case("PUBLISH_FIRST", "ring.pml", "EVENTS=2 FLUSH", "intact"),
    Case("TWO_STORES", "ring.pml", "EVENTS=2 FLUSH", "exact"),
    Case("ENTRY_AFTER_POSITION", "ring.pml", "EVENTS=3", "credible"),
    Case("FILL_TO_END", "ring.pml", "EVENTS=3", "credible"),
    Case("OVERCOPY", "ring.pml", "OVERWRITE WRITERS=1 EVENTS=5 SUBBUF=2", "intact"),
    Case("NARROW_COUNT", "ring.pml", "EVENTS=3", "exact"),
    Case("FULL_TOO_LATE", "ring.pml", "EVENTS=3", "intact"),
    Case("ABORT_IS_DONE", "ring.pml", "EVENTS=2", "sum"),
    Case("LOSS_FORGOTTEN", "ring.pml", "EVENTS=2 SUBBUF=2", "sum"),
    Case("DATA_BEFORE_POSITION", "ring.pml", "OVERWRITE WRITERS=1 EVENTS=5 SUBBUF=2", "intact"),
    # The reader.
    Case("RELEASE_EARLY", "ring.pml", "EVENTS=3", "intact"),
    Case("KEEP_ONE_MORE", "ring.pml", "OVERWRITE WRITERS=1 EVENTS=5 SUBBUF=2", "intact"),
    Case("CHECK_BEFORE_COPY", "ring.pml", "OVERWRITE WRITERS=1 EVENTS=5 SUBBUF=2", "intact"),
    Case("PLACE_ONE_MORE", "ring.pml", "OVERWRITE WRITERS=1 EVENTS=5 SUBBUF=2", "credible"),
    Case("COUNTED_TWICE", "ring.pml", "OVERWRITE WRITERS=1 EVENTS=6 FLUSH", "once"),
    # Memory that the reader takes from free sub-buffers.
    Case("RECLAIM_NEXT", "ring.pml", "EVENTS=2 SUBBUF=2 COUNT=4 RECLAIM", "intact"),
    Case("RECLAIM_UNCHECKED", "ring.pml", "EVENTS=2 SUBBUF=2 COUNT=4 RECLAIM", "intact"),
    Case("RECLAIM_UNCLAIMED", "ring.pml", "EVENTS=2 SUBBUF=2 COUNT=4 RECLAIM", "intact"),
    # Writers that hold a lock, and the daemon that frees it.
    Case("NO_LOCK", "lock.pml", "", "intact"),
    Case("CHECK_THEN_TAKE", "lock.pml", "", "intact"),
    Case("NESTED_TAKES_OWN", "lock.pml", "", "intact"),
    Case("WAIT_FOR_OWNER", "lock.pml", "", "progress"),
    Case("RELEASE_OWNER_FIRST", "lock.pml", "", "intact"),
    Case("CLOCK_BEFORE_LOCK", "lock.pml", "LAST_TIME=2", "order"),
    Case("REPAIR_LIVING", "lock.pml", "", "intact"),
    Case("REPAIR_ANYONE", "lock.pml", "KILLS=1 INTERRUPTED=SECOND", "intact"),
    Case("REPAIR_BY_STORE", "lock.pml", "KILLS=1 INTERRUPTED=SECOND REPAIRS=2", "intact"),
    Case("REPAIR_FORGOTTEN", "lock.pml", "KILLS=1", "freed"),
    Case("REPAIR_PUBLISHES", "lock.pml", "KILLS=1", "intact"),
)


class CaseError(Exception):
    """What is wrong with a case, for its line."""


def options(case):
    return ["-D" + define for define in case.defines.split()] + (["-DBUG_" + case.name] if case.broken else [])


def run(command, folder):
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    return result.returncode, result.stdout + result.stderr


def preprocess(case, folder):
    """Writes the case as one file without macros, and returns the place (file:number) of each of its lines.

    spin would do this too, but what it then says about lines is not always right.
    """
    status, output = run(["gcc", "-E", "-x", "c", *options(case), FOLDER / case.model], folder)
    if status != 0:
        raise CaseError("gcc -E: " + output.strip())
    lines, places, file, number = [], [], "", 0
    for line in output.splitlines():
        marker = re.match(r'^# (\d+) "([^"]*)"', line)
        if marker:
            number, file = int(marker[1]), pathlib.Path(marker[2]).name
        elif line.strip():
            lines.append(line)
            places.append(f"{file}:{number}")
            number += 1
        else:
            number += 1
    (pathlib.Path(folder) / "case.pml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return places


def build(case, folder, *flags):
    """Makes `pan`, the program that searches the case's states; returns the places of its lines."""
    places = preprocess(case, folder)
    status, output = run(["spin", "-a", "case.pml"], folder)
    # spin says "Error" and still ends with 0 in places.
    if status != 0 or re.search(r"\berror\b", output, re.IGNORECASE):
        raise CaseError("spin: " + output.strip())
    # SAFETY: nothing here needs the search for cycles. A bug is found within a second: no use optimizing for it.
    status, output = run(["gcc", "-O0" if case.broken else "-O1", "-w", "-DSAFETY", "-DCOLLAPSE",
                          f"-DMEMLIM={MEMORY_MB}", *flags, "-o", "pan", "pan.c"], folder)
    if status != 0:
        raise CaseError("gcc: " + output.strip())
    return places


def judge(case, output):
    """Returns what there is to say about a search that ended as it must."""
    errors = re.search(r"errors: (\d+)", output)
    violation = re.search(r"^pan:1: (.*)$", output, re.MULTILINE)
    if errors is None:
        raise CaseError("the search did not end: " + output.strip()[-300:])
    if not case.broken:
        if violation or errors[1] != "0":
            raise CaseError(violation[1] if violation else "errors: " + errors[1])
        for sign in ("Search not completed", "max search depth too small", "out of memory", "aborted", "truncated"):
            if sign in output:
                raise CaseError("the search is not complete: " + sign)
        return "no error"
    if violation is None:
        raise CaseError("the bug was not found")
    found = [name for name, sign in PROPERTIES.items() if re.search(sign, violation[1])]
    if found != [case.broken]:
        raise CaseError(f"found, but not by `{case.broken}`: {violation[1]}")
    return "found: " + case.broken


def unreached(output, places):
    """The statements that a search never executed, as (file:number, statement)."""
    return {(places[int(number) - 1], text) for number, text in
            re.findall(r'^\t\S*case\.pml:(\d+), state \d+, "(.*)"$', output, re.MULTILINE)}


def check(case):
    """Runs a case; returns whether it ended as it must, its line, the places it has and what it did not reach."""
    start = time.monotonic()
    numbers, places, idle, is_right = "", [], set(), True
    try:
        with tempfile.TemporaryDirectory(prefix="sillage-models.") as folder:
            places = build(case, folder)
            _, output = run(["./pan", f"-m{DEPTH}"], folder)
        states = re.search(r"^\s*(\d+) states, stored", output, re.MULTILINE)
        memory = re.search(r"^\s*([\d.]+)\s+total actual memory usage", output, re.MULTILINE)
        numbers = f"{int(states[1]) if states else 0:>9} states {float(memory[1]) if memory else 0:5.0f} MB"
        idle = unreached(output, places)
        verdict = judge(case, output)
    except (CaseError, subprocess.TimeoutExpired) as error:
        is_right, verdict = False, str(error)
    line = f"{'ok' if is_right else 'FAIL':<5}{case.name:<22}{numbers:<26}{time.monotonic() - start:6.1f} s  {verdict}"
    return is_right, line, set(places), idle


def never_reached(cases, places_of, idle_of):
    """Yields each statement that is unreached in every one of the clean cases that contain it."""
    for model in sorted({case.model for case in cases}):
        those = [case for case in cases if case.model == model]
        for statement in sorted(set().union(*(idle_of[case] for case in those))):
            having = [case for case in those if statement[0] in places_of[case]]
            if all(statement in idle_of[case] for case in having):
                yield f"{model}: no clean case reaches {statement[0]}: {statement[1]}"


def unlisted_bugs():
    """Yields each bug of the models that no case turns on, and the reverse."""
    seeded = set()
    for path in FOLDER.glob("*.pml"):
        seeded |= set(re.findall(r"\bBUG_([A-Z_]*[A-Z])\b", path.read_text(encoding="utf-8")))
    for name in sorted(seeded ^ {case.name for case in BUGS}):
        yield f"BUG_{name} is " + ("in a model and not in check.py" if name in seeded else "in no model")


def show_trail(case):
    with tempfile.TemporaryDirectory(prefix="sillage-models.") as folder:
        places = build(case, folder, "-DBFS")  # breadth first: the shortest way
        run(["./pan"], folder)
        trail = next(pathlib.Path(folder).glob("*.trail"), None)
        if trail is None:
            sys.exit(f"{case.name}: nothing found")
        _, output = run(["spin", "-p", "-g", "-k", trail, "case.pml"], folder)
        print(re.sub(r"case\.pml:(\d+)", lambda found: places[int(found[1]) - 1], output))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--trail", metavar="BUG")
    arguments = parser.parse_args()
    for tool, package in (("spin", "spin"), ("gcc", "gcc")):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing: install the Debian package `{package}` (./dev packages)")
    by_name = {case.name: case for case in CLEAN + BUGS}
    unknown = [name for name in arguments.names + [arguments.trail or CLEAN[0].name] if name not in by_name]
    if unknown:
        sys.exit(f"no such case: {' '.join(unknown)} (see --list)")
    if arguments.list:
        for case in by_name.values():
            print(f"{case.name:<22}{case.model:<10}{case.broken or 'clean':<10}{case.defines}")
        return
    if arguments.trail:
        show_trail(by_name[arguments.trail])
        return

    start = time.monotonic()
    cases = [by_name[name] for name in arguments.names] or list(by_name.values())
    failed, places_of, idle_of = 0, {}, {}
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for case, (is_right, line, places, idle) in zip(cases, pool.map(check, cases)):
            print(line, flush=True)
            failed += not is_right
            places_of[case], idle_of[case] = places, idle
    passed = len(cases) - failed
    if not arguments.names:
        complaints = list(unlisted_bugs()) + list(never_reached(CLEAN, places_of, idle_of))
        for complaint in complaints:
            print("FAIL " + complaint)
        failed += len(complaints)
    print(f"{passed} passed, {failed} failed, {time.monotonic() - start:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
