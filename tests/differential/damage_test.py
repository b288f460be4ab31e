#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Damaged traces (F29, F30): what is damaged is said with its place, and everything else is read.

damage_test.py SILLAGE [--seeds FIRST:LAST] [--keep DIRECTORY]

Random traces with bytes changed, bits flipped, cut off, and inserted: the slow decoder says which event records are
left and where damage is.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

import expected
import slow_decoder
from differential_test import is_event, number
from random_trace import RandomTrace

MUTATIONS = 12  # of each trace
SHORT = re.compile(r'field "[^"]+": not enough data: .*bit \d+')
INCOMPLETE = "incomplete last packet: "
DAMAGE = re.compile(r"sillage: (?P<path>/.*)/(?P<file>stream\d+)@(?P<byte>\d+): (?P<what>.+)")


def damage(data, r):
    """One hostile change of a stream's bytes."""
    data = bytearray(data)
    at = r.randrange(len(data))
    kind = r.randrange(6)
    if kind == 0:
        data[at] ^= 1 << r.randrange(8)
    elif kind == 1:
        data[at] = r.choice([0, 255, 127, 128, r.randrange(256)])
    elif kind == 2:
        del data[at:]
    elif kind == 3:
        del data[at:at + r.randrange(1, 9)]
    elif kind == 4:
        data[at:at] = bytes(r.randrange(256) for _ in range(r.randrange(1, 9)))
    else:
        data[at:at + 8] = r.choice([bytes(8), b"\xff" * 8])
    return bytes(data)


def check_strict(sillage, directory):
    """Strict reading of a damaged trace ends at its first damage; what is wrong, or nothing."""
    done = subprocess.run([sillage, "read", "--strict", directory], capture_output=True, timeout=60)
    said = [line for line in done.stderr.decode().splitlines() if DAMAGE.match(line)]
    if done.returncode != 1 or len(said) != 1:
        return f"--strict: exit status {done.returncode}, {len(said)} damages"
    return None


class Case:
    def __init__(self, trace, seed, index, directory):
        self.directory = directory
        r = random.Random(f"{seed} {trace.version} {index}")
        self.streams = dict(trace.streams)
        name = r.choice(sorted(self.streams))
        for _ in range(r.choice([1, 1, 2])):
            if self.streams[name]:
                self.streams[name] = damage(self.streams[name], r)
        directory.mkdir(parents=True)
        (directory / "metadata").write_bytes(trace.metadata)
        for name, data in self.streams.items():
            (directory / name).write_bytes(data)
        self.metadata = slow_decoder.Metadata(
            trace.fragments if trace.version == 1 else slow_decoder.fragments_of(trace.metadata))
        # In traces of CTF 1.8 that were put together from others packets have others' UUIDs; babeltrace2 reads them.
        self.metadata.checks_uuid = trace.version == 2

    def check(self, objects, damages):
        """What is wrong with what was read of this trace, or nothing."""
        wanted, where, incomplete = [], collections.Counter(), collections.Counter()
        for name, data in self.streams.items():
            for packet in slow_decoder.decode_stream(self.metadata, data):
                where[name] += packet.damage is not None
                incomplete[name] += packet.damage is not None and packet.is_incomplete
                wanted += [expected.event_json(self.metadata, packet, *event) for event in packet.events]
        left = collections.defaultdict(list)
        for event in objects:
            left[event["stream_class"], event["name"], event.get("cycles")].append(event)
        for event in wanted:
            event.pop("time_ns", None)  # a damaged time may not fit
            candidates = left[event["stream_class"], event["name"], event.get("cycles")]
            found = next((c for c in candidates if is_event(event, c)), None)
            if found is None:
                return f"not read:\n{json.dumps(event)}\nread instead:\n" + "\n".join(map(json.dumps, candidates))
            candidates.remove(found)
        more = [event for events in left.values() for event in events]
        if more:
            return f"read, but not there:\n{json.dumps(more[0])}"
        said = collections.Counter(name for name, _ in damages)
        if +said != +where:
            return f"damage is said in {dict(said)}, and is in {dict(where)}"
        said = collections.Counter(name for name, what in damages if what.startswith(INCOMPLETE))
        if +said != +incomplete:
            return f"incomplete packets are said in {dict(said)}, and are in {dict(incomplete)}"
        return None


def read_all(sillage, directory):
    """Events and damages of all traces below a directory, by trace."""
    environment = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC")
    done = subprocess.run([sillage, "read", "--format", "json", directory], capture_output=True, timeout=60,
                          env=environment)
    if done.returncode not in (0, 1):
        raise SystemExit(f"exit status {done.returncode}: {done.stderr.decode(errors='replace')[-3000:]}")
    events, damages = collections.defaultdict(list), collections.defaultdict(list)
    for line in done.stdout.splitlines():
        entry = json.loads(line, parse_int=number)
        path = entry.pop("trace")["path"]
        if entry.pop("type") == "event":
            entry.pop("time_ns", None)
            events[path].append(entry)
    for line in done.stderr.decode().splitlines():
        match = DAMAGE.match(line)
        if match:
            # Data that ends too early is said with the field and both bounds.
            if "not enough data" in match["what"] and not SHORT.match(match["what"]):
                raise SystemExit(f"damage without field or bound: {line}")
            damages[match["path"]].append((match["file"], match["what"]))
    # A last packet that may still be written is no damage.
    is_damaged = any(not what.startswith(INCOMPLETE) for said in damages.values() for _, what in said)
    if is_damaged != (done.returncode == 1):
        raise SystemExit(f"exit status {done.returncode} with damage in {sorted(damages)}")
    return events, damages


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sillage")
    parser.add_argument("--seeds", default="0:25")
    parser.add_argument("--keep", help="a folder for the traces that fail")
    options = parser.parse_args()
    traces = {}
    for seed in range(*map(int, options.seeds.split(":"))):
        for version in (1, 2):
            trace = RandomTrace(seed, version)
            if not trace.is_violating:
                traces[seed, version] = trace
    count = failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        base = pathlib.Path(scratch).resolve()
        for index in range(MUTATIONS):  # traces of one UUID would be read as one: each of the others at a time
            cases = {(seed, version): Case(trace, seed, index, base / str(index) / f"{seed}-{version}")
                     for (seed, version), trace in traces.items()}
            events, damages = read_all(options.sillage, base / str(index))
            strict_checked = False  # once for each change: a process each
            for (seed, version), case in cases.items():
                count += 1
                path = str(case.directory)
                what = case.check(events[path], damages[path])
                if what is None and damages[path] and not strict_checked:
                    strict_checked = True
                    what = check_strict(options.sillage, path)
                if what is not None:
                    failed += 1
                    print(f"seed {seed}, CTF {'1.8' if version == 1 else '2'}, damage {index}: {what}\n{damages[path]}\n")
                    if options.keep:
                        shutil.copytree(case.directory, pathlib.Path(options.keep) / f"{seed}-{version}-{index}",
                                        dirs_exist_ok=True)
            shutil.rmtree(base / str(index))
    print(f"{count} damaged traces, {failed} of them read otherwise")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
