#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ns that recording the kernel adds to a system call and to a switch, by tracer (README.md says how to read it)."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import harness

TRACEFS = "/sys/kernel/tracing"
# The loop, and the tracepoints behind one turn of it.
CASES = {
    "getppid": ("getppid", ("raw_syscalls:sys_enter", "raw_syscalls:sys_exit")),
    "getppid-ctx": ("getppid", ("raw_syscalls:sys_enter", "raw_syscalls:sys_exit")),
    "switch": ("switch", ("sched:sched_switch",)),
}
CONTEXTS = ("--context", "pid", "--context", "tid", "--context", "procname")
# A loop takes a few milliseconds, so that some of them are not interrupted.
LOOPS = 15
# ftrace's files that trace-cmd resets at its start, though it needs none of them; where the function tracer is locked
# it gives up over them.
FUNCTION_TRACER = ("set_ftrace_filter", "set_ftrace_notrace", "set_ftrace_pid", "set_ftrace_notrace_pid",
                   "set_graph_function", "set_graph_notrace")


class Tracer:
    """One way to record. start(case) attaches; stop() detaches and returns (events recorded or None, lost, bytes)."""

    needs = None  # program without which it cannot be

    def __init__(self, work):
        self.work = work
        self.process = None

    def start(self, case):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def path(self, name):
        path = os.path.join(self.work.path, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        return path


class Untraced(Tracer):
    def start(self, case):
        pass

    def stop(self):
        return None, 0, 0


class Floor(Tracer):
    """Empty programs on the same tracepoints: what any tracer made of eBPF has to pay."""

    def start(self, case):
        names = [event.split(":")[1] for event in CASES[case][1]]
        self.process = self.work.start([self.work.program("bench_kernel_floor"), *names], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        if "attached" not in self.process.stdout.readline():
            raise harness.BenchError("bench_kernel_floor does not start; what it says above tells why")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        return None, 0, 0


class Sillage(Tracer):
    """System calls by their names, with their arguments; the switch with LTTng's fields."""

    extra = ()

    def __init__(self, work):
        super().__init__(work)
        self.sillage = None
        self.recording = None
        self.output = None

    def options(self, case):
        events = ("-e", "sched_switch") if case == "switch" else (self.work.calls,)
        return ("-k", "--no-statedump", "--subbuf-size", "4M", "--num-subbuf", "16", *events, *self.extra,
                *(CONTEXTS if case.endswith("ctx") else ()))

    def start(self, case):
        if self.sillage is None:
            self.sillage = harness.Sillage(self.work, "sillage" + str(len(self.extra))).start()
        self.output = self.path("sillage-kernel")
        shutil.rmtree(self.output, ignore_errors=True)
        self.recording = self.sillage.record("kernel", *self.options(case))
        # Programs are attached one after the other.
        time.sleep(0.2)

    def stop(self):
        recorded, lost, *_ = harness.Sillage.finish(self.recording)
        return recorded, lost, harness.directory_bytes(self.output)


class SillageRejected(Sillage):
    """What an event costs that the rule's filter rejects."""

    extra = ("--filter", "$ctx.tid == -1")

    def stop(self):
        recorded, lost, *_ = super().stop()
        if recorded:
            raise harness.BenchError(f"{recorded} events came through a filter that is never true: this is a bug")
        return None, lost, 0


class Ftrace(Tracer):
    """An instance of its own, with the default clock, overwriting; nobody reads."""

    def start(self, case):
        self.instance = f"{TRACEFS}/instances/sillage_bench"
        if not os.path.isdir(self.instance):
            os.mkdir(self.instance)
        self.write("buffer_size_kb", "65536")
        self.write("trace", "")
        for event in CASES[case][1]:
            self.write(f"events/{event.replace(':', '/')}/enable", "1")

    def write(self, file, text):
        with open(f"{self.instance}/{file}", "w", encoding="ascii") as stream:
            stream.write(text)

    def stop(self):
        self.write("tracing_on", "0")
        self.write("events/enable", "0")
        numbers = {"entries": 0, "bytes": 0, "overrun": 0}
        for cpu in os.listdir(self.instance + "/per_cpu"):
            with open(f"{self.instance}/per_cpu/{cpu}/stats", encoding="ascii") as file:
                for name, number in re.findall(r"^(entries|bytes|overrun): (\d+)", file.read(), re.MULTILINE):
                    numbers[name] += int(number)
        os.rmdir(self.instance)
        return numbers["entries"], numbers["overrun"], numbers["bytes"]


class TraceCmd(Tracer):
    needs = "trace-cmd"

    def start(self, case):
        allow_trace_cmd(self.work)
        self.file = self.path("trace.dat")
        events = [word for event in CASES[case][1] for word in ("-e", event)]
        self.process = self.work.start(["trace-cmd", "record", "-d", "-b", "32768", "-o", self.file, *events],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # What it says of that is buffered. Its events are those of the whole machine.
        give_up = time.monotonic() + harness.READY_SECONDS
        while not all(self.is_enabled(event) for event in CASES[case][1]):
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise harness.BenchError("trace-cmd record does not start: " + self.process.stdout.read())
            time.sleep(0.05)
        time.sleep(0.2)

    @staticmethod
    def is_enabled(event):
        with open(f"{TRACEFS}/events/{event.replace(':', '/')}/enable", encoding="ascii") as file:
            return file.read().startswith("1")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        text = self.process.communicate(timeout=60)[0]
        # Its compressed file says nothing of the record's size; what it read from the kernel does.
        read = sum(int(number) for number in re.findall(r"\((\d+) uncompressed\)", text))
        size = read or os.path.getsize(self.file)
        lost = sum(int(number) for number in re.findall(r"overrun: (\d+)", text))
        report = harness.tool("trace-cmd", "report", "--stat", "-i", self.file)
        entries = sum(int(number) for number in re.findall(r"entries: (\d+)", report))
        return entries or None, lost, size


class PerfRecord(Tracer):
    needs = "perf"

    def start(self, case):
        self.file = self.path("perf.data")
        self.process = self.work.start(["perf", "record", "-a", "--synth=no", "-m", "32M", "-o", self.file, "-e",
                                        ",".join(CASES[case][1])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # It says nothing when it is ready, but its file begins to grow once events are enabled.
        give_up = time.monotonic() + harness.READY_SECONDS
        while not os.path.exists(self.file) or os.path.getsize(self.file) == 0:
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise harness.BenchError("perf record does not start")
            time.sleep(0.05)
        time.sleep(0.3)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)
        stats = harness.tool("perf", "report", "--stats", "-i", self.file)

        def number(name):
            return sum(int(count) for count in re.findall(rf"{name} events:\s+(\d+)", stats))
        return number("SAMPLE") // 2 or None, number("LOST"), os.path.getsize(self.file)


class Bpftrace(Tracer):
    """The cheapest script that keeps each event: its time and one value, printed by bpftrace."""

    needs = "bpftrace"

    def start(self, case):
        probes = " ".join(f"tracepoint:{event} {{ printf(\"%llu %d\\n\", nsecs, tid); }}" for event in CASES[case][1])
        self.file = self.path("bpftrace.txt")
        self.process = self.work.start(["bpftrace", "-o", self.file, "-e", probes],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       env=dict(os.environ, BPFTRACE_PERF_RB_PAGES="8192"))
        # Whatever it says is buffered, and has to be: its own writes would be events again.
        time.sleep(2)
        if self.process.poll() is not None:
            raise harness.BenchError("bpftrace does not start: " + self.process.stderr.read())

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        errors = self.process.communicate(timeout=60)[1]
        lost = sum(int(number) for number in re.findall(r"Lost (\d+) events", errors))
        return None, lost, os.path.getsize(self.file)


class LttngModules(Tracer):
    """LTTng's kernel tracer, where its modules are: the events, contexts and sub-buffers of Sillage's recording."""

    needs = "lttng"

    def __init__(self, work):
        super().__init__(work)
        self.lttng = None

    @staticmethod
    def is_there():
        return any(pathlib.Path("/lib/modules", os.uname().release).glob("**/lttng-tracer.ko*"))

    def start(self, case):
        if self.lttng is None:
            self.lttng = harness.Lttng(self.work)
            self.lttng.start(kernel=True)
        self.output = self.path("lttng-kernel")
        channel = ("-k", "-s", "bench", "-c", "bench")
        self.lttng("create", "bench", "--output=" + self.output)
        self.lttng("enable-channel", "-k", "-s", "bench", "--subbuf-size=4M", "--num-subbuf=16", "bench")
        self.lttng("enable-event", *channel, *(("sched_switch",) if case == "switch" else
                                                   ("--syscall", self.work.calls.partition("=")[2] or "--all")))
        if case.endswith("ctx"):
            self.lttng("add-context", *channel, *(f"--type={name}" for name in CONTEXTS if name != "--context"))
        self.lttng("start", "bench")

    def stop(self):
        self.lttng("stop", "bench")
        lost = self.lttng.discarded("bench")
        self.lttng("destroy", "bench")
        return harness.count_events(self.output), lost, harness.directory_bytes(self.output)


SYSTEMS = {"untraced": Untraced, "floor-empty-program": Floor, "sillage": Sillage, "sillage-rejected": SillageRejected,
           "ftrace": Ftrace, "trace-cmd": TraceCmd, "perf-record": PerfRecord, "bpftrace": Bpftrace,
           "lttng-modules": LttngModules}


def allow_trace_cmd(work):
    """Puts empty files over those of a locked function tracer. The bench is in a mount namespace of its own."""
    try:
        with open(TRACEFS + "/set_ftrace_filter", "a", encoding="ascii"):
            return
    except OSError:
        if harness.IN_NAMESPACE not in os.environ:
            raise harness.BenchError("the function tracer is locked, so trace-cmd does not run") from None
    empty = os.path.join(work.path, "empty")
    open(empty, "w", encoding="ascii").close()
    for root in (TRACEFS, "/sys/kernel/debug/tracing"):
        for name in FUNCTION_TRACER:
            if os.path.exists(f"{root}/{name}"):
                subprocess.run(["mount", "--bind", empty, f"{root}/{name}"], check=True)


class Load:
    """The measured program, alive through the whole run."""

    def __init__(self, work):
        self.process = work.start([work.program("bench_kernel_load")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, loop, count):
        self.process.stdin.write(f"{loop} {count}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def chosen(text, known):
    names = [name for name in known if text == "all" or name in text.split(",")]
    if not names:
        raise harness.BenchError("nothing to measure: known are " + ", ".join(known))
    return names


def available(names):
    for name in names:
        program = SYSTEMS[name].needs
        if program and not shutil.which(program):
            print(f"without {name}: {program} is missing", file=sys.stderr)
        elif name == "lttng-modules" and not LttngModules.is_there():
            print("without lttng-modules: no module lttng-tracer (./dev test-guest has it)", file=sys.stderr)
        else:
            yield name


def measure(options, report, facts):
    with harness.Workspace(options.release) as work:
        work.calls = "--syscall" if options.calls == "all" else "--syscall=" + options.calls
        load = Load(work)
        tracers = {name: SYSTEMS[name](work) for name in available(chosen(options.systems, list(SYSTEMS)))}
        cases = chosen(options.cases, list(CASES))
        for number in range(options.rounds):
            for case in cases:
                loop = CASES[case][0]
                count = options.events if loop == "getppid" else options.events // 8
                order = list(tracers)
                first = number % len(order)
                for name in order[first:] + order[:first]:
                    tracers[name].start(case)
                    load.run(loop, count)
                    value = min(load.run(loop, count) for _ in range(LOOPS))
                    recorded, lost, size = tracers[name].stop()
                    report.add("kernel-event/" + case, name, value, options.unit, lost)
                    if recorded:
                        facts.setdefault((case, name), []).append(size / recorded)
                        report.add("kernel-event-bytes/" + case, name, size / recorded, "bytes", lost)


def notes(options, report, facts):
    yield ""
    yield f"{'case':14} {'system':20} {'added':>9} {'of ftrace':>10} {'of perf':>9} {'of LTTng':>9} {'bytes/event':>12}"
    for case in CASES:
        full = "kernel-event/" + case
        if not report.has(full, "untraced"):
            continue
        added = {name: report.median(full, name) - report.median(full, "untraced") for name in SYSTEMS
                 if report.has(full, name)}

        def share(name, of):
            return f"{added[name] / added[of]:.2f}" if added.get(of, 0) > 0 else "-"
        for name, value in added.items():
            size = facts.get((case, name))
            yield (f"{case:14} {name:20} {value:9.1f} {share(name, 'ftrace'):>10} {share(name, 'perf-record'):>9} "
                   f"{share(name, 'lttng-modules'):>9} {min(size) if size else 0:12.1f}")
    yield f"\n{options.unit} per system call (entry and exit recorded: two events) or per switch; of 15 short loops the fastest, in each round"


def main():
    options = harness.arguments(__doc__, rounds=5, events=20000, systems="all", cases="all", unit="ns",
                                calls="all")
    report, facts = harness.Report(options), {}
    measure(options, report, facts)
    report.print(notes(options, report, facts))


if __name__ == "__main__":
    harness.run_bench(main)
