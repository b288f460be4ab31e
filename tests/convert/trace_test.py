# SPDX-License-Identifier: MIT
"""sillage convert on traces that sillage record made here: both versions, parts of time, losses, chunks, errors.

trace_test.py BIN_DIRECTORY
"""

import pathlib
import re
import shutil
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "daemon"))
from commands import check, check_ctf2, convert, run, sillage, text_of
from sillage_test import Sandbox, lost, recorded

ENTRY = struct.Struct(">9Q")


def index_of(trace):
    """By file name: offset, packet bits, content bits, begin, end, discarded, class, stream, sequence number."""
    entries = {}
    for path in trace.rglob("index/*.idx"):
        data = path.read_bytes()
        magic, major, minor, size = struct.unpack(">4I", data[:16])
        check((magic, major, minor, size) == (0xC1F1DCC1, 1, 1, ENTRY.size), path)
        entries[path.stem] = [ENTRY.unpack_from(data, at) for at in range(16, len(data), size)]
    return entries


def data_of(trace, name):
    return next(path for path in trace.rglob(name) if path.parent.name != "index").read_bytes()


def both_versions(box):
    for version, to, back in (("ctf-1.8", "ctf2", "ctf1.8"), ("ctf-2", "ctf1.8", "ctf2")):
        source = box.root / version
        box.sillage("record", "-o", source, "--trace-format", version, "--context", "vpid", "--context", "vtid",
                    "--context", "procname", *box.program(3000))
        before = text_of(source)
        check(before.count("\n") == 3001, before[:1000])
        there, again = box.root / f"{version}-there", box.root / f"{version}-back"
        # What Sillage records, both versions can say.
        check(convert(source, there, "--to", to) == [], "notices")
        check(convert(there, again, "--to", back) == [], "notices")
        check(text_of(there) == before and text_of(again) == before, version)
        check_ctf2(there if to == "ctf2" else again)
        old = source if version == "ctf-1.8" else there
        check(run("babeltrace2", "--clock-gmt", "--clock-date", old)[0] == before, version)
        check(index_of(there) == index_of(source) and index_of(source), "index files")
        for name in index_of(source):
            check(data_of(there, name) == data_of(source, name), f"{name}: packets were written again")


def times_of(text):
    return [line[1:line.index("]")] for line in text.splitlines()]


def part_of(box, source, begin, end):
    target = box.root / "part"
    convert(source, target, "--clock-gmt", "--begin", begin, "--end", end)
    expected = text_of(source, "--begin", begin, "--end", end)
    check(text_of(target) == expected, f"{begin} .. {end}: {text_of(target)[:500]}\n{expected[:500]}")
    check(run("babeltrace2", "--clock-gmt", "--clock-date", target)[0] == expected, "babeltrace2")
    part, whole = index_of(target), index_of(source)
    copied = 0
    for name, entries in part.items():
        old = {entry[8]: entry for entry in whole[name]}
        for entry in entries:
            first = old[entry[8]]
            check(first[3] <= entry[3] <= entry[4] <= first[4], f"{name}: {entry} of {first}")
            if entry[3:5] != first[3:5]:
                continue
            copied += 1
            size = entry[1] // 8
            check(data_of(target, name)[entry[0]:entry[0] + size] == data_of(source, name)[first[0]:first[0] + size],
                  f"{name}: packet {entry[8]} is not the same")
    other = box.root / "part-2"
    convert(source, other, "--to", "ctf2", "--clock-gmt", "--begin", begin, "--end", end)
    check(text_of(other) == expected, "the part in CTF 2")
    check_ctf2(other)
    for path in (target, other):
        shutil.rmtree(path)
    return copied


def parts_of_time(box):
    source = box.root / "long"
    box.sillage("record", "-o", source, "--subbuf-size", "4k", "--num-subbuf", "64", *box.program(20000))
    times = times_of(text_of(source))
    copied = 0
    for first, last in ((0, -1), (500, 800), (5000, 15000), (7000, 7000)):
        copied += part_of(box, source, times[first], times[last])
    check(copied > 20, f"{copied} packets copied")
    # Nothing is there: a trace without packets.
    target = box.root / "nothing"
    convert(source, target, "--clock-gmt", "--begin", "2001-01-01", "--end", "2001-01-02")
    check(text_of(target) == "" and index_of(target) == {}, "events of 2001")


def lost_in(warnings):
    """Events that warnings of `sillage read` count, and how many say that some may be lost."""
    counts = [int(count) for count in re.findall(r"Tracer discarded (\d+) event", warnings)]
    return sum(counts), warnings.count("may have discarded")


