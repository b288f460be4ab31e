#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Exact accounting, end to end: sent = read + rejected + lost.

    run.py SILLAGE PRODUCER [--either-way] [CASE...]

Each case runs the producer under `sillage record`, with restartable sequences and without (SILLAGE_RSEQ=0), has
babeltrace2 print the trace, and compares every event with the producer's own accounts: right checksum, no event
twice, none that was not sent, none that the filter rejects, and in sum sent = read + rejected + lost. Where processes are killed, each thread may have been inside
one event: begun, maybe recorded, not done. With --either-way every other case runs without restartable sequences, the rest with.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

MASK = (1 << 64) - 1
SMALL = ["--subbuf-size", "4096", "--num-subbuf", "2"]
# For all events of a case, should the daemon not get to run meanwhile.
LARGE = ["--subbuf-size", "1M", "--num-subbuf", "4"]
EVENT = re.compile(rb"producer = (\d+), sequence = (\d+), check = 0x([0-9A-Fa-f]+)")

# name: (options of record, arguments of the producer, what must hold beside the sum)
CASES = {
    "threads1": ([], ["events=300000"], ""),
    "threads2": ([], ["threads=2", "events=150000"], ""),
    "paced": (LARGE, ["threads=2", "events=60000", "pause_us=200"], "nothing lost"),
    "threads16": ([], ["threads=16", "events=20000"], ""),
    "processes8": ([], ["processes=8", "threads=2", "events=20000"], ""),
    "per-process": (["--buffers", "process"], ["processes=4", "threads=2", "events=20000"], ""),
    "small-discard": (SMALL, ["threads=4", "events=60000"], "something lost"),
    "small-overwrite": (SMALL + ["--overwrite"], ["threads=4", "events=60000"], "something lost"),
    "overwrite": (["--overwrite"], ["threads=4", "events=60000"], ""),
    "blocking": (SMALL + ["--blocking-timeout", "inf"], ["threads=8", "events=20000"], "nothing lost"),
    "signals": ([], ["threads=2", "events=150000", "signals=1000", "pause_us=100"], ""),
    "signals-small": (SMALL, ["threads=2", "events=150000", "signals=1000", "pause_us=100"], ""),
    "forks": ([], ["threads=2", "events=20000", "fork=200"], ""),
    "exec": (LARGE, ["events=20000", "exec=5"], "nothing lost"),
    "stops": ([], ["processes=4", "threads=2", "events=40000", "stops=100"], ""),
    "filtered": (["--filter", "sequence % 3 == 1"], ["threads=4", "events=60000"], ""),
    "filtered-small": (SMALL + ["--filter", "sequence % 3 == 1"], ["threads=4", "events=60000"], "something lost"),
    "filtered-kills": (["--filter", "sequence % 3 == 1"],
                       ["processes=8", "threads=2", "kills=200", "pause_us=1000", "batch=50"], ""),
    "kills": ([], ["processes=8", "threads=2", "kills=1000", "pause_us=1000", "batch=50"], ""),
    "kills-small": (SMALL, ["processes=8", "threads=2", "kills=200", "pause_us=1000", "batch=100"], ""),
}


def checksum(producer, sequence):
    x = ((producer << 40) ^ sequence ^ 0x9E3779B97F4A7C15) & MASK
    x ^= x >> 31
    x = x * 0xBF58476D1CE4E5B9 & MASK
    return x ^ (x >> 27)


def read_accounts(path):
    """Per producer: events begun, events done."""
    with open(path, "rb") as file:
        data = file.read()
    (count,) = struct.unpack_from("<I", data)
    return [struct.unpack_from("<QQ", data, 8 + 16 * i) for i in range(count)]


def lost_of(summary):
    found = re.search(r"events lost\s+([\d,]+)", summary)
    if not found:
        raise AssertionError("no 'events lost' in the summary:\n" + summary)
    return int(found.group(1).replace(",", ""))


def rejected_of(summary):
    found = re.search(r"events rejected\s+([\d,]+)", summary)
    return int(found.group(1).replace(",", "")) if found else 0


def recorded_of(summary):
    return int(re.search(r"events recorded\s+([\d,]+)", summary).group(1).replace(",", ""))


def gaps(accounts, sequences):
    """The producers with the most events missing, and where the first one is."""
    short = []
    for who, ((_, done), found) in enumerate(zip(accounts, sequences)):
        if len(found) < done:
            first = next(i for i in range(done) if i not in found)
            short.append((done - len(found), f"producer {who}: {done} done, {len(found)} read, first missing {first}"))
    return "".join(line + "\n" for _, line in sorted(short, reverse=True)[:5])


