#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seconds to read a kernel and a user trace: Sillage, babeltrace2, and the floor (README.md says how to read it)."""

import json
import os
import resource
import subprocess
import sys
import time

import harness

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# LTTng's own trace of a busy machine: 6 million events.
KERNEL_ARCHIVE = os.path.join(ROOT, "..", "shared", "traces", "kernel-lttng.tar.zst")
KERNEL_TRACE = os.path.join(ROOT, "build", "traces", "kernel-lttng")
COUNTER = ("babeltrace2", "--component=counter:sink.utils.counter", "--params=step=+0")
# Decodes every field and shows none: what its iteration costs by itself.
DUMMY = ("babeltrace2", "--component=dummy:sink.utils.dummy")
# The floor for text is reading the same bytes, too: nothing is written anywhere in it.
CASES = ("count", "columns", "text", "iterate", "python", "python-columns")
THREADS = (1, 2)
# A field that many events of the trace have.
FIELDS = {"kernel": "ret", "user": "a"}


class Run:
    """Seconds and peak memory of a program that ran to its end."""

    def __init__(self, command, env=None):
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        self.seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        self.peak_mib = usage.ru_maxrss / 1024
        if process.returncode != 0:
            raise harness.BenchError(f"{' '.join(command)} failed: {errors.decode(errors='replace').strip()}")


class Trace:
    """A trace, its size, and the programs that read it."""

    def __init__(self, name, path, work):
        self.name, self.path, self.work = name, path, work
        self.bytes = harness.directory_bytes(path)
        output = harness.tool(work.program("bench_read_sillage"), "count", "1", path)
        self.events = int(output.split()[0])
        found = harness.count_events(path)
        if found != self.events:
            raise harness.BenchError(f"sillage reads {self.events} events of {path}, babeltrace2 {found}: this is a bug")

    def commands(self, case, threads):
        """The command of each system; the floor is the same for all cases."""
        if case == "text":
            yield "sillage", [self.work.program("sillage"), "read", "--threads", str(threads), self.path]
            other = ["babeltrace2", self.path]
        else:
            yield "sillage", [self.work.program("bench_read_sillage"), case, str(threads), self.path]
            other = [*(COUNTER if case == "count" else DUMMY), self.path]
        if threads == 1:
            yield "babeltrace2", other
            yield "floor", [self.work.program("bench_read_floor"), self.path]


def kernel_trace():
    """Where the kernel trace is; unpacks it the first time. None without it."""
    if not os.path.isdir(KERNEL_TRACE) and os.path.exists(KERNEL_ARCHIVE):
        os.makedirs(os.path.dirname(KERNEL_TRACE), exist_ok=True)
        harness.tool("tar", "--zstd", "-xf", KERNEL_ARCHIVE, "-C", os.path.dirname(KERNEL_TRACE))
    return KERNEL_TRACE if os.path.isdir(KERNEL_TRACE) else None


def user_trace(work, events):
    """Records a trace of several kinds of events with LTTng-UST, nothing lost."""
    lttng = harness.Lttng(work).start()
    env = dict(lttng.env, LTTNG_UST_ALLOW_BLOCKING="1")
    output = lttng.session("read", ["--blocking-timeout=inf"], ["bench:*"], ("vtid", "procname"))
    subprocess.run([work.program("bench_read_producer"), "2", str(events // 2)], env=env, check=True)
    lttng("stop", "read")
    lttng("destroy", "read")
    return output


def measure(report, trace, case, threads, number):
    commands = list(trace.commands(case, threads))
    first = number % len(commands)
    for system, command in commands[first:] + commands[:first]:
        # Long runs of a slow system are not repeated as often: their medians do not move.
        if system == "babeltrace2" and number % 2 == 1:
            continue
        run = Run(command)
        report.add(f"read-{case}/{trace.name}/t{threads}", system, run.seconds, "s")
        report.add(f"read-{case}-memory/{trace.name}/t{threads}", system, run.peak_mib, "MiB")


def measure_python(report, trace, case, options):
    """Seconds of both modules, by the program that has the loops; nothing without the module."""
    package = os.path.join(os.path.abspath(options.release), "python")
    script = os.path.join(ROOT, "bench", "read_python.py")
    if not os.path.isdir(package) or not os.path.exists(script):
        return
    env = dict(os.environ, PYTHONPATH=package)
    for system in ("sillage", "babeltrace2"):
        done = harness.tool("/usr/bin/python3", script, system, case, trace.path, "--field", FIELDS[trace.name], "--limit",
                            str(options.python), env=env, timeout=600)
        result = json.loads(done.splitlines()[-1])
        # As if all events had been read: bt2 would take minutes.
        seconds = result["seconds"] * trace.events / result["events"]
        report.add(f"read-{case}/{trace.name}/t1", system, seconds, "s")


def ratios(report, traces):
    yield f"\n{'case':30} {'babeltrace2/sillage':>20} {'sillage/floor':>14} {'M events/s':>11} {'MB/s':>8}"
    for case in report.cases():
        if "-memory/" in case:
            continue
        trace = next(each for each in traces if f"/{each.name}/" in case)
        seconds = report.median(case, "sillage")
        one = case[:-1] + "1"
        peer = f"{report.median(one, 'babeltrace2') / seconds:.1f}" if report.has(one, "babeltrace2") else "-"
        floor = f"{seconds / report.median(one, 'floor'):.1f}" if report.has(one, "floor") else "-"
        yield (f"{case:30} {peer:>20} {floor:>14} {trace.events / seconds / 1e6:>11.1f} "
               f"{trace.bytes / seconds / 1e6:>8.0f}")
    yield "seconds of whole processes, the trace in the page cache; babeltrace2 has one thread; text goes to /dev/null"
    peak = max(report.median(case, "sillage") for case in report.cases() if "-memory/" in case)
    yield f"largest peak memory of sillage: {peak:.0f} MiB"


def main():
    options = harness.arguments(__doc__, rounds=5, events=10_000_000, python=400_000)
    report = harness.Report(options)
    with harness.Workspace(options.release) as work:
        traces = [Trace("user", user_trace(work, options.events), work)]
        kernel = kernel_trace()
        if kernel:
            traces.insert(0, Trace("kernel", kernel, work))
        else:
            print("bench: no kernel trace in build/traces/kernel-lttng: its cases are left out", file=sys.stderr)
        for number in range(options.rounds):
            for trace in traces:
                for case in CASES:
                    if case.startswith("python"):
                        if number < 3:
                            measure_python(report, trace, case, options)
                        continue
                    for threads in THREADS:
                        measure(report, trace, case, threads, number)
    report.print(ratios(report, traces))


if __name__ == "__main__":
    # What a child needs does not count for the next one's peak.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    harness.run_bench(main)
