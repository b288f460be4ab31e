#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Imports files that made_files.py writes byte by byte: both byte orders and sizes of long, every kind of field and of
sample, losses, and damage. babeltrace2's library reads what was imported.

    made_test.py SILLAGE SOURCE_DIRECTORY
"""

import pathlib
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import ctf_events
from made_files import SAMPLE, Perf, Records, RingPages, TraceDat

SILLAGE = None
DAY = 86_400 * 10**9
ADDRESS = list(range(16))
KINDS = {"u8": 200, "s8": -100, "u16": 65000, "s16": -30000, "u32": 4000000000, "s32": -2000000000, "u64": 2**64 - 2,
         "s64": -(2**63), "pointer": 0xFFFF888012345678, "name": "name", "text": "a text", "relative": "", "yes": 1,
         "numbers": [0, 1, 4000000000], "octets": [1, 0, 255], "shorts": [1, 2, 65535], "address": ADDRESS}


class Made(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.count = 0

    def run_import(self, content):
        self.count += 1
        path = self.directory / f"input{self.count}"
        path.write_bytes(content)
        trace = self.directory / f"trace{self.count}"
        done = subprocess.run([SILLAGE, "import", path, "-o", trace], capture_output=True, text=True, errors="replace",
                              timeout=60, check=False)
        self.assertNotIn("ERROR: ", done.stderr)  # of a sanitizer
        self.assertIn(done.returncode, (0, 1, 125), done.stderr)
        return done, trace

    def read(self, content):
        done, trace = self.run_import(content)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return *ctf_events.read(trace), (trace / "kernel" / "metadata").read_text()

    # trace-cmd

    def pages(self, order, long_bytes):
        records = Records(order)
        first = RingPages(order, long_bytes)
        first.begin(DAY)
        first.record(0, records.kinds(7, b"a text", b"", [0, 1, 4000000000], bytes([1, 0, 255])))  # longer than 112
        first.record(5, records.switch(7, b"seven", 8, b"new eight"))
        first.discarded(10, 16)
        first.record(1, records.openat(8), wide=True)
        first.begin(DAY + 1000, lost=41)
        first.extend(2**40 + 3)
        first.record(7, records.print_(8, b"a message\n"))
        first.begin(DAY + 2**41, lost=0)
        first.stamp(DAY + 2**41 + 5)
        first.record(0, records.switch(8, b"new eight", 0, b"swapper/0"))
        second = RingPages(order, long_bytes)
        second.begin(DAY + 2)
        second.record(1, records.print_(8, b"early"))
        second.record(100, records.print_(8, b"late"))
        return [first.bytes(), second.bytes()]

    def check_trace_dat(self, events, losses, metadata):
        expected = [(DAY, 0, "kinds", 7, "seven"), (DAY + 3, 1, "print", 8, "eight of them"),
                    (DAY + 5, 0, "sched_switch", 7, "seven"),
                    (DAY + 16, 0, "syscall_entry_openat", 8, "new eight"), (DAY + 103, 1, "print", 8, "new eight"),
                    (DAY + 1000 + 2**40 + 10, 0, "print", 8, "new eight"),
                    (DAY + 2**41 + 5, 0, "sched_switch", 8, "new eight")]
        self.assertEqual([(event.time, event.cpu, event.name, event.common["tid"], event.common["procname"])
                          for event in events], expected)
        self.assertTrue(all(event.specific == {"common_flags": 1, "common_preempt_count": 2} for event in events))
        self.assertEqual(events[0].payload, KINDS)
        self.assertEqual(events[2].payload, {"prev_comm": "seven", "prev_tid": 7, "prev_prio": 120, "prev_state": 1,
                                             "next_comm": "new eight", "next_tid": 8, "next_prio": 100})
        self.assertEqual(events[3].payload, {"dfd": -100, "filename": 0x7FFF00001000, "flags": 0x80000, "mode": 0o644})
        self.assertEqual(events[5].payload, {"ip": 0xFFFFFFFF81000000, "buf": "a message\n"})
        self.assertEqual(losses, [(DAY + 16, DAY + 1000 + 2**40 + 10, 41),
                                  (DAY + 1000 + 2**40 + 10, DAY + 2**41 + 5, 1)])
        for line in ('hostname = "made"', 'kernel_release = "5.0.0"', 'machine = "riscv"', "tracer_major = 9",
                     "tracer_minor = 8", "tracer_patchlevel = 7", 'name = "monotonic"'):
            self.assertIn(line, metadata)

    def test_trace_dat_of_every_shape(self):
        for order in "<>":
            for version, compress, long_bytes in ((6, False, 8), (7, False, 8), (7, True, 8)):
                with self.subTest(order=order, version=version, compress=compress):
                    dat = TraceDat(order, long_bytes, self.pages(order, long_bytes), compress=compress)
                    content = dat.version_6() if version == 6 else dat.version_7()
                    self.check_trace_dat(*self.read(content))

    def test_pages_of_32_bit_kernels(self):
        for order in "<>":
            # The format of sched_switch has a long of 8 bytes here; the pages have one of 4.
            events, losses, metadata = self.read(TraceDat(order, 4, self.pages(order, 4)).version_6())
            self.check_trace_dat(events, losses, metadata)

    def test_instances_are_channels_of_their_own(self):
        pages = self.pages("<", 8)
        for version in (6, 7):
            dat = TraceDat("<", 8, [b"", pages[1]], {"in/st": [pages[1], b""]})
            events, _, _ = self.read(dat.version_6() if version == 6 else dat.version_7())
            self.assertEqual(sorted((event.cpu, event.file.rsplit("/", 1)[-1]) for event in events),
                             [(0, "in_st_0")] * 2 + [(1, "events_1")] * 2)

    def test_options_that_move_times(self):
        pages = self.pages("<", 8)[1:]
        for options, expected in (([(7, b"-500\0")], DAY + 3 - 500), ([(1, b"0x10\0")], DAY + 3 + 16000),
                                  ([(1, b"1000000\0"), (7, b"7\0")], DAY + 3 + 10**9 + 7),
                                  ([(14, struct.pack("<IIQ", 3, 1, DAY))], 3 * 3 // 2)):
            for version in (6, 7):
                dat = TraceDat("<", 8, pages, options=options)
                events, _, _ = self.read(dat.version_6() if version == 6 else dat.version_7())
                self.assertEqual(events[0].time, expected, options)

    def test_system_calls_have_the_names_of_the_machine(self):
        # Numbers of the ABI: they never change. The last one of each machine is no call, of others nothing is known.
        calls = {"x86_64": {0: "read", 257: "openat", 2**30: "unknown"}, "i686": {3: "read", 295: "openat", -1: "unknown"},
                 "aarch64": {63: "read", 56: "openat", 99999: "unknown"}, "riscv64": {63: "unknown"}}
        for machine, names in calls.items():
            records = Records("<")
            page = RingPages("<", 8)
            page.begin(DAY)
            for number in names:
                page.record(1, records.sys_enter(7, number))
                page.record(1, records.sys_exit(7, number, -2))
            page.end()
            expected = [(part + name, number) for number, name in names.items() for part in ("syscall_entry_", "syscall_exit_")]
            dat = TraceDat("<", 8, [page.bytes()], options=[(5, f"Linux made 5.0.0 {machine}\0".encode())])
            events, losses, _ = self.read(dat.version_6())
            self.assertEqual(([(event.name, event.payload["id"]) for event in events], losses), (expected, []))
            self.assertEqual([event.payload["ret"] for event in events[1::2]], [-2] * len(names))
            sample = SAMPLE["tid"] | SAMPLE["time"] | SAMPLE["cpu"] | SAMPLE["raw"]
            for pipe in (False, True):
                perf = Perf("<", [{"type": 2, "config": 303, "sample_type": sample, "id": 1}], pipe, machine)
                for i, number in enumerate(names):
                    raw = records.sys_enter(7, number)
                    perf.record(9, struct.pack("<IIQII", 7, 7, DAY + i, 0, 0) + struct.pack("<I", len(raw)) + raw)
                events, losses, _ = self.read(perf.file())
                self.assertEqual(([(event.name, event.payload["id"]) for event in events], losses), (expected[::2], []))

    def test_what_perf_keeps_elsewhere_is_said(self):
        sample = SAMPLE["tid"] | SAMPLE["time"] | SAMPLE["cpu"]
        perf = Perf("<", [{"type": 1, "config": 0, "sample_type": sample, "id": 1, "name": "cpu-clock"}],
                    more_features={24: struct.pack("<Q", 1)})
        perf.record(9, struct.pack("<IIQII", 7, 7, DAY, 0, 0))
        for size in (16, 48):
            perf.record(71, struct.pack("<QQQIIII", size, 0, 0, 0, 0, 0, 0))
            perf.records += bytes(size)
        perf.record(9, struct.pack("<IIQII", 7, 7, DAY + 1, 0, 0))
        done, trace = self.run_import(perf.file())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 pieces of data of hardware tracers (AUX), 64 bytes, are left out", done.stderr)
        self.assertIn("perf record --threads", done.stderr)
        self.assertEqual(len(ctf_events.read(trace)[0]), 2)
        done = subprocess.run([SILLAGE, "import", self.directory], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 125)
        self.assertIn("is a directory", done.stderr)

    def test_damaged_pages_are_left_out_and_counted(self):
        pages = self.pages("<", 8)
        broken = bytearray(pages[0])
        struct.pack_into("<Q", broken, 8, 5000)  # more records than the page has room for
        done, trace = self.run_import(TraceDat("<", 8, [bytes(broken), pages[1]]).version_7())
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"input1@\d+: a page of 4096 bytes says that it has 5000 bytes of records")
        events, losses = ctf_events.read(trace)
        self.assertEqual(len(events), 4)
        first = DAY + 1000 + 2**40 + 10
        self.assertEqual(losses, [(first, first, 1 + 41), (first, DAY + 2**41 + 5, 1)])  # the page: at least one

    def test_records_that_the_file_does_not_describe(self):
        records = Records("<")
        pages = RingPages("<", 8)
        pages.begin(DAY)
        pages.record(0, records.print_(8, b"first"))
        pages.record(1, records.common(999, 8))
        pages.record(1, records.common(301, 8))  # sched_switch without its fields
        located = bytearray(records.kinds(7, b"a text", b"", [], b""))
        struct.pack_into("<I", located, 56, 100 << 16 | 60000)  # a text outside of the record
        pages.record(1, bytes(located))
        pages.record(1, records.print_(8, b"last"))
        done, trace = self.run_import(TraceDat("<", 8, [pages.bytes()]).version_7())
        self.assertEqual(done.returncode, 1)
        events, losses = ctf_events.read(trace)
        self.assertEqual([event.payload["buf"] for event in events], ["first", "last"])
        self.assertEqual(losses, [(DAY, DAY + 4, 3)])

    def test_times_that_go_back_are_losses(self):
        records = Records("<")
        pages = RingPages("<", 8)
        for time in (DAY, DAY - 100, DAY + 100):
            pages.begin(time)
            pages.record(0, records.print_(8, b"x"))
        done, trace = self.run_import(TraceDat("<", 8, [pages.bytes()]).version_7())
        self.assertIn("1 of the lost stand behind later events", done.stderr)
        events, losses = ctf_events.read(trace)
        self.assertEqual([event.time for event in events], [DAY, DAY + 100])
        self.assertEqual(losses, [(DAY, DAY + 100, 1)])

    # perf

    def samples(self, order, pipe):
        full = SAMPLE["identifier"] | sum(SAMPLE[name] for name in (
            "ip", "tid", "time", "addr", "id", "stream_id", "cpu", "period", "read", "callchain", "branch", "regs_user",
            "stack_user", "weight_struct", "data_src", "transaction", "regs_intr", "phys_addr", "aux", "cgroup",
            "data_page", "code_page"))
        plain = SAMPLE["identifier"] | sum(SAMPLE[name] for name in ("ip", "tid", "time", "addr", "id", "stream_id",
                                                                     "cpu", "period", "raw"))
        events = [{"type": 1, "config": 0, "id": 70, "sample_type": full, "name": "everything", "read_format": 0x1F,
                   "branch": 1 << 17, "regs_user": 0b101, "regs_intr": 0b1, "clock": 1},
                  {"type": 2, "config": 301, "id": 71, "sample_type": plain, "clock": 1},
                  {"type": 1, "config": 10, "id": 72, "sample_type": plain, "name": "bpf-output", "clock": 1}]
        perf = Perf(order, events, pipe)
        pack, records = perf.pack, Records(order)

        def identity(time, cpu, id_, pid=7, tid=8):
            return pack("iiQQQIIQ", pid, tid, time, id_, 0, cpu, 0, id_)

        def sample(id_, time, cpu, raw):
            perf.record(9, pack("QQiiQQQQIIQ", id_, 0xABC, 7, 8, time, 0xDEF, id_, 1, cpu, 0, 99) + raw)

        def raw(data):
            data += bytes(-(len(data) + 4) % 8)
            return pack("I", len(data)) + data

        perf.record(3, pack("ii", 7, 8) + b"a task\0\0" + identity(0, 0, 0, -1, -1))
        sample(71, DAY + 50, 1, raw(records.switch(8, b"a task", 9, b"nine")))
        perf.record(68, b"")
        body = pack("QQiiQQQQIIQ", 70, 0xABC, 7, 8, DAY + 10, 0xDEF, 70, 1, 0, 0, 99)
        body += pack("QQQ", 2, 1000, 900) + pack("QQQ", 11, 70, 1) + pack("QQQ", 12, 71, 2)  # a group of two
        kernel, user = 2**64 - 128, 2**64 - 512
        body += pack("Q7Q", 7, kernel, 0xFFFFFFFF81000001, 0xFFFFFFFF81000002, user, 0x401000, 0x402000, 0x403000)
        body += pack("QQ6Q", 2, 0, 1, 2, 3, 4, 5, 6)  # branches
        body += pack("QQQ", 2, 0x11, 0x22)  # registers
        body += pack("Q", 16) + bytes(range(16)) + pack("Q", 5)  # a stack of which 5 bytes were in use
        body += pack("Q", 1 | 2 << 32 | 3 << 48)  # weights
        body += pack("QQ", 0x55, 0x66) + pack("QQ", 1, 0x33) + pack("QQQQ", 0x77, 88, 4096, 8192)
        body += pack("Q", 8) + bytes(8)
        perf.record(9, body)
        perf.record(7, pack("iiiiQ", 7, 7, 10, 8, DAY + 20) + identity(DAY + 20, 0, 70))
        perf.record(2, pack("QQ", 71, 5) + identity(DAY + 60, 1, 71))
        perf.record(68, b"")
        sample(72, DAY + 70, 1, raw(b"\1\2\3\4"))
        sample(71, DAY + 80, 1, raw(records.switch(8, b"a task", 9, b"nine")))
        perf.record(14, identity(DAY + 90, 0, 70, 7, 10), misc=1 << 13)
        perf.record(13, pack("Q", 3) + identity(DAY + 95, 1, 72))
        perf.record(13, pack("Q", 8) + identity(0, 0, 71))  # perf's sum at the end: nothing new
        return perf.file()

    def test_perf_data_of_every_shape(self):
        offset = 10**18  # CLOCK_DATA
        for order in "<>":
            for pipe in (False, True):
                with self.subTest(order=order, pipe=pipe):
                    events, losses, metadata = self.read(self.samples(order, pipe))
                    self.check_perf(events, losses, offset + DAY)
                    for line in ('hostname = "made"', 'kernel_release = "5.0.0"', 'machine = "riscv"',
                                 "tracer_major = 9", 'name = "monotonic"'):
                        self.assertIn(line, metadata)

    def check_perf(self, events, losses, zero):
        self.assertEqual([(event.time - zero, event.cpu, event.name, event.common["pid"], event.common["tid"],
                           event.common["procname"]) for event in events],
                         [(10, 0, "perf_comm", -1, -1, ""), (10, 0, "everything", 7, 8, "a task"),
                          (20, 0, "perf_fork", 7, 8, "a task"), (50, 1, "sched_switch", 7, 8, "a task"),
                          (70, 1, "bpf-output", 7, 8, "a task"), (80, 1, "sched_switch", 7, 8, "a task"),
                          (90, 0, "perf_context_switch", 7, 10, "a task")])
        comm, everything, fork, switch, raw, _, out = events
        self.assertEqual(comm.payload, {"pid": 7, "tid": 8, "comm": "a task", "exec": 0})
        self.assertEqual(fork.payload, {"pid": 7, "ppid": 7, "tid": 10, "ptid": 8, "time": DAY + 20})
        self.assertEqual(out.payload, {"out": 1, "preempt": 0})
        self.assertEqual(switch.payload["next_comm"], "nine")
        self.assertEqual((switch.common["perf_ip"], switch.common["perf_addr"], switch.common["perf_period"]),
                         (0xABC, 0xDEF, 99))
        self.assertEqual(raw.payload, {"perf_raw": [1, 2, 3, 4]})
        for name in ("pid", "tid", "procname"):
            everything.common.pop(name)
        self.assertEqual(everything.common, {
            "perf_ip": 0xABC, "perf_addr": 0xDEF, "perf_period": 99, "perf_time_enabled": 1000,
            "perf_time_running": 900, "perf_read_value": [11, 12], "perf_read_id": [70, 71], "perf_read_lost": [1, 2],
            "callstack_kernel": [0xFFFFFFFF81000001, 0xFFFFFFFF81000002],
            "callstack_user": [0x401000, 0x402000, 0x403000], "perf_branch_from": [1, 4], "perf_branch_to": [2, 5],
            "perf_branch_flags": [3, 6], "perf_regs_user_abi": 2, "perf_regs_user": [0x11, 0x22],
            "perf_stack_user": [0, 1, 2, 3, 4], "perf_weight": 1, "perf_weight2": 2, "perf_weight3": 3,
            "perf_data_src": 0x55, "perf_transaction": 0x66, "perf_regs_intr_abi": 1, "perf_regs_intr": [0x33],
            "perf_phys_addr": 0x77, "perf_cgroup": 88, "perf_data_page_size": 4096, "perf_code_page_size": 8192,
            "perf_aux": [0] * 8})
        self.assertEqual([(first - zero, last - zero, count) for first, last, count in losses],
                         [(50, 70, 5), (80, 80, 3)])

    # Any byte may lie.

    def test_damage_anywhere_ends_in_order(self):
        """A hundred random cuts and changes: an exit status, no signal."""
        chance = random.Random(1)
        pages = self.pages("<", 8)
        files = [TraceDat("<", 8, pages).version_6(), TraceDat("<", 8, pages, compress=True).version_7(),
                 self.samples("<", False), self.samples(">", True)]
        for content in files:
            for _ in range(25):
                changed = bytearray(content[:chance.randrange(1, len(content))] if chance.random() < 0.3 else content)
                for _ in range(chance.randrange(1, 6)):
                    at = min(int(chance.expovariate(1 / 2000)), len(changed) - 1)
                    changed[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
                self.run_import(bytes(changed))
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"most memory: {most} KiB")


if __name__ == "__main__":
    sys.argv.pop()
    SILLAGE = sys.argv.pop()
    unittest.main()