class NothingLost(AssertionError):
    """Where something should be: the daemon had time to read it all."""


def run_case(sillage, producer, name, rseq, folder):
    for left in range(4, -1, -1):
        try:
            return record_case(sillage, producer, name, rseq, folder)
        except NothingLost:
            if left == 0:
                raise
            shutil.rmtree(os.path.join(folder, "trace"))


def record_case(sillage, producer, name, rseq, folder):
    options, arguments, _ = CASES[name]
    accounts_path, trace = os.path.join(folder, "accounts"), os.path.join(folder, "trace")
    environment = dict(os.environ, SILLAGE_RUNTIME_DIR=os.path.join(folder, "run"), SILLAGE_RSEQ=rseq)
    command = [sillage, "record", "-o", trace] + options + ["--", producer, accounts_path] + arguments
    recording = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    summary = recording.stdout + recording.stderr
    if recording.returncode != 0:
        raise AssertionError(f"exit status {recording.returncode}:\n{summary}")
    return compare(name, accounts_path, trace, summary, os.path.join(folder, "errors"))


def compare(name, accounts_path, trace, summary, errors_path):
    """The trace with the producer's accounts, event by event; returns the sums as text, or raises AssertionError."""
    expectation = CASES[name][2] if name in CASES else ""
    accounts = read_accounts(accounts_path)
    sequences = [set() for _ in accounts]
    # To a file: what it says of lost events can be more than a pipe holds.
    with open(errors_path, "w", encoding="utf-8") as errors:
        reader = subprocess.Popen(["babeltrace2", "--no-delta", trace], stdout=subprocess.PIPE, stderr=errors)
    read = 0
    for line in reader.stdout:
        event = EVENT.search(line)
        if not event:
            raise AssertionError(f"not an event of ours: {line!r}")
        who, sequence, check = int(event.group(1)), int(event.group(2)), int(event.group(3), 16)
        if who >= len(accounts) or sequence >= accounts[who][0]:
            raise AssertionError(f"never sent: producer {who}, sequence {sequence}")
        if check != checksum(who, sequence):
            raise AssertionError(f"damaged: producer {who}, sequence {sequence}, checksum {check:#x}")
        if "filtered" in name and sequence % 3 != 1:
            raise AssertionError(f"recorded against the filter: producer {who}, sequence {sequence}")
        if sequence in sequences[who]:
            raise AssertionError(f"twice: producer {who}, sequence {sequence}")
        sequences[who].add(sequence)
        read += 1
    reader.stdout.close()
    if reader.wait() != 0:
        with open(errors_path, encoding="utf-8") as errors:
            raise AssertionError("babeltrace2 failed:\n" + errors.read()[-2000:])
    lost, rejected = lost_of(summary), rejected_of(summary)
    begun, done = sum(a[0] for a in accounts), sum(a[1] for a in accounts)
    facts = f"sent {done}" + (f"..{begun}" if begun != done else "") + f", read {read}, rejected {rejected}, lost {lost}"
    if not done <= read + rejected + lost <= begun:
        raise AssertionError(facts + "\n" + gaps(accounts, sequences) + summary)
    if recorded_of(summary) != read:
        raise AssertionError(facts + f"; the summary says {recorded_of(summary)} recorded")
    if "kills" not in name and begun != done:
        raise AssertionError("the producer did not finish: " + facts)
    if expectation == "nothing lost" and lost != 0:
        raise AssertionError(f"{expectation} was expected: {facts}\n{summary}")
    if expectation == "something lost" and lost == 0:
        raise NothingLost(f"{expectation} was expected: {facts}\n{summary}")
    return facts


def main():
    sillage, producer = sys.argv[1:3]
    wanted = [word for word in sys.argv[3:] if word != "--either-way"] or list(CASES)
    passed = failed = 0
    for number, name in enumerate(wanted):
        for rseq in ("1", "0")[number % 2:][:1] if "--either-way" in sys.argv else ("1", "0"):
            folder = tempfile.mkdtemp(prefix="sillage-accounting-")
            try:
                os.mkdir(os.path.join(folder, "run"), 0o700)
                facts = run_case(sillage, producer, name, rseq, folder)
                print(f"ok      {name:16} rseq={rseq}  {facts}", flush=True)
                passed += 1
            except (AssertionError, subprocess.TimeoutExpired) as error:
                print(f"FAILED  {name:16} rseq={rseq}  {error}", flush=True)
                failed += 1
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
