#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The public CTF cases, whose data are not part of this project: what `sillage read` prints for them.

cases_test.py PATH_OF_SILLAGE

The folder of the cases is SILLAGE_CTF_CASES, or ../shared/ctf-cases beside the checkout. Without it the exit status is 77,
which ctest shows as skipped.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

SKIPPED = 77
CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ([pathlib.Path(os.environ["SILLAGE_CTF_CASES"])] if "SILLAGE_CTF_CASES" in os.environ else
           [CHECKOUT.parent / "shared" / "ctf-cases"])
JOBS = 2

# What has to be said of the cases that cannot be read: the cause, in our words.
CAUSES = {
    "ctf-1.8-fail-mixed-byte-order-unaligned-le-be": "do not have the same byte order: little-endian followed by big-endian",
    "ctf-1.8-fail-not-enough-data": "not enough data",
    "ctf-2-fail-not-enough-data": "not enough data",
    "ctf-2-fail-var-len-sint-oversized": "oversized variable-length integer: it has more than 64 bits",
    "ctf1/deterministic-ordering/c-corrupted": "dummystream@5: no event record class has the number 255",
    "ctf1/intersection/nostream": "there is no time at which all data streams were recorded",
    "ctf1/fail/fail1": "metadata: line 15, column 10: this is not CTF 1.8",
    "ctf1/fail/fail2": "metadata: line 9, column 16: there is no escape of backslash and 'o'",
    "ctf1/fail/invalid-sequence-length-field-class": "metadata: line 23, column 13: 'len' is no length",
    "ctf1/fail/invalid-variant-selector-field-class": "metadata: line 23, column 11: 'selector' is no tag",
    "ctf1/fail/lttng-modules-2.0-pre1": "metadata: byte 35: metadata packets of version",
    "ctf1/fail/metadata-syntax-error": "metadata: line 3, column 58: expected a name, not ']'",
    "ctf1/fail/packet-based-metadata": "metadata: byte 35: metadata packets of version",
    "ctf1/fail/smalltrace": "metadata: line 6, column 10: this is not CTF 1.8",
    "ctf2/fail/empty-event-record": "an event record of no bits",
    "ctf2/fail/meta-no-trace-cls-no-stream-cls": "metadata: byte 43: this metadata has no data stream class",
}


