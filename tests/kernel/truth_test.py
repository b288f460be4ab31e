#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same load, recorded at the same time by Sillage and by ftrace or perf: the same events with the same values.

    truth_test.py SILLAGE
"""

import collections
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

import ftrace
import recording

LOAD = [sys.executable, str(pathlib.Path(__file__).with_name("load.py"))]
SECONDS = "0.3"
# The witness, enabled first, reads the clock first. Interrupts or other machines' turns may come in between.
EARLY_NS = 1000
LATE_NS = int(5_000_000 * recording.SLOWNESS)
PRIORITY = -100  # LTTng counts from MAX_RT_PRIO
# perf's event: (name in the trace, to be asked for as, pattern of its text, fields of ours).
PERF_EVENTS = {
    "sched:sched_switch": ("sched_switch", "sched_switch",
                           r"prev_comm=(.*) prev_pid=(\d+) prev_prio=(\d+) prev_state=\S+ ==> next_comm=(.*) "
                           r"next_pid=(\d+) next_prio=(\d+)",
                           ("prev_comm", "prev_tid", "prev_prio", "next_comm", "next_tid", "next_prio")),
    "irq:softirq_entry": ("irq_softirq_entry", "irq_softirq_entry", r"vec=(\d+).*", ("vec",)),
    "signal:signal_deliver": ("signal_deliver", "signal_deliver", r"sig=(-?\d+) errno=(-?\d+) code=(-?\d+).*",
                              ("sig", "errno", "code")),
    "block:block_rq_issue": ("block_rq_issue", "block_rq_issue",
                             r"(\d+,\d+) \S+ (\d+) \(.*?\) (\d+) \+ (\d+) .*\[(.*)\]",
                             ("dev", "bytes", "sector", "nr_sector", "comm")),
}
# Of ftrace's common_flags: recorded in an interrupt, a softirq or an NMI.
IN_INTERRUPT = 0x08 | 0x10 | 0x40


def same(*names):
    return {name: (name, 0) for name in names}


# ftrace's event: (name in the trace, {ftrace's field: (field in the trace, what is added to the value)})
TASK = {"comm": ("comm", 0), "pid": ("tid", 0), "prio": ("prio", PRIORITY)}
EVENTS = {
    "sched/sched_switch": ("sched_switch", {
        **same("prev_comm", "prev_state", "next_comm"), "prev_pid": ("prev_tid", 0), "next_pid": ("next_tid", 0),
        "prev_prio": ("prev_prio", PRIORITY), "next_prio": ("next_prio", PRIORITY)}),
    "sched/sched_waking": ("sched_waking", {**TASK, **same("target_cpu")}),
    "sched/sched_wakeup": ("sched_wakeup", {**TASK, **same("target_cpu")}),
    "sched/sched_wakeup_new": ("sched_wakeup_new", {**TASK, **same("target_cpu")}),
    "sched/sched_migrate_task": ("sched_migrate_task", {**TASK, **same("orig_cpu", "dest_cpu")}),
    "sched/sched_process_fork": ("sched_process_fork", {
        **same("parent_comm", "child_comm"), "parent_pid": ("parent_tid", 0), "child_pid": ("child_tid", 0)}),
    "sched/sched_process_exec": ("sched_process_exec", {
        **same("filename"), "pid": ("tid", 0), "old_pid": ("old_tid", 0)}),
    "sched/sched_process_exit": ("sched_process_exit", TASK),
    "sched/sched_process_free": ("sched_process_free", TASK),
    "irq/irq_handler_entry": ("irq_handler_entry", same("irq", "name")),
    "irq/irq_handler_exit": ("irq_handler_exit", same("irq")),  # ftrace has ret as handled or not
    "irq/softirq_raise": ("irq_softirq_raise", same("vec")),
    "irq/softirq_entry": ("irq_softirq_entry", same("vec")),
    "irq/softirq_exit": ("irq_softirq_exit", same("vec")),
    # Their `now` is a clock that may tick between the two tracers.
    "timer/timer_start": ("timer_start", same("timer", "function", "expires", "flags")),
    "timer/timer_expire_entry": ("timer_expire_entry", same("timer", "function", "baseclk")),
    "timer/timer_cancel": ("timer_cancel", same("timer")),
    "timer/hrtimer_start": ("timer_hrtimer_start", same("hrtimer", "function", "expires", "softexpires", "mode")),
    "timer/hrtimer_expire_entry": ("timer_hrtimer_expire_entry", same("hrtimer", "function", "now")),
    "timer/hrtimer_cancel": ("timer_hrtimer_cancel", same("hrtimer")),
    "block/block_rq_issue": ("block_rq_issue", same("dev", "sector", "nr_sector", "bytes", "comm")),
    "block/block_rq_complete": ("block_rq_complete", same("dev", "sector", "nr_sector", "error")),
    "kmem/mm_page_alloc": ("kmem_mm_page_alloc", same("pfn", "order", "gfp_flags", "migratetype")),
    "kmem/mm_page_free": ("kmem_mm_page_free", same("pfn", "order")),
    "signal/signal_generate": ("signal_generate", same("sig", "errno", "code", "comm", "pid", "group", "result")),
    "signal/signal_deliver": ("signal_deliver", same("sig", "errno", "code", "sa_handler", "sa_flags")),
    "workqueue/workqueue_execute_start": ("workqueue_execute_start", same("work", "function")),
    "raw_syscalls/sys_enter": ("syscall_entry_unknown", same("id", "args")),
    "raw_syscalls/sys_exit": ("syscall_exit_unknown", same("id", "ret")),
    "net/net_dev_queue": ("net_dev_queue", same("skbaddr", "len", "name")),
    "napi/napi_poll": ("napi_poll", same("napi", "dev_name", "work", "budget")),
}
# What the load brings about for certain; the others are compared where they happen.
CERTAIN = {"sched_switch", "sched_waking", "sched_wakeup", "sched_process_fork", "sched_process_exec", "sched_process_exit",
           "irq_softirq_entry", "timer_hrtimer_start", "kmem_mm_page_alloc", "signal_generate", "signal_deliver",
           "syscall_entry_unknown", "syscall_exit_unknown", "net_dev_queue", "block_rq_issue", "block_rq_complete"}


# EXIT_DEAD, EXIT_ZOMBIE: a task that has ended goes from one to the other when its parent on another CPU has waited for it, which
# may be between the one's look at it and the other's.
ENDED = 16 | 32


def comparable(field, value):
    """What both have of a field at about the same moment."""
    value = unsigned(value)
    return value | ENDED if field == "prev_state" and value & ENDED else value


def unsigned(value):
    """Types differ in size and sign; the bits count. Where there is no device, ftrace has a text that says so."""
    if value == "(no_device)":
        return ""
    if isinstance(value, list):
        return tuple(unsigned(item) for item in value)
    return value & (1 << 64) - 1 if isinstance(value, int) else value


def task_of(tid, cpu):
    """Each CPU has an idle task of its own, and all of them the number 0."""
    return (tid, cpu if tid == 0 else None)


def unmatched(theirs, ours, seen):
    """Pairs events that were recorded by both: [(time, values, task)] of one event on one CPU, in order. Returns what of
    `theirs` is not in `ours`, and what of `ours` lies between and is not in `theirs`, though the witness has `seen` its
    task."""
    places = collections.defaultdict(collections.deque)
    for index, (_, values, _) in enumerate(ours):
        places[values].append(index)
    paired, missing = set(), []
    for time_ns, values, _ in theirs:
        waiting = places[values]
        while waiting and ours[waiting[0]][0] < time_ns - EARLY_NS:
            waiting.popleft()
        if waiting and ours[waiting[0]][0] <= time_ns + LATE_NS:
            paired.add(waiting.popleft())
        else:
            missing.append((time_ns, values))
    inside = range(min(paired, default=0), max(paired, default=0))
    return missing, [ours[index] for index in inside if index not in paired and ours[index][2] in seen]


class Truth(recording.KernelTest):
    # There are machines on which the kernel's own tracers stay blind for some tasks that eBPF programs are run for, as
    # the idle task of one CPU: a witness that recorded nothing at all of a task, outside of interrupts, proves nothing
    # about it. What the load does for certain, it must have seen.
    #
    # On a machine that runs more than this test a round may be spoilt: threads that the one tracer is not shown and
    # the other is, threads that came after they were listed to be set aside. One round in which all is the same
    # cannot come about by chance.
    ROUNDS = 3

    def run(self, result=None):
        for _ in range(self.ROUNDS - 1):
            alone = unittest.TestResult()
            super().run(alone)
            if alone.wasSuccessful() and not alone.skipped:
                result.startTest(self)
                result.addSuccess(self)
                result.stopTest(self)
                return result
            for _, text in alone.failures + alone.errors:
                print("a round that is not the same:", text, file=sys.stderr)
        return super().run(result)

    def record_beside(self, witness_start, witness_stop, *options):
        """Sillage's trace, and the interval in which both were recording."""
        self.start_daemon()
        witness_start()
        run = self.begin(*options, "--context", "tid", "--subbuf-size", "2M", "--num-subbuf", "16")
        time.sleep(0.05)
        begin = time.monotonic_ns()
        subprocess.run([*LOAD, SECONDS], check=True)
        end = time.monotonic_ns()
        time.sleep(0.05)
        # What the collector does itself is not recorded.
        self.aside = {int(path.name) for path in pathlib.Path(f"/proc/{self.daemon.pid}/task").iterdir()}
        self.aside |= recording.threads_of_init()
        summary = self.end(run)
        witness_stop()
        # Missed to recursion where an interrupt comes while the same program runs: said, and fewer than one in ten thousand.
        self.assertLess(summary.lost, 1 + summary.recorded / 1000, summary.text)
        trace = recording.Trace(run.output)
        self.assertEqual((trace.count, trace.discarded), (summary.recorded, summary.lost))
        self.lost = summary.lost
        return trace, begin, end

    def test_same_as_ftrace(self):
        witness = ftrace.Ftrace("sillage_truth", EVENTS)
        try:
            names = [word for name, _ in EVENTS.values() for word in ("-e", name)]
            trace, begin, end = self.record_beside(witness.start, witness.stop, *names)
            self.assertEqual(witness.overruns(), 0)
            theirs, ours, seen = self.lists(witness, trace, begin, end)
        finally:
            witness.remove()
        self.compare(theirs, ours, seen)

    def lists(self, witness, trace, begin, end):
        theirs, ours, seen = collections.defaultdict(list), collections.defaultdict(list), set()
        for event, cpu, now, form, data in witness.events():
            tid = form.fields["common_pid"](data)
            if not form.fields["common_flags"](data) & IN_INTERRUPT:
                seen.add(task_of(tid, cpu))
            if begin <= now <= end and tid not in self.aside:
                name, fields = EVENTS[event]
                theirs[name, cpu].append((now, tuple(
                    comparable(field, form.fields[field](data) + added if added else form.fields[field](data))
                    for field, (_, added) in fields.items()), task_of(tid, cpu)))
        fields_of = {name: [ours_name for ours_name, _ in fields.values()] for name, fields in EVENTS.values()}
        for event in trace.events:
            if begin <= event.time <= end + LATE_NS and event.context["tid"] not in self.aside:
                ours[event.name, event.cpu].append((event.time, tuple(
                    comparable(field, event.fields[field]) for field in fields_of[event.name]),
                    task_of(event.context["tid"], event.cpu)))
        return theirs, ours, seen

    def compare(self, theirs, ours, seen):
        counts, absent, additional = collections.Counter(), collections.Counter(), collections.Counter()
        wrong = []
        for name, cpu in sorted(set(theirs) | set(ours)):
            missing, extra = unmatched(theirs[name, cpu], ours[name, cpu], seen)
            counts[name] += len(theirs[name, cpu])
            absent[name] += len(missing)
            additional[name] += len(extra)
            if missing or extra:
                wrong.append(f"{name} on CPU {cpu}: of {len(theirs[name, cpu])} events {len(missing)} missing or different, "
                             f"{len(extra)} too many; first {(missing + extra)[0]}, nearest "
                             f"{self.nearest(ours[name, cpu], (missing + extra)[0][0])}")
        for name, count in sorted(counts.items()):
            print(f"  {name:32} {count:8}")
        if sum(absent.values()) > self.lost or sum(additional.values()):
            self.fail("\n" + "\n".join(wrong))
        self.assertLessEqual(CERTAIN, {name for name, count in counts.items() if count})

    @staticmethod
    def nearest(events, now):
        return min(events, key=lambda event: abs(event[0] - now), default=None)

    def test_same_as_perf(self):
        if not shutil.which("perf"):
            self.skipTest("perf is missing: apt-get install linux-perf")
        data = self.folder / "perf.data"
        events = tuple(PERF_EVENTS)
        command = ["perf", "record", "-q", "-a", "-k", "mono", "-m", "16M", "--synth=no", "-o", data]
        perf = []

        def start():
            perf.append(self.start([*command, *(word for event in events for word in ("-e", event))]))
            time.sleep(1)

        def stop():
            perf[0].terminate()
            perf[0].wait()

        trace, begin, end = self.record_beside(start, stop, *(word for _, name, _, _ in PERF_EVENTS.values()
                                                              for word in ("-e", name)))
        text = subprocess.run(["perf", "script", "--ns", "-i", data, "-F", "tid,cpu,time,event,trace"], text=True,
                              capture_output=True, check=True, errors="replace").stdout
        aside = self.aside | {perf[0].pid}
        theirs, ours, seen = collections.defaultdict(list), collections.defaultdict(list), set()
        for line in text.splitlines():
            found = re.fullmatch(r"\s*(-?\d+)\s+\[(\d+)\]\s+(\d+)\.(\d{9}):\s+(\S+):\s*(.*)", line)
            if not found:
                continue
            tid, cpu, seconds, fraction, event, values = found.groups()
            now, task = int(seconds) * 10**9 + int(fraction), task_of(int(tid), int(cpu))
            if event == "sched:sched_switch":
                seen.add(task)
            if begin <= now <= end and int(tid) not in aside:
                theirs[event, int(cpu)].append((now, self.perf_values(event, values), task))
        names = {name: event for event, (name, _, _, _) in PERF_EVENTS.items()}
        for event in trace.events:
            if begin <= event.time <= end + LATE_NS and event.context["tid"] not in aside:
                ours[names[event.name], event.cpu].append((event.time, self.our_values(names[event.name], event),
                                                           task_of(event.context["tid"], event.cpu)))
        self.assertEqual({name for name, _ in theirs}, set(events), text[:2000])
        wrong = {key: unmatched(theirs[key], ours[key], seen) for key in theirs}
        if sum(len(missing) for missing, _ in wrong.values()) > self.lost or any(extra for _, extra in wrong.values()):
            self.fail({key: value for key, value in wrong.items() if any(value)})
        print({key: len(value) for key, value in theirs.items()})

    def test_system_calls_as_perf(self):
        """Every call of one program, in order: perf watches it alone, as its own calls would drown it."""
        if not shutil.which("perf"):
            self.skipTest("perf is missing: apt-get install linux-perf")
        self.start_daemon()
        data = self.folder / "perf.data"
        run = self.begin("-e", "sys_enter", "-e", "sys_exit", "--context", "tid", "--subbuf-size", "4M", "--num-subbuf", "16",
                         "--filter", '$ctx.procname == "python*"')
        subprocess.run(["perf", "record", "-q", "-k", "mono", "-m", "8M", "-c", "1", "-o", data, "-e",
                        "raw_syscalls:sys_enter,raw_syscalls:sys_exit", "--", *LOAD, "0.1", "files", "signals",
                        "timers"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        summary = self.end(run)
        text = subprocess.run(["perf", "script", "--ns", "-i", data, "-F", "tid,time,event,trace"], text=True,
                              capture_output=True, check=True, errors="replace").stdout
        theirs, times = collections.defaultdict(list), collections.defaultdict(list)
        for line in text.splitlines():
            found = re.fullmatch(r"\s*(\d+)\s+(\d+)\.(\d{9}):\s+raw_syscalls:(\w+):\s*NR (-?\d+)(?: = (-?\d+)| \((.*)\))", line)
            self.assertTrue(found, line)
            tid, seconds, fraction, event, number, result, arguments = found.groups()
            rest = (int(result),) if result is not None else tuple(int(word, 16) for word in arguments.split(", "))
            theirs[int(tid)].append((event, int(number), *map(unsigned, rest)))
            times[int(tid)].append(int(seconds) * 10**9 + int(fraction))
        names = {"syscall_entry_unknown": "sys_enter", "syscall_exit_unknown": "sys_exit"}
        trace = recording.Trace(run.output, names.__contains__)
        ours = collections.defaultdict(list)
        for event in trace.events:
            tid = event.context["tid"]
            # Here perf came last; the first of these is the end of execve(), before which the program had another name.
            if tid in times and event.time <= max(times[tid]) + LATE_NS:
                fields = event.fields
                rest = map(unsigned, fields["args"]) if "args" in fields else (unsigned(fields["ret"]),)
                ours[tid].append((names[event.name], fields["id"], *rest))
        self.assertGreater(sum(map(len, theirs.values())), 1000)
        for tid, calls in theirs.items():
            for place, (call, mine) in enumerate(zip(calls, ours[tid])):
                self.assertEqual(mine, call, f"call {place} of {len(calls)} of thread {tid}")
            self.assertLessEqual(len(calls) - len(ours[tid]), summary.lost)
        print({"calls": sum(map(len, theirs.values()))})

    @staticmethod
    def perf_values(event, text):
        _, _, pattern, _ = PERF_EVENTS[event]
        found = re.fullmatch(pattern, text)
        if not found:
            raise AssertionError(f"perf's {event}: {text}")
        values = []
        for group in found.groups():
            if re.fullmatch(r"\d+,\d+", group):
                major, minor = map(int, group.split(","))
                values.append(major << 20 | minor)
            else:
                values.append(unsigned(int(group)) if re.fullmatch(r"-?\d+", group) else group)
        return tuple(values)

    @staticmethod
    def our_values(event, found):
        values = []
        for name in PERF_EVENTS[event][3]:
            value = found.fields[name]
            if name.endswith("_prio"):
                value -= PRIORITY
            values.append(unsigned(value))
        return tuple(values)


if __name__ == "__main__":
    recording.main()
