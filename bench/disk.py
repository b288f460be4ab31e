#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events per second to disk, losses and bytes per event: Sillage and LTTng-UST (README.md says how to read it)."""

import os
import shutil
import subprocess
import time

import harness

THREADS = (1, 2, 8, 32)


class Run:
    """What one recording of the producer came to."""

    def __init__(self, sent, seconds, lost, path):
        self.sent, self.seconds, self.lost, self.path = sent, seconds, lost, path
        self.bytes = harness.directory_bytes(path)

    def recorded(self):
        return self.sent - self.lost


def producer_words(work, name, threads, events):
    return [work.program(name), str(threads), str(events // threads)]


def run_sillage(work, sillage, number, threads, events, blocking):
    """From the start of `sillage record PROGRAM` to its end: creating the session is in the time."""
    output = os.path.join(work.path, f"sillage-{number}")
    options = ["-e", "bench:int1"] + (["--blocking-timeout", "inf"] if blocking else [])
    command = sillage.command(output, *options, "--", *producer_words(work, "bench_disk_sillage", threads, events))
    begin = time.monotonic()
    summary = harness.tool(*command, env=sillage.env)
    seconds = time.monotonic() - begin
    sent = events // threads * threads
    recorded, lost, *_ = sillage.numbers(summary)
    if recorded + lost != sent:
        raise harness.BenchError(f"sillage recorded {recorded} and lost {lost} of {sent} events: this is a bug")
    return Run(sent, seconds, lost, output)


def run_lttng(work, lttng, number, threads, events, blocking):
    """From the start of the program, the session being active, to the end of `lttng stop`, which waits for the data."""
    name = f"disk{number}"
    channel = ["--blocking-timeout=inf"] if blocking else []
    output = lttng.session(name, channel, ["bench:int1"])
    env = dict(lttng.env, LTTNG_UST_ALLOW_BLOCKING="1") if blocking else lttng.env
    begin = time.monotonic()
    subprocess.run(producer_words(work, "bench_disk_lttng", threads, events), env=env, check=True)
    lttng("stop", name)
    seconds = time.monotonic() - begin
    lost = lttng.discarded(name)
    lttng("destroy", name)
    return Run(events // threads * threads, seconds, lost, output)


def measure(options, report, notes):
    with harness.Workspace(options.release) as work:
        sillage = harness.Sillage(work).start()
        lttng = harness.Lttng(work).start()
        systems = (("sillage", run_sillage, sillage), ("lttng-ust", run_lttng, lttng))
        number = 0
        for mode in ("blocking", "discard"):
            rounds = options.rounds if mode == "blocking" else 1
            for threads in THREADS:
                case = f"user-disk/t{threads}" if mode == "blocking" else f"user-disk-discard/t{threads}"
                for index in range(rounds):
                    for name, run, tracer in systems:
                        number += 1
                        result = run(work, tracer, number, threads, options.events, mode == "blocking")
                        # Reading with babeltrace2 costs more than recording: once per case, and where the tracer's
                        # own count of losses cannot be (LTTng 2.13 adds 2^63 to some).
                        if index == rounds - 1 or not 0 <= result.lost <= result.sent:
                            found = harness.count_events(result.path)
                            if found != result.recorded():
                                notes.append(f"{case}, {name}: the trace has {found:,} of {result.sent:,} events, the tracer "
                                             f"says that it lost {result.lost:,}")
                                result.lost = result.sent - found
                        if result.recorded() > 0:
                            report.add(case, name, result.recorded() / result.seconds, "events/s", result.lost)
                        if mode == "blocking" and threads == 1:
                            report.add("user-disk-bytes/int1", name, result.bytes / result.recorded(), "bytes")
                        shutil.rmtree(result.path)


def ratios(report):
    yield "\nevents on disk per second, sillage/lttng-ust:"
    for case in report.cases():
        if case.startswith("user-disk/"):
            yield f"  {case:16} {report.median(case, 'sillage') / report.median(case, 'lttng-ust'):.2f}"
    yield "user-disk: blocking channels, so that nobody should lose anything; -discard: the defaults of both tracers"
    yield "bytes: all files of the trace (data, index, metadata) by recorded events"


def main():
    options = harness.arguments(__doc__, rounds=3, events=12_000_000)
    report = harness.Report(options)
    notes = []
    measure(options, report, notes)
    report.print([*ratios(report), *notes])


if __name__ == "__main__":
    harness.run_bench(main)
