# SPDX-License-Identifier: MIT
"""sillage convert --to chrome and --to perfetto: what a viewer gets, event by event.

timeline_test.py BIN_DIRECTORY
"""

import collections
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "daemon"))
import kernel_trace
from commands import ROOT, check, convert, directory, run, sillage, text_of
from perfetto_file import PerfettoFile
from sillage_test import Sandbox

BEGIN = 1_000_000_000_000  # of the clock in kernel_trace
# By track: what, time, name.
THREADS = {
    "sh": [("instant", 1000, "read"), ("begin", 2000, "read"), ("begin", 2700, "page_fault"),
           ("end", 2800, "page_fault"), ("end", 3600, "read"), ("begin", 3700, "read"), ("end", 3800, None),
           ("begin", 3800, "read"), ("end", 3900, "read"), ("instant", 4000, "syscall_entry_exit_group")],
    "cat": [("begin", 3100, "read"), ("begin", 3120, "ext4_sync_file"), ("end", 3140, "ext4_sync_file")],
}
IRQS = {0: [("begin", 2500, "irq_handler"), ("end", 2600, "irq_handler"), ("begin", 3200, "irq_handler"),
            ("end", 3300, None)],
        1: [("instant", 3400, "sched_wakeup")]}
SWITCHES = [(0, 3000, 100, 201, "cat"), (0, 3300, 201, 0, "swapper"), (1, 3500, 0, 100, "sh"),
            (1, 4100, 100, 0, "swapper")]
RUNNING = {0: [("begin", 3000, "cat"), ("end", 3300, None)], 1: [("begin", 3500, "sh"), ("end", 4100, None)]}


def without_end_names(marks):
    """Formats need no name at an end; this one may write it."""
    return [(what, time, None if what == "end" else name) for what, time, name in marks]


def check_marks(where, marks, expected):
    check(without_end_names(marks) == without_end_names(expected), f"{where}: {marks}\nexpected {expected}")


def chrome_marks(path):
    """By (pid, tid): marks; and the names of tracks, and all events."""
    trace = json.loads(path.read_text())
    begin = int(trace["otherData"]["begin_ns"])
    marks, names = collections.defaultdict(list), {}
    kinds = {"B": "begin", "E": "end", "i": "instant"}
    for event in trace["traceEvents"]:
        track = event["pid"], event["tid"]
        if event["ph"] == "M":
            names[event["name"], *track] = event["args"]["name"]
            continue
        time = begin + round(event["ts"] * 1000)
        marks[track].append((kinds[event["ph"]], time, event.get("name"), event.get("args", {})))
    return marks, names


def chrome_of_known_events(trace, root):
    convert(trace, root / "t.json", "--to", "chrome")
    marks, names = chrome_marks(root / "t.json")

    def of(track):
        return [(what, time - BEGIN, name) for what, time, name, _ in marks[track]]

    check(names["process_name", 0, 0] == "CPUs" and names["thread_name", 0, 1] == "CPU 1", names)
    check(names["thread_name", 100, 100] == "sh" and names["thread_name", 200, 201] == "cat", names)
    check(names["process_name", 100, 100] == "sh", names)
    check_marks("sh", of((100, 100)), THREADS["sh"])
    check_marks("cat", of((200, 201)), THREADS["cat"])
    for cpu in (0, 1):
        check_marks(f"CPU {cpu}", of((0, cpu)), sorted(IRQS[cpu] + RUNNING[cpu], key=lambda mark: mark[1]))
    check(marks[100, 100][1][3] == {"fd": 3, "count": 4096}, marks[100, 100][1])
    check(marks[100, 100][-2][3] == {"ret": -9}, marks[100, 100][-2])


def perfetto_of_known_events(trace, root):
    convert(trace, root / "t.pb", "--to", "perfetto")
    run("sh", "-c", f"protoc --decode_raw < {root / 't.pb'}")
    found = PerfettoFile(root / "t.pb")

    def of(track):
        return [(mark[1], mark[2] - BEGIN, mark[3]) for mark in found.marks if mark[0] == track]

    check_marks("sh", of(("thread", 100, 100, "sh")), THREADS["sh"])
    check_marks("cat", of(("thread", 200, 201, "cat")), THREADS["cat"])
    for cpu in (0, 1):
        check_marks(f"CPU {cpu}", of(("named", f"CPU {cpu}")), IRQS[cpu])
    switches = [(cpu, time - BEGIN, *rest) for cpu, time, *rest in found.switches]
    check(sorted(switches) == sorted(SWITCHES), switches)
    check(found.processes == {100: "sh"}, found.processes)
    check(found.clocks == {1: BEGIN + 1000, 6: BEGIN + 1000}, found.clocks)
    irq = next(mark for mark in found.marks if mark[3] == "irq_handler")
    check(irq[4] == "irq" and irq[5] == {"irq": 24, "name": "eth"}, irq)


