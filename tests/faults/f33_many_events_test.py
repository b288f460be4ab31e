# SPDX-License-Identifier: MIT
"""F33: very many kinds of events, channels and contexts, very long names: time grows as their number, and every limit is said.
"""

import subprocess
import sys
import time

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, check, lost, recorded  # noqa: E402

KINDS = (10_000, 40_000)
# Four times as many take four times as long; were it their square, sixteen times.
LONGER = 9


def record(box, name, *arguments):
    """Seconds from the command to its end, the summary, how many events the program emitted."""
    begin = time.monotonic()
    done = subprocess.run([box.bin / "sillage", "record", "-o", box.root / name, "--", box.bin / "many_events_program",
                           *map(str, arguments)], env=box.environment, capture_output=True, text=True, timeout=600)
    took = time.monotonic() - begin
    check(done.returncode == 0, done.stderr)
    return took, done.stderr, int(done.stdout.split()[0])


def kinds_of_events(box):
    took = []
    for kinds in KINDS:
        # The best of three: what else the machine does is not asked for.
        tries = [record(box, f"{kinds}-{number}", kinds) for number in range(3)]
        for _, summary, emitted in tries:
            check(emitted == kinds and recorded(summary) == kinds and lost(summary) == 0, summary)
        took.append(min(each[0] for each in tries))
    print(f"{KINDS[0]} and {KINDS[1]} kinds of events: {took[0]:.2f} and {took[1]:.2f} s")
    check(took[1] < LONGER * took[0], "time grows faster than the number of events")


def read(box):
    """Each kind is there once, in the trace and in its metadata."""
    few, many = (box.root / f"{kinds}-0" for kinds in KINDS)
    lines = subprocess.run(["babeltrace2", few], capture_output=True, text=True, check=True).stdout.splitlines()
    check({line.split()[3] for line in lines} == {f"many:{number}:" for number in range(KINDS[0])}, "what babeltrace2 finds")
    counted, _ = box.sillage("read", "--format", "count", many)
    check(counted == f"{KINDS[1]}\n", counted)


def names(box):
    """LTTng's longest name is 255 bytes with its provider's; a longer one is refused by name."""
    _, summary, emitted = record(box, "name-250", 10, 250)
    check(emitted == 10 and recorded(summary) == 10, summary)
    _, summary, emitted = record(box, "name-4096", 10, 4096, 1)
    check(emitted == 0 and "an event's name is longer than 255 bytes with its provider's" in summary, summary)
    _, summary, emitted = record(box, "million", 1_000_000, 0, 1)
    check(emitted == 0 and "the limit is 16777216" in summary, summary)


def channels_and_contexts(box):
    box.sillage("create", "s", f"--output={box.root}/s")
    box.sillage("enable-channel", "-u", ",".join(f"c{number}" for number in range(64)))
    _, errors = box.sillage("enable-channel", "-u", ",".join(f"d{number}" for number in range(936)), status=1)
    check(errors.count("at most 64 channels of a domain") == 936, errors[:1000])
    contexts = [option for number in range(32) for option in ("-t", f"$app.provider:c{number}")]
    box.sillage("add-context", "-u", "-c", "c1", *contexts)
    _, errors = box.sillage("add-context", "-u", "-c", "c1", "-t", "vtid", status=1)
    check("at most 32 contexts" in errors, errors)
    # As many channels as there may be, each with the program's event once.
    for number in range(64):
        box.sillage("enable-event", "-u", "-a", "-c", f"c{number}")
    box.sillage("start", "s")
    emitted = subprocess.run([box.bin / "many_events_program", "10"], env=box.environment, capture_output=True, text=True).stdout
    check(emitted == "10\n", emitted)
    box.sillage("destroy", "s")
    counted, _ = box.sillage("read", "--format", "count", "--event", "many:*", box.root / "s")
    check(counted.split()[-1] == "640", counted)


def main():
    with Sandbox() as box:
        box.environment["SILLAGE_REGISTER_TIMEOUT_MS"] = "60000"
        box.start_daemon()
        kinds_of_events(box)
        read(box)
        names(box)
        channels_and_contexts(box)
    print("ok")


main()
