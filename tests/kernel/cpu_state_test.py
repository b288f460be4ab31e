#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Contexts that say what the CPU was doing: against what ftrace notes of the same events, the functions of a program, and
what other events tell.

    cpu_state_test.py SILLAGE STACK_PROGRAM
"""

import bisect
import collections
import os
import pathlib
import re
import struct
import subprocess
import sys

import ftrace
import recording

LOAD = [sys.executable, str(pathlib.Path(__file__).with_name("load.py")), "0.2"]
# ftrace's common_flags
IRQS_OFF, NEED_RESCHED, SOFT_OR_HARD_IRQ_OR_NMI, BH_OFF = 0x01, 0x20, 0x08 | 0x10 | 0x40, 0x80
# ftrace's event: name here, fields that tell one from another: theirs, ours.
EVENTS = {
    "timer/hrtimer_start": ("timer_hrtimer_start", ("hrtimer", "expires"), ("hrtimer", "expires")),
    "kmem/mm_page_alloc": ("kmem_mm_page_alloc", ("pfn", "order"), ("pfn", "order")),
    "sched/sched_wakeup": ("sched_wakeup", ("pid", "target_cpu"), ("tid", "target_cpu")),
    "irq/softirq_entry": ("irq_softirq_entry", ("vec",), ("vec",)),
    "raw_syscalls/sys_enter": ("syscall_entry_getpriority", ("id",), ()),
    "sched/sched_switch": ("sched_switch", ("prev_pid", "next_pid"), ("prev_tid", "next_tid")),
}
EARLY_NS, LATE_NS = 1000, 5_000_000
KERNEL_STACK = "kernel_stack"
INCOMPLETE = (1 << 64) - 1


def kernel_functions():
    """(addresses, names) in order."""
    with open("/proc/kallsyms", encoding="ascii") as file:
        known = sorted((int(line[:16], 16), line.split()[2]) for line in file if line[17] in "tT")
    return [address for address, _ in known], [name for _, name in known]


class CpuState(recording.KernelTest):
    program = None

    def witness(self, name, events):
        witness = ftrace.Ftrace(name, events)
        self.addCleanup(witness.remove)
        return witness

    def pairs(self, trace, noted):
        """(our event, what ftrace noted) where both have the event: noted is (event, place, ns, values, ...), a place a CPU
        and, if we recorded it, the thread. The same page may be given out twice in a moment, and once to the collector, whose
        own events are not recorded."""
        places = collections.defaultdict(collections.deque)
        for event in trace.events:
            theirs = next(name for name, (ours, _, _) in EVENTS.items() if ours == event.name)
            values = tuple(event.fields[name] & INCOMPLETE for name in EVENTS[theirs][2])
            places[theirs, (event.cpu, event.context.get("tid")), values].append(event)
        for note in noted:
            event, place, time_ns, values = note[:4]
            waiting = places[event, place, values]
            while waiting and waiting[0].time < time_ns - EARLY_NS:
                waiting.popleft()
            if waiting and waiting[0].time <= time_ns + LATE_NS:
                yield waiting.popleft(), note

    @staticmethod
    def values(event, form, data):
        return tuple(form.fields[name](data) & INCOMPLETE for name in EVENTS[event][1] if name != "id")

    def test_as_ftrace(self):
        self.start_daemon()
        witness = self.witness("sillage_state", EVENTS)
        contexts = ("interruptible", "preemptible", "need_reschedule")
        run = self.begin("--syscall=getpriority", *(w for name, _, _ in EVENTS.values() for w in ("-e", name)
                                                    if not name.startswith("syscall")),
                         *(w for name in (*contexts, "tid") for w in ("--context", name)), "--subbuf-size", "8M")
        witness.start()
        subprocess.run([*LOAD], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([self.program, "1"], check=True, stdout=subprocess.DEVNULL)
        witness.stop()
        self.end(run)
        number = 140 if os.uname().machine == "x86_64" else 141
        noted = [(event, (cpu, form.fields["common_pid"](data)), time_ns, self.values(event, form, data),
                  form.fields["common_flags"](data), form.fields["common_preempt_count"](data)) for event, cpu, time_ns, form, data in witness.events()
                 if event != "raw_syscalls/sys_enter" or form.fields["id"](data) == number]
        wanted = {name for name, _, _ in EVENTS.values()}
        trace = recording.Trace(run.output, wanted.__contains__)
        seen, kinds, count = collections.defaultdict(set), set(), 0
        wrong = []
        for ours, (event, _, _, _, flags, preemption) in self.pairs(trace, noted):
            # The upper half counts something else.
            theirs = {"interruptible": int(not flags & IRQS_OFF),
                      "preemptible": int(not flags & (SOFT_OR_HARD_IRQ_OR_NMI | BH_OFF) and preemption & 15 == 0),
                      "need_reschedule": int(bool(flags & NEED_RESCHED))}
            count += 1
            kinds.add(event)
            for name in contexts:
                seen[name].add(ours.context[name])
                if ours.context[name] == -1 and name == "interruptible":
                    continue  # kernels before 6.14 do not tell programs
                if ours.context[name] != theirs[name]:
                    wrong.append((ours, name, flags, preemption))
        self.assertGreater(count, 100)
        self.assertEqual(kinds, set(EVENTS))
        # An interrupt between the two tracers may ask for the CPU; and where one of them missed an event, that of a page
        # that the same thread got twice in a moment is paired with the other one's next.
        self.assertLessEqual(len(wrong), count // 100, wrong[:3])
        self.assertEqual(seen["preemptible"], {0, 1})
        self.assertEqual(seen["need_reschedule"], {0, 1})
        if "bpf_local_irq_save" in kernel_functions()[1]:
            self.assertEqual(seen["interruptible"], {0, 1})

    def test_in_filters(self):
        """The scheduler switches with interrupts disabled, system calls begin with them enabled."""
        self.start_daemon()
        knows = "bpf_local_irq_save" in kernel_functions()[1]
        options = ("-e", "sched_switch", "--syscall=getpriority", "--filter")
        seen = {}
        for wanted in (0, 1):
            state = f"$ctx.interruptible == {wanted} && $ctx.preemptible == {wanted}" if knows else \
                f"$ctx.preemptible == {wanted}"
            output, _ = self.record([*options, state], [self.program])
            seen[wanted] = {event.name for event in recording.Trace(output).events}
        self.assertEqual(seen[0], {"sched_switch"})
        self.assertEqual(seen[1], {"syscall_entry_getpriority", "syscall_exit_getpriority"})

    def test_kernel_stack(self):
        self.start_daemon()
        witness = self.witness("sillage_stacks", ["sched/sched_switch"])
        witness.write("options/stacktrace", "1")
        form = ftrace.Format("ftrace/kernel_stack")
        witness.formats[form.id] = (KERNEL_STACK, form)
        run = self.begin("-e", "sched_switch", "--context", "callstack-kernel", "--subbuf-size", "4M")
        witness.start()
        subprocess.run(LOAD, check=True, stdout=subprocess.DEVNULL)
        witness.stop()
        self.end(run)
        noted = []
        for event, cpu, time_ns, form, data in witness.events():
            if event == KERNEL_STACK:
                size, = struct.unpack_from("<i", data, 8)
                noted[-1] += (struct.unpack_from(f"<{min(size, (len(data) - 16) // 8)}Q", data, 16),)
            else:
                noted.append((event, (cpu, None), time_ns, self.values(event, form, data)))
        addresses, names = kernel_functions()

        def name_of(address):
            return names[bisect.bisect_right(addresses, address) - 1]

        count = 0
        trace = recording.Trace(run.output)
        for ours, note in self.pairs(trace, noted):
            if len(note) < 5:
                continue
            count += 1
            stack = ours.context["callstack_kernel"]
            self.assertEqual(len(stack), ours.context["_callstack_kernel_length"])
            self.assertIn("__schedule", [name_of(address) for address in stack[:2]])
            # ftrace begins further in, and both may be cut.
            theirs = [name_of(address) for address in note[4]]
            mine = [name_of(address) for address in stack]
            mine = mine[mine.index("__schedule"):]
            theirs = theirs[theirs.index("__schedule"):]
            self.assertEqual(mine[:len(theirs)], theirs[:len(mine)])
        self.assertGreater(count, 50)

    def functions_of_program(self):
        listing = subprocess.run(["nm", "-S", self.program], capture_output=True, text=True, check=True).stdout
        found = re.findall(r"^([0-9a-f]+) ([0-9a-f]+) [tT] (inner|middle|outer|main)$", listing, re.MULTILINE)
        return {name: range(int(start, 16), int(start, 16) + int(size, 16)) for start, size, name in found}

    def test_user_stack(self):
        self.start_daemon()
        output, _ = self.record(["--syscall=getpriority", "--context", "callstack-user"], [self.program])
        functions = self.functions_of_program()
        trace = recording.Trace(output, lambda name: name == "syscall_entry_getpriority")
        stacks = [event.context["callstack_user"] for event in trace.events]
        ours = [stack for stack in stacks if stack and stack[0] in functions["inner"]]
        self.assertEqual(len(ours), 2, stacks)
        for stack in ours:
            for address, name in zip(stack, ("inner", "middle", "outer", "main")):
                self.assertIn(address, functions[name], name)

    @staticmethod
    def switches(event):
        return event.context["perf_cpu_context_switches"]

    def test_counters(self):
        self.start_daemon()
        hidden = recording.threads_of_init()
        counters = ("context-switches", "page-faults", "task-clock")
        run = self.begin("-e", "sched_switch", "--syscall=getpriority", "--subbuf-size", "2M",
                         *(w for name in counters for w in ("--context", "perf:cpu:" + name)))
        done = subprocess.run(["taskset", "-c", "0", self.program, "1000"], capture_output=True, text=True, check=True)
        self.end(run)
        hidden |= recording.threads_of_init()
        trace = recording.Trace(run.output)
        # The kernel counts a switch behind the event of it, and those from hidden threads, which have no event.
        last, switches = {}, 0
        for event in trace.events:
            if event.name != "sched_switch":
                continue
            before = last.get(event.cpu)
            if before and before.fields["next_tid"] not in hidden:
                self.assertEqual(self.switches(event), self.switches(before) + 1,
                                 f"{trace.discarded} discarded, of {trace.count} events; not seen by tracers: {hidden}; {before}; {event}")
                switches += 1
            last[event.cpu] = event
        self.assertGreater(switches, 5)
        begin, end = [event for event in trace.events if event.name == "syscall_entry_getpriority"][-2:]
        self.assertEqual((begin.cpu, end.cpu), (0, 0))
        faults = end.context["perf_cpu_page_faults"] - begin.context["perf_cpu_page_faults"]
        self.assertGreaterEqual(faults, int(done.stdout))
        self.assertGreaterEqual(faults, 1000)
        clock = end.context["perf_cpu_task_clock"] - begin.context["perf_cpu_task_clock"]
        self.assertAlmostEqual(clock, end.time - begin.time, delta=1_000_000)

    def refused(self, context):
        done = subprocess.run([self.sillage, "record", "-k", "-o", self.new_trace(), "-e", "sched_switch", "--context", context,
                               "--", "true"], env=self.env, capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_counters_that_are_not_there(self):
        self.start_daemon()
        self.assertIn("use perf:cpu:page-faults", self.refused("perf:thread:page-faults"))
        self.assertIn("page-faults", self.refused("perf:cpu:page-fautls"))
        self.assertIn("perf:cpu:raw:rCODE:NAME", self.refused("perf:cpu:raw:x1:name"))
        if os.path.exists("/sys/bus/event_source/devices/cpu"):
            output, _ = self.record(["-e", "sched_switch", "--context", "perf:cpu:raw:r3c:cycles"], ["true"])
            trace = recording.Trace(output)
            self.assertTrue(all(event.context["perf_cpu_raw_r3c_cycles"] > 0 for event in trace.events))
        else:
            self.assertIn("as in most virtual machines", self.refused("perf:cpu:cycles"))
            self.assertIn("as in most virtual machines", self.refused("perf:cpu:raw:r3c:cycles"))


if __name__ == "__main__":
    CpuState.program = pathlib.Path(sys.argv.pop(2)).resolve()
    recording.main()