def losses_are_said_once(box):
    for attempt in range(5):  # the daemon may have time to read it all
        source = box.root / f"lossy{attempt}"
        _, summary = box.sillage("record", "-o", source, "--subbuf-size", "4k", "--num-subbuf", "2",
                                 *box.program(300000))
        text, warnings = sillage("read", "--clock-gmt", "--clock-date", source)
        if lost_in(warnings)[0] > 0:
            break
    check(text.count("\n") == recorded(summary), summary)
    times = times_of(text)
    middle = times[len(times) // 2]
    parts = []
    for option, name in (("--end", "early"), ("--begin", "late")):
        target = box.root / name
        convert(source, target, "--clock-gmt", option, middle)
        parts.append((target, *lost_in(sillage("read", target)[1])))
    (_, early, early_maybe), (late_path, late, late_maybe) = parts
    total, maybe = lost_in(warnings)
    check(total == lost(summary) or maybe and total < lost(summary), f"{total} lost, {maybe} times maybe\n{summary}")
    check(total > 0 and early_maybe == maybe, f"{total} lost: {parts}")
    # The late part's first packets say what was lost in them, not since the recording began. They have no packet in
    # front of them in this trace, so readers cannot count it.
    check(early + late <= total, f"{total} lost: {parts}")
    first = {name: entries[0] for name, entries in index_of(late_path).items()}
    whole = {name: {entry[8]: entry for entry in entries} for name, entries in index_of(source).items()}
    unsaid = 0
    for name, entry in first.items():
        before = whole[name].get(entry[8] - 1)
        own = whole[name][entry[8]][5] - (before[5] if before else 0)
        check(entry[5] == own, f"{name}: {entry[5]} lost in the first packet, not {own}")
        unsaid += own
    # Every loss is in one part; that around the border may be in both.
    check(total <= early + late + unsaid, f"{total} lost: {parts}, {unsaid} unsaid")
    check(late_maybe <= len(first), parts)


def chunks_stay_chunks(box):
    base = box.root / "rotated"
    for number in (1, 2):
        box.sillage("record", "-o", base / f"chunk-{number}", *box.program(100 * number))
    target = box.root / "rotated-2"
    convert(base, target, "--to", "ctf2")
    check(text_of(target) == text_of(base), "text of chunks")
    check({path.relative_to(base) for path in base.rglob("metadata")} ==
          {path.relative_to(target) for path in target.rglob("metadata")}, "places of chunks")
    # Several paths have a directory each.
    convert(base / "chunk-1", box.root / "both", base / "chunk-2", "--to", "ctf1.8")
    check(sorted(path.name for path in (box.root / "both").iterdir()) == ["chunk-1", "chunk-2"], "names")


def says_what_is_wrong(box):
    trace = box.root / "small"
    box.sillage("record", "-o", trace, *box.program(5))
    (box.root / "empty").mkdir()
    for message, arguments in (
            ("there is something here already", (trace, "-o", trace)),
            ("there is no trace here", (box.root / "empty", "-o", box.root / "x")),
            ("No such file", (box.root / "no-such-path", "-o", box.root / "x")),
            ("use ctf1.8, ctf2, chrome or perfetto", (trace, "-o", box.root / "x", "--to", "ctf3")),
            ("ends before it begins", (trace, "-o", box.root / "x", "--begin", "2", "--end", "1")),
            ("--begin", (trace, "-o", box.root / "x", "--begin", "noon")),
            ("File exists", (trace, "-o", pathlib.Path("/dev/null"), "--to", "chrome"))):
        _, error = sillage("convert", *arguments, status=1)
        check(message in error, f"{arguments}: {error}")
    check(not (box.root / "x").exists(), "something was made")
    # A packet without its end is copied as far as it goes, and said.
    stream = next(path for path in trace.rglob("*") if path.is_file() and path.name not in ("metadata",)
                  and path.parent.name != "index" and path.stat().st_size > 100)
    content = bytearray(stream.read_bytes())
    content[0:4] = b"\0\0\0\0"
    stream.write_bytes(content)
    _, error = sillage("convert", trace, "-o", box.root / "damaged", status=1)
    check(f"{stream}@" in error or "not a packet" in error, error)


def main():
    for test in (both_versions, parts_of_time, losses_are_said_once, chunks_stay_chunks, says_what_is_wrong):
        with Sandbox() as box:
            test(box)
            print("ok", test.__name__)


if __name__ == "__main__":
    main()
