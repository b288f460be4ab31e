# SPDX-License-Identifier: MIT
"""Public CTF cases through the other version of the format and back: the text stays.

cases_test.py BIN_DIRECTORY [--all]

The cases are in $SILLAGE_CTF_CASES or ../shared/ctf-cases beside the checkout; without them the test is skipped.
Without --all: all traces, and every sixteenth of the cases of one field class.
"""

import os
import pathlib
import re
import shutil
import sys

from commands import ROOT, check, check_ctf2, convert, directory, run, text_of

# Their data streams are damaged on purpose: readers go on, the checker does not.
DAMAGED = {"c-corrupted", "lttng-crash", "lttng-event-after-packet"}
# babeltrace2 2.0.4 ends with an assertion on the original, too.
NOT_FOR_BABELTRACE2 = {"meta-ctx-sequence"}

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,{}\[\]()=]+|[{}\[\]()=]')
MADE = re.compile(r'\w+_tag = \( "[^"]*" : container = \d+ \), |\w+_length = \d+, |\bvalue = ')


def cases():
    place = pathlib.Path(os.environ.get("SILLAGE_CTF_CASES", ROOT.parent / "shared" / "ctf-cases"))
    if not place.is_dir():
        print(f"skipped: no cases in {place}")
        sys.exit(77)
    fields = sorted(path for path in (place / "fields").iterdir() if "-fail-" not in path.name)
    traces = sorted(path for path in (place / "traces").glob("ctf?/*/*") if path.parent.name != "fail")
    return traces + (fields if "--all" in sys.argv else fields[::16])


def is_ctf2(trace):
    return (trace / "metadata").is_file() and (trace / "metadata").read_bytes()[:1] == b"\x1e"


def simple(text):
    """The values of a text alone: no fields that CTF 1.8 needs in addition, no names of flags, no indexes."""
    text = MADE.sub("", text)
    text = re.sub(r'(0x[0-9A-F]+) \{ "[^}]*" \}', r"\1", text)  # flags
    text = re.sub(r"\[\d+\] = ", "", text)
    return [token for token in TOKEN.findall(text) if token not in "{}[]()="]


def is_same_value(before, after):
    """Whether a value of CTF 2 is what became of it in CTF 1.8."""
    if before in ("true", "false") and after.isdigit():
        return (before == "true") == (int(after) != 0)
    if re.fullmatch("[0-9a-f]{2}", before) and after.startswith("0x"):  # a byte of a BLOB
        return int(before, 16) == int(after, 16)
    return before == after


def check_values(name, before, after):
    before, after = (simple(text.replace("<none>", "")) for text in (before, after))
    same = len(before) == len(after) and all(map(is_same_value, before, after))
    check(same, f"{name}: values changed\n{before}\n{after}")


def check_case(case, place):
    source = case / "trace"
    name = case.name
    first, second = ("ctf1.8", "ctf2") if is_ctf2(source) else ("ctf2", "ctf1.8")
    before = text_of(source, status=None)
    there, back = place / "there", place / "back"
    notices = convert(source, there, "--to", first, status=None)
    between = text_of(there, status=None)
    convert(there, back, "--to", second, status=None)
    after = text_of(back, status=None)
    if first == "ctf2" or not notices:
        check(between == before, f"{name}: the text in {first} differs:\n{between[:1000]}\n{before[:1000]}")
    else:
        check_values(name, before, between)
    check(after == between, f"{name}: the text differs back in {second}:\n{after[:1000]}\n{between[:1000]}")
    if name in DAMAGED:
        return
    check_ctf2(there if first == "ctf2" else back)
    if name not in NOT_FOR_BABELTRACE2 and first == "ctf1.8":
        text, _ = run("babeltrace2", "--clock-gmt", "--clock-date", there)
        check(text == between, f"{name}: babeltrace2 reads other values:\n{text[:1000]}\n{between[:1000]}")


def main():
    count = 0
    with directory() as root:
        for case in cases():
            place = root / "case"
            place.mkdir()
            check_case(case, place)
            shutil.rmtree(place)
            count += 1
    check(count > 20, f"only {count} cases")
    print(f"{count} cases keep their text")


if __name__ == "__main__":
    main()
