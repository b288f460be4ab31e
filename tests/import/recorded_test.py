#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Imports what trace-cmd and perf recorded, and compares every event and value with what they print themselves.

    recorded_test.py SILLAGE SOURCE_DIRECTORY

babeltrace2's library reads what was imported.
"""

import gzip
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import ctf_events

SILLAGE = SOURCE = None
HERE = pathlib.Path(__file__).parent
# The rules of docs/formats/import.md that these files need, written again by hand.
NAMES = {"softirq_raise": "irq_softirq_raise", "softirq_entry": "irq_softirq_entry", "softirq_exit": "irq_softirq_exit",
         "hrtimer_start": "timer_hrtimer_start", "sys_enter_openat": "syscall_entry_openat",
         "sys_exit_openat": "syscall_exit_openat", "netif_rx": "net_if_rx", "netif_rx_entry": "net_if_rx_entry",
         "netif_rx_exit": "net_if_rx_exit", "netif_receive_skb": "net_if_receive_skb"}
KERNEL_FIELDS = {"tid": "pid", "prev_tid": "prev_pid", "next_tid": "next_pid", "old_tid": "old_pid",
                 "parent_tid": "parent_pid", "child_tid": "child_pid"}
# The files were recorded on x86_64.
SYSCALLS = {int(value): name for name, value in re.findall(
    r"^#define __NR_(\w+) (\d+)$", pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").read_text(encoding="ascii"),
    re.M)}
REPORT_LINE = re.compile(r"(?:(\w+):)?\s+(.+)-(\d+)\s+\[(\d+)\] (\d+)\.(\d{9}): (\w+):\s*(.*)")
STATES = {"R": 0, "S": 1, "D": 2, "T": 4, "t": 8, "X": 16, "Z": 32, "P": 64, "I": 128}


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace", timeout=60,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def number(text):
    return int(text, 16) if text.startswith("0x") else int(text)


def split_fields(names, text):
    """The values of "a=1 b=two words c=3" for the names a, b, c in this order."""
    values = {}
    for i, name in enumerate(names):
        begin = text.index(name + "=") + len(name) + 1
        end = text.index(f" {names[i + 1]}=", begin) if i + 1 < len(names) else len(text)
        values[name] = text[begin:end].strip()
        text = text[end:]
    return values


def ns(seconds, fraction):
    return int(seconds) * 10**9 + int(fraction)


class Recorded(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)

    def unpack(self, name):
        path = self.directory / name
        path.write_bytes(gzip.decompress((HERE / "data" / (name + ".gz")).read_bytes()))
        return path

    def import_file(self, path, version="ctf-1.8"):
        trace = self.directory / (path.name + "." + version)
        status, out, err = run(SILLAGE, "import", path, "-o", trace, "--trace-format", version)
        self.assertEqual((status, err), (0, ""), out)
        return trace

    # trace-cmd

    def same_value(self, value, text, bits, where):
        if isinstance(value, list):
            shown = [int(part, 16) for part in re.findall(r"[0-9a-f]{2}", text.removeprefix("ARRAY"))]
            self.assertEqual(b"".join(item.to_bytes(8, "little") for item in value), bytes(shown), where)
        elif isinstance(value, str):
            self.assertEqual(value.rstrip("\n"), text, where)
        else:
            mask = 2**bits - 1
            shown = int(text, 16) if " clone_flags=" + text in where else number(text)  # printed without 0x
            self.assertEqual(value & mask, shown & mask, where)

    def same_as_report(self, path):
        status, report, _ = run("trace-cmd", "report", "-R", "-t", "-N", path)
        self.assertEqual(status, 0)
        events, losses = ctf_events.read(self.import_file(path))
        self.assertEqual(losses, [])
        by_key = {}
        for event in events:
            by_key.setdefault((event.time, event.cpu, event.name, event.common["tid"]), []).append(event)
        lines = [match for match in map(REPORT_LINE.match, report.splitlines()) if match]
        self.assertEqual(len(lines), len(report.splitlines()) - 1)  # "cpus=2"
        self.assertEqual(len(lines), len(events))
        for match in lines:
            buffer, comm, tid, cpu, seconds, fraction, name, text = match.groups()
            if name in ("sys_enter", "sys_exit"):
                call = SYSCALLS.get(int(re.match(r"id=(-?\d+)", text).group(1)), "unknown")
                ours = f"syscall_{'entry' if name == 'sys_enter' else 'exit'}_{call}"
            else:
                ours = NAMES.get(name, name)
            key = (ns(seconds, fraction), int(cpu), ours, int(tid))
            self.assertIn(key, by_key, match.group(0))
            event = by_key[key].pop()
            kernel = {KERNEL_FIELDS.get(field, field): field for field in event.payload}
            if name == "print":
                kernel = {field: field for field in event.payload}
            values = split_fields(list(kernel), text)
            for field, value in values.items():
                self.same_value(event.payload[kernel[field]], value, event.bits.get(kernel[field], 64), match.group(0))
            shown = set(re.findall(r"(?:^| )(\w+)=", text)) - set(values)
            self.assertLessEqual(shown, {"__syscall_nr"}, match.group(0))
            if tid != "0" and comm.strip() != "<...>" and name not in ("sys_enter", "task_rename"):
                self.names.append((event.common["procname"], comm.strip()))
            self.assertEqual(event.file.rsplit("_", 1)[0].endswith(buffer or "events"), True, event.file)
        return events

    def test_trace_cmd_version_7(self):
        self.names = []
        events = self.same_as_report(self.unpack("v7.dat"))
        self.assertEqual({event.name for event in events} & {"syscall_entry_openat", "syscall_exit_openat", "print",
                                                             "sched_process_exec", "task_newtask", "task_rename"},
                         {"syscall_entry_openat", "syscall_exit_openat", "print", "sched_process_exec", "task_newtask",
                          "task_rename"})
        # trace-cmd knows only the last name of each task; those that never had another must agree.
        different = {pair for pair in self.names if pair[0] != pair[1]}
        self.assertLessEqual({pair[0] for pair in different}, {"trace-cmd", "sh"}, different)

    def test_trace_cmd_version_6(self):
        self.names = []
        self.assertIn("timer_hrtimer_start", {event.name for event in self.same_as_report(self.unpack("v6.dat"))})

    def test_trace_cmd_instances_with_the_time_of_day(self):
        for name in ("instance.dat", "instance6.dat"):
            with self.subTest(name):
                self.names = []
                events = self.same_as_report(self.unpack(name))
                files = {event.file.rsplit("/", 1)[-1].rsplit("_", 1)[0] for event in events}
                self.assertEqual({file.split("/")[-1] for file in files}, {"events", "two"})
                self.assertGreater(events[0].time, 1_700_000_000 * 10**9)

    # Names of tasks follow the switches: whoever runs has the name by which it was switched to.
    def test_names_of_tasks_follow_the_scheduler(self):
        events, _ = ctf_events.read(self.import_file(self.unpack("v7.dat")))
        running = {}
        checked = 0
        for event in events:
            if event.cpu in running and event.name == "sched_switch":
                self.assertEqual(event.common["procname"], event.payload["prev_comm"])
                checked += 1
            if event.name == "sched_switch":
                running[event.cpu] = event.payload["next_comm"]
        self.assertGreater(checked, 10)

    # perf

    def samples(self, path, fields):
        """Lines of perf script; one per sample."""
        status, out, err = run("perf", "script", "-f", "--ns", "-i", path, "-G", "-F", fields)
        self.assertEqual(status, 0, err)
        return [line for line in out.splitlines() if line.strip()]

    def imported_samples(self, trace):
        events, losses = ctf_events.read(trace)
        self.assertEqual(losses, [])
        return ([event for event in events if not event.name.startswith("perf_")],
                [event for event in events if event.name.startswith("perf_")])

    def check_trace_text(self, event, text):
        if event.name == "sched_switch":
            match = re.fullmatch(r"prev_comm=(.*) prev_pid=(\d+) prev_prio=(\d+) prev_state=(\S+) ==> "
                                 r"next_comm=(.*) next_pid=(\d+) next_prio=(\d+)", text)
            comm, tid, prio, state, next_comm, next_tid, next_prio = match.groups()
            self.assertEqual({**event.payload, "prev_state": event.payload["prev_state"] & 0xFF},
                             {"prev_comm": comm, "prev_tid": int(tid), "prev_prio": int(prio),
                              "prev_state": STATES[state.rstrip("+")], "next_comm": next_comm,
                              "next_tid": int(next_tid), "next_prio": int(next_prio)})
        elif event.name == "sched_wakeup":
            match = re.fullmatch(r"comm=(.*) pid=(\d+) prio=(\d+) target_cpu=(\d+)", text)
            self.assertEqual(event.payload, {"comm": match[1], "tid": int(match[2]), "prio": int(match[3]),
                                             "target_cpu": int(match[4])})
        elif event.name == "syscall_entry_openat":
            numbers = [int(value, 16) for value in re.findall(r"0x([0-9a-f]+)", text)]
            payload = event.payload
            self.assertEqual([payload["dfd"] & 0xFFFFFFFF, payload["filename"], payload["flags"], payload["mode"]],
                             numbers)
        elif event.name == "irq_softirq_entry":
            self.assertTrue(text.startswith(f"vec={event.payload['vec']} "), text)
        elif event.name == "sched_process_exec":
            self.assertEqual(text, "filename={filename} pid={tid} old_pid={old_tid}".format(**event.payload))
        else:
            self.assertEqual((event.name, event.payload, text), ("cpu-clock", {}, ""))

    def same_as_script(self, path, with_cpu=True):
        samples, records = self.imported_samples(self.import_file(path))
        fields = "comm,pid,tid,time,event,trace,period" + (",cpu" if with_cpu else "")
        lines = self.samples(path, fields)
        self.assertEqual(len(lines), len(samples))
        offset = self.clock_offset(path)
        for event, line in zip(samples, lines):
            match = re.fullmatch(r"\s*(.*?)\s+(-?\d+)/(-?\d+)\s+(?:\[(\d+)\]\s+)?(\d+)\.(\d{9}):\s+(\d+)\s+"
                                 r"(\S+):\s*(.*)", line)
            comm, pid, tid, cpu, seconds, fraction, period, kernel_name, text = match.groups()
            kernel_name = kernel_name.split(":")[-1]
            self.assertEqual((event.time - offset, event.name, event.common["pid"],
                              event.common["tid"], event.common["perf_period"]),
                             (ns(seconds, fraction), NAMES.get(kernel_name, kernel_name), int(pid), int(tid),
                              int(period)), line)
            if cpu:
                self.assertEqual(event.cpu, int(cpu), line)
            if not comm.startswith(":") and tid != "0":  # perf prints ":TID" for names that it does not know
                self.assertEqual(event.common["procname"], comm, line)
            self.check_trace_text(event, text)
        return samples, records

    def clock_offset(self, path):
        """Time of day minus clock, if the file was recorded with both (-k); perf says it as JSON."""
        if path.name != "perf.data":
            return 0
        self.assertEqual(run("perf", "data", "convert", "-f", "-i", path, "--to-json", self.directory / "h")[0], 0)
        headers = json.loads((self.directory / "h").read_text())["headers"]
        return headers["real-time"] - headers["clock-time"]

    def test_perf_samples(self):
        samples, records = self.same_as_script(self.unpack("perf.data"))
        self.assertEqual({event.name for event in samples} & {"sched_switch", "cpu-clock", "syscall_entry_openat"},
                         {"sched_switch", "cpu-clock", "syscall_entry_openat"})
        self.assertTrue(all("common_flags" in event.specific for event in samples if event.name != "cpu-clock"))

    def test_perf_call_chains(self):
        path = self.unpack("perf.data")
        samples, _ = self.imported_samples(self.import_file(path))
        self.assertEqual(run("perf", "data", "convert", "-f", "-i", path, "--to-json", self.directory / "json")[0], 0)
        expected = json.loads((self.directory / "json").read_text())["samples"]
        self.assertEqual(len(samples), len(expected))
        for event, sample in zip(samples, expected):
            chain = event.common["callstack_kernel"] + event.common["callstack_user"]
            self.assertEqual(chain, [int(entry["ip"], 16) for entry in sample["callchain"]])
            kernel = 1 << 63
            self.assertTrue(all(address >= kernel for address in event.common["callstack_kernel"]))
            self.assertTrue(all(address < kernel for address in event.common["callstack_user"]))

    def test_perf_pipe(self):
        self.same_as_script(self.unpack("pipe.data"))

    def test_perf_of_this_machine(self):
        path = self.directory / "now.data"
        status, _, err = run("perf", "record", "-q", "-a", "--synth=no", "-m", "1M", "-e", "sched:sched_switch", "-e",
                             "sched:sched_wakeup", "-o", path, "--", "sleep", "0.1")
        if status != 0 or not path.exists():
            self.skipTest("perf cannot record tracepoints here: " + (err.strip() or "no reason given").splitlines()[0])
        self.assertGreater(len(self.same_as_script(path)[0]), 0)

    def test_perf_registers_addresses_and_stacks(self):
        samples, _ = self.same_as_script(self.unpack("regs.data"), with_cpu=False)
        path = self.unpack("regs.data")
        lines = self.samples(path, "time,uregs,addr,phys_addr")
        self.assertEqual(len(lines), len(samples))
        for event, line in zip(samples, lines):
            match = re.search(r"\.\d+:\s+([0-9a-f]+).*?ABI:(\d+)\s+AX:0x([0-9a-f]+)\s+SP:0x([0-9a-f]+)\s+"
                              r"IP:0x([0-9a-f]+)\s+([0-9a-f]+)", line)
            values = [int(value, 16) for value in match.groups()]
            self.assertEqual([event.common["perf_addr"], event.common["perf_regs_user_abi"],
                              *event.common["perf_regs_user"], event.common["perf_phys_addr"]], values, line)
            self.assertLessEqual(len(event.common["perf_stack_user"]), 512)

    def test_perf_records(self):
        for name in ("perf.data", "regs.data", "pipe.data"):
            path = self.unpack(name)
            _, records = self.imported_samples(self.import_file(path))
            with self.subTest(name):
                out = run("perf", "script", "-f", "--ns", "-i", path, "--show-task-events", "--show-mmap-events",
                          "--show-switch-events", "-F", "pid,tid,time,event")[1]
                shown = []
                for line in out.splitlines():
                    if match := re.search(r"PERF_RECORD_COMM( exec)?: (.*):(\d+)/(\d+)", line):
                        shown.append(("perf_comm", int(match[3]), int(match[4]), match[2], int(match[1] is not None)))
                    elif match := re.search(r"PERF_RECORD_(FORK|EXIT)\((\d+):(\d+)\):\((\d+):(\d+)\)", line):
                        shown.append(("perf_" + match[1].lower(), *(int(match[i]) for i in (2, 3, 4, 5))))
                    elif match := re.search(r"PERF_RECORD_MMAP2 (-?\d+)/(-?\d+): \[0x(\w+)\(0x(\w+)\) @ (\w+) "
                                            r"(\w+):(\w+) (\d+) (\d+)\]: \S+ (.*)", line):
                        shown.append(("perf_mmap2", int(match[1]), int(match[2]), int(match[3], 16), int(match[4], 16),
                                      int(match[5], 16), int(match[6], 16), int(match[7], 16), int(match[8]), match[10]))
                    elif match := re.search(r"PERF_RECORD_SWITCH_CPU_WIDE (OUT|IN)( preempt)?\s+\w+ pid/tid:\s*"
                                            r"(\d+)/(\d+)", line):
                        shown.append(("perf_context_switch_cpu_wide", int(match[1] == "OUT"), int(bool(match[2])),
                                      int(match[3]), int(match[4])))
                ours = []
                for event in records:
                    fields = event.payload
                    order = {"perf_comm": ("pid", "tid", "comm", "exec"), "perf_fork": ("pid", "tid", "ppid", "ptid"),
                             "perf_exit": ("pid", "tid", "ppid", "ptid"),
                             "perf_mmap2": ("pid", "tid", "start", "len", "pgoff", "maj", "min", "ino", "filename"),
                             "perf_context_switch_cpu_wide": ("out", "preempt", "next_prev_pid", "next_prev_tid")}
                    if event.name in order:
                        ours.append((event.name, *(fields[field] for field in order[event.name])))
                self.assertEqual(sorted(map(repr, ours)), sorted(map(repr, shown)))
                self.assertGreater(len(ours), 0)

    # Both versions of CTF say the same.

    def test_ctf_2_has_the_same_events(self):
        checker = pathlib.Path(SOURCE) / "tools" / "ctf2_check.py"
        for name in ("v7.dat", "perf.data"):
            with self.subTest(name):
                path = self.unpack(name)
                events, _ = ctf_events.read(self.import_file(path))
                status, out, err = run(sys.executable, checker, "--events", self.import_file(path, "ctf-2") / "kernel")
                self.assertEqual((status, err), (0, ""))
                checked = [json.loads(line) for line in out.splitlines()]
                self.assertEqual(len(checked), len(events))
                key = lambda name, cpu, payload: (name, cpu, sorted(payload.items(), key=str))  # noqa: E731
                ours = sorted((key(event.name, event.cpu, event.payload) for event in events), key=str)
                theirs = sorted((key(event["name"], event["packet-context"]["cpu_id"],
                                     ctf_events.without_lengths(event.get("payload") or {})) for event in checked), key=str)
                self.assertEqual(ours, theirs)

    def test_environment(self):
        for name, tracer, version in (("v7.dat", "trace-cmd", (3, 1, 6)), ("perf.data", "perf", (6, 1, 187))):
            metadata = (self.import_file(self.unpack(name)) / "kernel" / "metadata").read_text()
            for line in ('domain = "kernel"', 'hostname = "vm"', 'sysname = "Linux"', 'kernel_release = "6.18',
                         f'tracer_name = "{tracer}"', f"tracer_major = {version[0]}", f"tracer_minor = {version[1]}",
                         f"tracer_patchlevel = {version[2]}", f'trace_name = "{name}"'):
                self.assertIn(line, metadata)

    def test_refusals(self):
        path = self.directory / "no"
        path.write_bytes(b"something else")
        for command, message in (((path,), "neither a trace.dat"), ((self.directory / "missing",), "cannot open"),
                                 ((self.directory,), "is a directory")):
            status, _, err = run(SILLAGE, "import", *command, "-o", self.directory / "out")
            self.assertNotEqual(status, 0)
            self.assertIn(message, err)
        path = self.unpack("v7.dat")
        trace = self.import_file(path)
        status, _, err = run(SILLAGE, "import", path, "-o", trace)
        self.assertNotEqual(status, 0)
        self.assertIn("already", err)


if __name__ == "__main__":
    SOURCE = sys.argv.pop()
    SILLAGE = sys.argv.pop()
    unittest.main()