def part_of_time(trace, root):
    convert(trace, root / "part.json", "--to", "chrome", "--begin", "1000.0000035", "--end", "1000.0000039")
    marks, _ = chrome_marks(root / "part.json")
    times = [time - BEGIN for track in marks.values() for _, time, _, _ in track]
    check(min(times) == 3500 and max(times) == 3900, times)


def user_events_are_instants_of_their_threads(box):
    trace = box.root / "user"
    box.sillage("record", "-o", trace, "--context", "vpid", "--context", "vtid", "--context", "procname",
                *box.program(500, "fork"))
    lines = text_of(trace).splitlines()
    convert(trace, box.root / "u.json", "--to", "chrome")
    marks, names = chrome_marks(box.root / "u.json")
    found = collections.Counter(what for track in marks.values() for what, *_ in track)
    check(found == {"instant": len(lines)} and len(lines) > 1000, f"{found}, {len(lines)} events")
    for pid, tid in marks:
        check(f"vpid = {pid}, vtid = {tid}" in "".join(lines) or f"vtid = {tid}, vpid = {pid}" in "".join(lines), pid)
        check(names["thread_name", pid, tid] == "traced_program", names)
    values = sorted(mark[3]["value"] for track in marks.values() for mark in track if "value" in mark[3])
    said = sorted(int(line.split("value = ")[1].split()[0]) for line in lines if "value = " in line)
    check(values == said, "values")
    convert(trace, box.root / "u.pb", "--to", "perfetto")
    perfetto = PerfettoFile(box.root / "u.pb")
    check(len(perfetto.marks) == len(lines), len(perfetto.marks))
    check(sorted(mark[5]["value"] for mark in perfetto.marks if "value" in mark[5]) == said, "Perfetto's values")
    # Without contexts nobody knows the thread: the CPU's track has the events.
    bare = box.root / "bare"
    box.sillage("record", "-o", bare, *box.program(10))
    convert(bare, box.root / "b.json", "--to", "chrome")
    check({pid for pid, _ in chrome_marks(box.root / "b.json")[0]} == {0}, "tracks without contexts")


def kernel_trace_of_lttng(root):
    """The same events in all: Chrome's slices and Perfetto's, and as many as the trace has."""
    place = pathlib.Path(os.environ.get("SILLAGE_TRACES", ROOT.parent / "shared" / "traces")) / "kernel-lttng-small"
    if not place.is_dir():
        print(f"skipped: no {place}")
        return
    end = "00:51:20.05"
    options = ("--clock-gmt", "--end", end)
    counts = collections.Counter(line.split(" ", 4)[4].split(":")[0] for line in
                                 text_of(place, "--end", end).splitlines())
    convert(place, root / "k.json", "--to", "chrome", *options)
    convert(place, root / "k.pb", "--to", "perfetto", *options)
    marks, _ = chrome_marks(root / "k.json")
    perfetto = PerfettoFile(root / "k.pb")
    check(len(perfetto.switches) == counts["sched_switch"] > 20, len(perfetto.switches))
    for _, track in marks.items():
        depth = last = 0
        for what, time, _, _ in track:
            check(time >= last, "time goes back in a track")
            last = time
            depth += {"begin": 1, "end": -1, "instant": 0}[what]
            check(depth >= 0, "an end without a begin")
    # Ends that were made up for lost ones have no arguments.
    real = [mark for mark in perfetto.marks if mark[1] != "end" or mark[5]]
    silent = sum(counts.values()) - counts["sched_switch"] - len(real)
    check(0 <= silent < sum(counts.values()) // 100, f"{silent} events are not there")
    slices = collections.Counter(mark[3] for mark in perfetto.marks if mark[1] == "begin")
    check(slices["ioctl"] == counts["syscall_entry_ioctl"] > 0, slices)
    chrome = collections.Counter(name for track in marks.values() for what, _, name, _ in track if what == "begin")
    check(all(chrome[name] >= count for name, count in slices.items()), "slices differ")


def main():
    with directory() as root:
        trace = root / "kernel"
        kernel_trace.write(trace)
        sillage("read", trace)
        chrome_of_known_events(trace, root)
        perfetto_of_known_events(trace, root)
        part_of_time(trace, root)
        kernel_trace_of_lttng(root)
    with Sandbox() as box:
        user_events_are_instants_of_their_threads(box)
    print("ok")


if __name__ == "__main__":
    main()
