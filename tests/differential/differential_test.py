#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`sillage read` against the slow decoder, value by value, on random traces; and against babeltrace2 where it reads them.

differential_test.py SILLAGE [--seeds FIRST:LAST] [--keep DIRECTORY]

Every trace comes from its seed: what failed is made again with --seeds N:N+1, and kept with --keep.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import expected
import slow_decoder
from random_trace import RandomTrace

REFUSED = "babeltrace2 does not read it"
SECONDS = 20  # for one trace of some kilobytes: more is a hang


def write(trace, directory):
    directory.mkdir(parents=True)
    (directory / "metadata").write_bytes(trace.metadata)
    for name, data in trace.streams.items():
        (directory / name).write_bytes(data)


def run(*command):
    environment = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC")
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, env=environment)
    return done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode(errors="replace")


class Expected:
    """Events and losses of a trace by the slow decoder."""

    def __init__(self, trace):
        self.metadata = slow_decoder.Metadata(
            trace.fragments if trace.version == 1 else slow_decoder.fragments_of(trace.metadata))
        self.objects, self.lines, self.damaged, self.lost = [], [], 0, collections.Counter()
        for data in trace.streams.values():
            packets = slow_decoder.decode_stream(self.metadata, data)
            for packet in packets:
                self.damaged += packet.damage is not None
                for event in packet.events:
                    self.objects.append(expected.event_json(self.metadata, packet, *event))
                    self.lines.append(expected.event_text(self.metadata, packet, *event))
            for before, packet in zip(packets, packets[1:]):
                self.count("lost_events", before.decoder.discarded, packet.decoder.discarded, 0)
                self.count("lost_packets", before.decoder.sequence, packet.decoder.sequence, 1)

    def count(self, what, before, now, step):
        if before is not None and now is not None and now > before + step:
            self.lost[what] += now - before - step


def check_json(trace, directory, sillage, wanted):
    """What is wrong with the JSON of a trace, or nothing."""
    status, out, errors = run(sillage, "read", "--format", "json", directory)
    if status not in (0, 1):
        return f"exit status {status}: {errors[-2000:]}"
    if (wanted.damaged > 0) != ("damage" in errors.lower() or status == 1):
        return f"{wanted.damaged} packets are damaged; exit status {status}, standard error: {errors}"
    objects = [json.loads(line, parse_int=number) for line in out.splitlines()]
    events = [entry for entry in objects if entry["type"] == "event"]
    times = [event["time_ns"] for event in events if "time_ns" in event]
    if times != sorted(times):
        return "times go back"
    lost = collections.Counter()
    for entry in objects:
        if entry["type"] in ("lost_events", "lost_packets"):
            lost[entry["type"]] += entry["count"] or 0
    if not wanted.damaged and lost != wanted.lost:
        return f"lost {dict(lost)} instead of {dict(wanted.lost)}: {errors}"
    left = collections.defaultdict(list)
    for event in events:
        for name in ("type", "trace"):
            event.pop(name)
        left[event["stream_class"], event["name"], event.get("cycles")].append(event)
    for event in wanted.objects:
        candidates = left[event["stream_class"], event["name"], event.get("cycles")]
        found = next((c for c in candidates if is_event(event, c)), None)
        if found is None:
            return f"not read:\n{json.dumps(event)}\nread instead:\n" + "\n".join(map(json.dumps, candidates))
        candidates.remove(found)
    more = [event for events in left.values() for event in events]
    if more:
        return f"read, but not there:\n{json.dumps(more[0])}\n{errors}"
    return None


def number(text):
    return -0.0 if text == "-0" else int(text)


def is_event(event, read):
    read = {name: value for name, value in read.items() if name in event or name != "stream"}
    empty = [name for name in expected.SCOPES.values() if event.get(name) == {} and name not in read]
    return expected.same({name: value for name, value in event.items() if name not in empty}, read)


def check_text(directory, sillage, wanted):
    status, out, errors = run(sillage, "read", "--no-delta", "--clock-seconds", directory)
    ours, theirs = sorted(out.splitlines()), sorted(wanted.lines)
    if ours != theirs:
        for mine, other in zip(ours, theirs):
            if mine != other:
                return f"text reads\n{mine}\nand should read\n{other}\n{errors}"
        return f"{len(ours)} lines of text instead of {len(theirs)}"
    return None


def check_babeltrace(directory, sillage):
    arguments = ["--no-delta", "--clock-seconds", directory]
    status, theirs, errors = run("babeltrace2", *arguments)
    if status != 0:
        return REFUSED
    _, ours, _ = run(sillage, "read", *arguments)
    if ours != theirs:
        for mine, other in zip(ours.splitlines() + [""], theirs.splitlines() + [""]):
            if mine != other:
                return f"text reads\n{mine}\nbabeltrace2's\n{other}"
    return None


def check(sillage, seed, version, plain, base):
    directory = base / f"{seed}-{version}{'-plain' * plain}"
    try:
        trace = RandomTrace(seed, version, plain)
        write(trace, directory)
        wanted = Expected(trace)
        if wanted.damaged and not trace.is_violating:
            return "the trace itself is damaged: the fault is in random_trace.py or slow_decoder.py"
        what = check_json(trace, directory, sillage, wanted) or check_text(directory, sillage, wanted)
        if what is None and plain:
            what = check_babeltrace(directory, sillage)
        return what
    except subprocess.TimeoutExpired:
        return f"no end after {SECONDS} s"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sillage")
    parser.add_argument("--seeds", default="0:40")
    parser.add_argument("--keep", help="a folder for the traces that fail")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split(":"))
    cases = [(seed, version, plain) for seed in range(first, last) for version, plain in ((1, False), (2, False), (1, True))]
    has_babeltrace = shutil.which("babeltrace2") is not None
    cases = [case for case in cases if has_babeltrace or not case[2]]
    failed = refused = 0
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(2) as pool:
        base = pathlib.Path(scratch)
        done = pool.map(lambda case: check(options.sillage, *case, base), cases)
        for (seed, version, plain), what in zip(cases, done):
            directory = base / f"{seed}-{version}{'-plain' * plain}"
            if what == REFUSED:
                refused += 1
            elif what is not None:
                failed += 1
                print(f"seed {seed}, CTF {'1.8' if version == 1 else '2'}{' for babeltrace2' * plain}: {what}\n")
                if options.keep:
                    shutil.copytree(directory, pathlib.Path(options.keep) / directory.name, dirs_exist_ok=True)
            shutil.rmtree(directory, ignore_errors=True)
    compared = sum(case[2] for case in cases) - refused
    print(f"{len(cases)} traces, {failed} of them read otherwise; {compared} compared with babeltrace2")
    return failed != 0 or has_babeltrace and compared < (last - first) / 2


if __name__ == "__main__":
    sys.exit(main())
