#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Functions of the kernel, with arguments and results, and kprobes: counts and values as the kernel's own probes see them.

    functions_test.py SILLAGE

Where the kernel has neither fentry nor kprobes, what is checked is that the refusal says so.
"""

import os
import subprocess
import sys

import ftrace
import recording

# Called through a pointer, so nowhere inlined, by fallocate() of a file in memory.
FUNCTION = "shmem_fallocate"
CALLS = 500
KEEP_SIZE, ZERO_RANGE, EOPNOTSUPP = 1, 0x10, 95
PROGRAM = f"""
import ctypes, os
call = ctypes.CDLL(None).fallocate
call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
fd = os.memfd_create("functions")
for i in range({CALLS}):
    call(fd, {ZERO_RANGE} if i % 2 else {KEEP_SIZE}, 5_000_000_000 * (i % 2) + i, i + 1)
print(os.getpid())
"""
EXPECTED = [(ZERO_RANGE if i % 2 else KEEP_SIZE, 5_000_000_000 * (i % 2) + i, i + 1) for i in range(CALLS)]
RESULTS = [-EOPNOTSUPP if i % 2 else 0 for i in range(CALLS)]
HAS_KPROBES = os.path.exists("/sys/bus/event_source/devices/kprobe/type")


class Witness:
    """Kprobes of the kernel's own tracer at the same function."""

    def __init__(self, function=FUNCTION, arguments="file=%di:x64 mode=%si:s32 offset=%dx:s64 len=%cx:s64"):
        self.definitions = (f"p:sillage_witness/entered {function} {arguments}",
                            f"r:sillage_witness/left {function} ret=$retval:s64")

    def __enter__(self):
        ftrace.ensure_mounted()
        for definition in self.definitions:
            self.define(definition)
        self.instance = ftrace.Ftrace("sillage_functions", ["sillage_witness/entered", "sillage_witness/left"])
        self.instance.start()
        return self

    def __exit__(self, *_):
        self.instance.remove()
        for name in ("entered", "left"):
            self.define("-:sillage_witness/" + name)

    @staticmethod
    def define(text):
        # Not open(): that file has no end to seek to.
        fd = os.open(ftrace.TRACEFS + "/kprobe_events", os.O_WRONLY | os.O_APPEND)
        try:
            os.write(fd, text.encode() + b"\n")
        finally:
            os.close(fd)

    def seen(self, pid):
        """{event: [fields]} of that process."""
        self.instance.stop()
        found = {"entered": [], "left": []}
        for event, _, now, form, data in self.instance.events():
            if form.fields["common_pid"](data) == pid:
                fields = {name: read(data) for name, read in form.fields.items() if not name.startswith("common_")}
                found[event.split("/")[1]].append((now, fields))
        return {name: [fields for _, fields in sorted(events, key=lambda event: event[0])]
                for name, events in found.items()}


def address_of(symbol):
    with open("/proc/kallsyms", encoding="ascii") as file:
        for line in file:
            if line.split()[2] == symbol:
                return int(line.split()[0], 16)
    return None


