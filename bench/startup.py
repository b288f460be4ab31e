#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What linking with a tracer costs a program: time from exec to exit, memory and threads (README.md: how to read it)."""

import os
import re
import subprocess
import time

import harness

SITES = (1, 100)
STATES = ("no-daemon", "idle", "recording")


def program(work, system, sites):
    if system == "floor-no-tracer":
        return work.program("bench_startup_plain")
    return work.program(f"bench_startup_{'sillage' if system == 'sillage' else 'lttng'}_{sites}")


def spawn_us(path, env, count):
    """Microseconds from posix_spawn() to the end of the program, the mean of `count` in a row."""
    begin = time.perf_counter_ns()
    for _ in range(count):
        pid = os.posix_spawn(path, [path], env)
        _, status = os.waitpid(pid, 0)
        if status != 0:
            raise harness.BenchError(f"{path} failed with status {status}")
    return (time.perf_counter_ns() - begin) / 1000 / count


def idle_process(path, env):
    """(resident KiB, threads) of a process that does nothing."""
    process = subprocess.Popen([path, "stay"], env=env, stdin=subprocess.PIPE)
    try:
        time.sleep(0.3)
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
            status = file.read()
    finally:
        process.stdin.close()
        process.wait()
    return (int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)), int(re.search(r"Threads:\s+(\d+)", status).group(1)))


def measure_state(work, report, options, state, environments):
    systems = [("floor-no-tracer", os.environ), *environments]
    for number in range(options.rounds):
        for sites in SITES:
            for system, env in systems[number % len(systems):] + systems[:number % len(systems)]:
                path = program(work, system, sites)
                if number == 0:
                    spawn_us(path, env, 3)
                report.add(f"user-startup/{state}/sites{sites}", system, spawn_us(path, env, options.spawns), "us")
    for _ in range(3):
        for sites in SITES:
            for system, env in systems:
                memory, threads = idle_process(program(work, system, sites), env)
                report.add(f"user-rss/{state}/sites{sites}", system, memory, "KiB")
                report.add(f"user-threads/{state}/sites{sites}", system, threads, "threads")


def measure(options, report):
    with harness.Workspace(options.release) as work:
        sillage, lttng = harness.Sillage(work), harness.Lttng(work)
        environments = [("sillage", sillage.env), ("lttng-ust", lttng.env)]
        measure_state(work, report, options, "no-daemon", environments)
        sillage.start()
        lttng.start()
        measure_state(work, report, options, "idle", environments)
        recording = sillage.record("startup", "-e", "bench_startup:*")
        lttng.session("startup", [], ["bench_startup:*"])
        measure_state(work, report, options, "recording", environments)
        harness.Sillage.finish(recording)


def costs(report):
    yield "\nadded to a program without tracer:"
    for state in STATES:
        for sites in SITES:
            key = f"{state}/sites{sites}"
            def added(what, system):
                return report.median(f"user-{what}/{key}", system) - report.median(f"user-{what}/{key}", "floor-no-tracer")
            yield (f"  {key:20} sillage {added('startup', 'sillage'):8,.0f} us {added('rss', 'sillage'):7,.0f} KiB    lttng-ust "
                   f"{added('startup', 'lttng-ust'):8,.0f} us {added('rss', 'lttng-ust'):7,.0f} KiB")


def main():
    options = harness.arguments(__doc__, rounds=7, spawns=15)
    report = harness.Report(options)
    measure(options, report)
    report.print(costs(report))


if __name__ == "__main__":
    harness.run_bench(main)