def read(sillage, trace, *options):
    """Exit status, standard output and standard error for a trace read from inside its folder."""
    done = subprocess.run([sillage, "read", "--clock-gmt", "--clock-date", *options, "."], cwd=trace, capture_output=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


def check(sillage, name, case, status, options=()):
    """What is wrong with a case; None: nothing."""
    got, text, errors = read(sillage, case / "trace", *options)
    if (case / "text").is_file() and text != (case / "text").read_bytes():
        return f"{name}: the text is not as expected:\n{text.decode('utf-8', 'replace')[:2000]}{errors}"
    if got != status:
        return f"{name}: exit status {got} instead of {status}: {errors}"
    # What can be read has no errors; losses are said, too, and are none.
    wrong = [line for line in errors.splitlines() if line.startswith("sillage: ") and "lost in total" not in line]
    if status == 0 and wrong and "warning" not in name:
        return f"{name}: {wrong[0]}"
    cause = CAUSES.get(name)
    if status != 0 and cause is None:
        return f"{name}: no cause is expected for it yet: {errors}"
    if cause is not None and cause not in errors:
        return f"{name}: '{cause}' is not said: {errors}"
    return None


# The value of a field in the cases' own notation (their README), against --format json.


def parse(lines):
    """A value from lines, as (indentation, text): a string for what stands on one line, else a list or dict."""
    indent, text = lines[0]
    if text.startswith("-") and (text == "-" or text[1] == " "):
        items = []
        for line_indent, line in lines:
            if line_indent == indent and (line == "-" or line.startswith("- ")):
                items.append([(indent + 2, line[2:])] if line != "-" else [])
            else:
                items[-1].append((line_indent, line))
        return [parse(item) for item in items]
    if not re.match(r"[A-Za-z_0-9]+:( |$)", text):
        assert len(lines) == 1, lines
        return text
    members = {}
    for line_indent, line in lines:
        if line_indent == indent and not line.startswith("-"):
            name, _, value = line.partition(":")
            block = members[name] = [(indent + 2, value.strip())] if value else []
        else:
            block.append((line_indent, line))
    return {name: parse(block) for name, block in members.items()}


def is_leaf(expected, got):
    """Whether what stands on one line is the JSON value."""
    if isinstance(got, dict) and set(got) == {"value", "labels"}:
        got = got["value"]  # of enumerations and bit maps
    if expected in ("~", "∅"):
        return got is None if expected == "~" else got in ({}, [], "")
    if expected in ("yes", "no"):
        return got is (expected == "yes")
    if expected.startswith('"'):
        return got == expected[1:-1]
    if expected.startswith("["):
        bits = "".join(re.findall("[01]", expected))
        return type(got) is int and got == int(bits, 2) and got < 2**len(bits)
    if re.fullmatch(r"([0-9a-f]{2} )*[0-9a-f]{2}", expected) and isinstance(got, str):
        return got == expected.replace(" ", "")
    if "." in expected:
        return isinstance(got, (int, float)) and f"{got:.6f}" == expected
    return type(got) is int and got == int(re.sub(r"^(-?)0([0-7]+)$", r"\g<1>0o\2", expected), 0)


def matches(expected, got):
    if isinstance(expected, str):
        right = is_leaf(expected, got)
    elif isinstance(expected, list):
        right = isinstance(got, list) and len(got) == len(expected) and all(map(matches, expected, got))
    else:
        right = isinstance(got, dict) and list(got) == list(expected) and all(matches(expected[key], got[key]) for key in got)
    # A variant is an object of one member, whose name is its option's.
    return right or isinstance(got, dict) and len(got) == 1 and matches(expected, *got.values())


def check_values(sillage, cases):
    """What is wrong with the values of the one field of the one event of each trace; all are read in one run."""
    done = subprocess.run([sillage, "read", "--format", "json", *(case / "trace" for case in cases)], capture_output=True,
                          timeout=60, check=False)
    events = {}
    for line in map(json.loads, done.stdout.splitlines()):
        if line.get("type") == "event":
            events.setdefault(line["trace"]["path"], []).append(line)
    for case in cases:
        text = (case / "expected").read_text(encoding="utf-8").rstrip("\n").split("\n")
        expected = parse([(len(line) - len(line.lstrip(" ")), line.lstrip(" ")) for line in text])
        got = events.get(str((case / "trace").resolve()), [])
        if len(got) != 1 or list(got[0]["payload"]) != ["root"]:
            yield f"{case.name}: not one event with one field: {got} {done.stderr}"
        elif not matches(expected, got[0]["payload"]["root"]):
            yield f"{case.name}: {got[0]['payload']['root']} is not {expected}"


def all_cases(folder):
    for case in sorted((folder / "traces").glob("ctf*/*/*")):
        name = str(case.relative_to(folder / "traces"))
        options = ["--stream-intersection"] if "/intersection/" in name else []
        yield name, case, int((case / "status").read_text()), options
    for case in sorted((folder / "fields").iterdir()):
        yield case.name, case, 1 if re.search("-fail-", case.name) else 0, []


def main():
    sillage = os.path.abspath(sys.argv[1])
    folder = next((one for one in FOLDERS if one.is_dir()), None)
    if folder is None:
        print(f"skipped: the public CTF cases are not in {FOLDERS[0]}; set SILLAGE_CTF_CASES to their folder")
        return SKIPPED
    cases = list(all_cases(folder))
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        wrong = [one for one in pool.map(lambda case: check(sillage, *case), cases) if one]
    wrong += check_values(sillage, [case for _, case, status, _ in cases if status == 0 and (case / "expected").is_file()])
    for one in wrong:
        print(one)
    print(f"{len(wrong)} faults in {len(cases)} cases")
    return 1 if wrong or len(cases) < 300 else 0


if __name__ == "__main__":
    sys.exit(main())
