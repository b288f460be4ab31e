#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ns per event of user-space tracepoints: Sillage, LTTng-UST, and floors (README.md says how to read it)."""

import os
import signal
import subprocess
import time

import harness

PAYLOADS = ("none", "int1", "int2", "int4", "intstr", "arr64")
# The defaults of both tracers, written out so that they stay equal.
SUBBUF = ("--subbuf-size", "524288", "--num-subbuf", "4")
CONTEXTS = ("vtid", "procname")
# "sillage-ust" is the very program that "lttng-ust" is, on the libraries of src/ust.
TRACERS = ("sillage", "sillage-fallback", "sillage-ust", "lttng-ust")
# No event has such a number, nor such a text: the difference shows in its first byte.
FILTERS = {"filter": "a == -7", "filtertext": 's == "x*"'}
FLOORS = ("rdtsc", "clock_gettime", "stores", "memcpy")


class Worker:
    """A process that runs one short round of a loop whenever it is told to."""

    def __init__(self, work, program, env):
        self.process = work.start([work.program(program)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.sent = {}  # loop: events

    def run(self, loop, threads, events):
        """Nanoseconds per event."""
        self.process.stdin.write(f"{loop} {threads} {events}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise harness.BenchError(f"the worker for {loop} ended; what it says above tells why")
        self.sent[loop] = self.sent.get(loop, 0) + threads * events
        return float(line)

    def events_for(self, loop, threads, seconds):
        """How many events take about that long. What happens only once per loop is over afterwards."""
        self.run(loop, threads, 1000)
        for share in (0.05, 0.5):
            ns = self.run(loop, threads, 2000)
            ns = self.run(loop, threads, max(2000, int(seconds * share * 1e9 / max(ns, 0.05))))
        return max(1000, int(seconds * 1e9 / max(ns, 0.05)))


def measurements():
    """(case, system, loop, threads) of one round, by case."""
    for threads in (1, 2):
        for payload in PAYLOADS:
            case = f"user-event/{payload}/t{threads}"
            group = [(case, system, payload, threads) for system in TRACERS]
            for floor in FLOORS:
                loop = f"{floor}/{payload}" if floor in ("stores", "memcpy") else floor
                group.append((case, "floor-" + floor, loop, threads))
            yield group
    yield [("user-event/ctx-int1/t1", system, "ctx", 1) for system in TRACERS]
    for name, loop in (("rejected", "filter"), ("rejected-text", "filtertext")):
        yield [(f"user-event/{name}/t1", system, loop, 1) for system in TRACERS]
    for name, loop in (("rejected-level", "level"), ("disabled", "off")):
        case = f"user-event/{name}/t1"
        yield [(case, "sillage", loop, 1), (case, "sillage-ust", loop, 1), (case, "lttng-ust", loop, 1), (case, "floor-empty-loop", "empty-loop", 1)]


def start_sillage(work):
    sillage = harness.Sillage(work).start()
    plain = [word for payload in PAYLOADS for word in ("-e", "bench:" + payload)]
    contexts = [word for context in CONTEXTS for word in ("--context", context)]
    recordings = {
        PAYLOADS: sillage.record("plain", "--overwrite", *SUBBUF, *plain),
        ("ctx",): sillage.record("ctx", "--overwrite", *SUBBUF, *contexts, "-e", "bench:ctx"),
        ("level",): sillage.record("level", "--overwrite", *SUBBUF, "-e", "bench:level", "--level", "WARNING"),
    }
    for loop, expression in FILTERS.items():
        recordings[loop,] = sillage.record(loop, "--overwrite", *SUBBUF, "-e", "bench:" + loop, "--filter", expression)
    return sillage, recordings


def start_lttng(work):
    lttng = harness.Lttng(work).start()
    channel = ("--overwrite", *SUBBUF)
    outputs = {
        "plain": lttng.session("plain", channel, [",".join("bench:" + p for p in PAYLOADS)], snapshot=True),
        "ctx": lttng.session("ctx", channel, ["bench:ctx"], CONTEXTS, snapshot=True),
        "level": lttng.session("level", channel, ["bench:level", "--loglevel=TRACE_WARNING"], snapshot=True),
    }
    for loop, expression in FILTERS.items():
        outputs[loop] = lttng.session(loop, channel, ["bench:" + loop, "--filter", expression], snapshot=True)
    return lttng, outputs


def check_sillage(recordings, workers):
    """Each event sent was written, and is on disk or was overwritten since, or was rejected. Returns events that never were
    written."""
    never_written = 0
    for loops, recording in recordings.items():
        recorded, lost, overwritten, rejected = harness.Sillage.finish(recording)
        sent = sum(worker.sent.get(loop, 0) for worker in workers for loop in loops)
        if loops == ("level",):
            sent = 0
        if recorded + lost + rejected != sent or (rejected != 0) != (loops[0] in FILTERS):
            raise harness.BenchError(f"sillage recorded {recorded}, rejected {rejected} and lost {lost} of {sent} events: "
                                     "this is a bug")
        never_written += lost - overwritten
    return never_written


def check_lttng(lttng, outputs):
    """The events are in the rings of the sessions that want them, and in no other."""
    for name, output in outputs.items():
        lttng("snapshot", "record", "-s", name)
        found = harness.count_events(output) if os.path.isdir(output) else 0
        if (found == 0) != (name == "level" or name in FILTERS):
            raise harness.BenchError(f"LTTng's snapshot of session {name} has {found} events")


def measure(options, report):
    with harness.Workspace(options.release) as work:
        sillage, recordings = start_sillage(work)
        lttng, outputs = start_lttng(work)
        workers = {
            "sillage": Worker(work, "bench_user_sillage", sillage.env),
            "sillage-fallback": Worker(work, "bench_user_sillage", dict(sillage.env, SILLAGE_RSEQ="0")),
            "sillage-ust": Worker(work, "bench_user_lttng", dict(
                sillage.env, LD_LIBRARY_PATH=os.path.join(os.path.abspath(options.release), "lib/sillage/ust"))),
            "lttng-ust": Worker(work, "bench_user_lttng", lttng.env),
        }
        floors = Worker(work, "bench_user_floors", os.environ)
        groups = list(measurements())
        events = {}
        for group in groups:
            for _, system, loop, threads in group:
                worker = workers.get(system, floors)
                if (worker, loop, threads) not in events:
                    events[worker, loop, threads] = worker.events_for(loop, threads, options.milliseconds / 1000)
        for number in range(options.rounds):
            # Between rounds the collector reads and the clock is steered; in them nobody but the writers runs, as with
            # LTTng's snapshot sessions.
            time.sleep(0.03)
            sillage.daemon.send_signal(signal.SIGSTOP)
            for group in groups:
                first = number % len(group)
                for case, system, loop, threads in group[first:] + group[:first]:
                    worker = workers.get(system, floors)
                    report.add(case, system, worker.run(loop, threads, events[worker, loop, threads]), "ns")
            sillage.daemon.send_signal(signal.SIGCONT)
        lost = check_sillage(recordings, [worker for system, worker in workers.items() if system != "lttng-ust"])
        check_lttng(lttng, outputs)
        if lost != 0:
            # Which of the cases lost them is not known: all of them say so.
            for key in report.lost:
                if key[1].startswith("sillage"):
                    report.lost[key] = lost


def ratios(report):
    yield ""
    yield f"{'case':26} {'lttng-ust/sillage':>18} {'lttng-ust/fallback':>19} {'lttng-ust/same':>15} {'sillage/rdtsc':>14} {'sillage/stores':>15}"
    for case in report.cases():
        def ratio(above, below):
            if not report.has(case, above) or not report.has(case, below):
                return "-"
            return f"{report.median(case, above) / report.median(case, below):.2f}"
        yield (f"{case:26} {ratio('lttng-ust', 'sillage'):>18} {ratio('lttng-ust', 'sillage-fallback'):>19} "
               f"{ratio('lttng-ust', 'sillage-ust'):>15} "
               f"{ratio('sillage', 'floor-rdtsc'):>14} {ratio('sillage', 'floor-stores'):>15}")
    disabled = "user-event/disabled/t1"
    difference = report.median(disabled, "sillage") - report.median(disabled, "floor-empty-loop")
    yield f"\na disabled tracepoint costs {difference:.2f} ns more than the empty loop"
    yield "ns per event and thread; both tracers overwrite a ring of 4 x 512 KiB per CPU, and no consumer runs meanwhile"


def main():
    options = harness.arguments(__doc__, rounds=21, milliseconds=12)
    report = harness.Report(options)
    measure(options, report)
    report.print(ratios(report))


if __name__ == "__main__":
    harness.run_bench(main)