class Functions(recording.KernelTest):
    def recorded(self, *options):
        """(process, its events) of the program."""
        self.start_daemon()
        run = self.begin(*options, "--context", "tid")
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
        summary = self.end(run)
        self.assertEqual(summary.lost, 0, summary.text)
        pid = int(done.stdout)
        return pid, [event for event in recording.Trace(run.output).events if event.context["tid"] == pid]

    def refusal(self, *options):
        if self.daemon is None:
            self.start_daemon()
        done = subprocess.run([self.sillage, "record", "-k", "--no-statedump", "-o", self.new_trace(), *options, "--",
                               "true"], env=self.env, capture_output=True, text=True, timeout=60 * recording.SLOWNESS, check=False)
        self.assertNotEqual(done.returncode, 0)
        print("\n  " + done.stderr.strip())
        return done.stderr

    def test_function(self):
        if not HAS_KPROBES:
            self.assertRegex(self.refusal("--function", FUNCTION), "fentry.*kprobes|function tracer")
            return
        with Witness() as witness:
            pid, events = self.recorded("--function", FUNCTION)
            seen = witness.seen(pid)
        names = [event.name for event in events]
        self.assertEqual(names, [FUNCTION + "_entry", FUNCTION + "_exit"] * CALLS)
        entries, exits = events[0::2], events[1::2]
        fields = ("file", "mode", "offset", "len")
        self.assertEqual([event.fields for event in entries],
                         [{name: event[name] for name in fields} for event in seen["entered"]])
        self.assertEqual([tuple(event.fields[name] for name in fields[1:]) for event in entries], EXPECTED)
        self.assertEqual([tuple(event.fields[name] for name in fields[1:]) for event in exits], EXPECTED)
        self.assertEqual([event.fields["ret"] for event in exits], [event["ret"] for event in seen["left"]])
        self.assertEqual([event.fields["ret"] for event in exits], RESULTS)

    def test_filter_on_arguments(self):
        if not HAS_KPROBES:
            self.assertRegex(self.refusal("--function", FUNCTION, "--filter", "len > 400"), "fentry.*kprobes|function tracer")
            return
        _, events = self.recorded("--function", FUNCTION, "--filter", "len > 400 && mode == 1")
        self.assertEqual([event.fields["len"] for event in events if event.name.endswith("_entry")],
                         [length for mode, _, length in EXPECTED if length > 400 and mode == KEEP_SIZE])

    def test_probe(self):
        if not HAS_KPROBES:
            self.assertRegex(self.refusal("--probe", FUNCTION), "kprobes.*CONFIG_KPROBE_EVENTS")
            return
        with Witness() as witness:
            pid, events = self.recorded("--probe", FUNCTION)
            seen = witness.seen(pid)
        self.assertEqual([event.name for event in events], [FUNCTION] * CALLS)
        self.assertEqual(len(seen["entered"]), CALLS)
        places = {event.fields["ip"] for event in events}
        self.assertEqual(places, {event["__probe_ip"] for event in seen["entered"]})
        # The kernel moves probes behind an ENDBR instruction of 4 bytes.
        self.assertIn(places.pop() - address_of(FUNCTION), (0, 4))

    def test_function_with_many_arguments(self):
        """Entry and exit of what the kernel does not let be traced with arguments, by kprobes: which function, and who called."""
        if not HAS_KPROBES:
            self.assertRegex(self.refusal("--function", "do_mmap"), "fentry.*kprobes|function tracer")
            return
        # One after the other: of two probes at a function's return, one is shown the other's trampoline as the caller.
        with Witness("do_mmap", "") as witness, subprocess.Popen(["true"]) as program:
            program.wait()
            seen = witness.seen(program.pid)
        self.start_daemon()
        run = self.begin("--function", "do_mmap", "--context", "tid")
        with subprocess.Popen(["true"]) as program:
            program.wait()
        self.end(run)
        events = [event for event in recording.Trace(run.output).events if event.context["tid"] == program.pid]
        entries, exits = ([event.fields for event in events if event.name == "do_mmap" + end] for end in ("_entry", "_exit"))
        self.assertGreater(len(entries), 3)
        function = address_of("do_mmap")
        self.assertEqual(entries, len(seen["entered"]) * [{"ip": function}])
        self.assertEqual(exits, [{"ip": function, "parent_ip": event["__probe_ret_ip"]} for event in seen["left"]])
        self.assertNotIn(function, {event["parent_ip"] for event in exits})

    def test_no_such_function(self):
        text = self.refusal("--function", "no_function_of_this_name")
        self.assertRegex(text, "no_function_of_this_name")
        if HAS_KPROBES:
            self.assertRegex(self.refusal("--probe", "no_function_of_this_name"), "no_function_of_this_name")


if __name__ == "__main__":
    recording.main()
