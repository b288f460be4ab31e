# SPDX-License-Identifier: MIT
"""Writes files of trace-cmd and perf byte by byte, from their documents: trace-cmd.dat.v6(5), trace-cmd.dat.v7(5),
include/linux/ring_buffer.h, include/uapi/linux/perf_event.h, tools/perf/Documentation/perf.data-file-format.txt.

It shares nothing with src/import, so that its files say what a reader must find in them.
"""

import struct
import zlib

COMMON = """name: {name}
ID: {id}
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

{fields}
print fmt: {print}
"""


def field(declaration, offset, size, signed=0):
    return f"\tfield:{declaration};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n"


# An event with a field of every kind.
KINDS = COMMON.format(name="kinds", id=300, print='"%s", __get_str(text)', fields="".join((
    field("u8 u8", 8, 1), field("s8 s8", 9, 1, 1), field("u16 u16", 10, 2), field("short s16", 12, 2, 1),
    field("unsigned int u32", 16, 4), field("int s32", 20, 4, 1), field("u64 u64", 24, 8), field("s64 s64", 32, 8, 1),
    field("void * pointer", 40, 8), field("char name[8]", 48, 8), field("__data_loc char[] text", 56, 4),
    field("__rel_loc char[] relative", 60, 4), field("__data_loc u32[] numbers", 64, 4),
    field("__data_loc unsigned char[] octets", 68, 4), field("u16 shorts[3]", 72, 6), field("bool yes", 78, 1),
    field("struct in6_addr address", 80, 16))))
SWITCH = COMMON.format(name="sched_switch", id=301, print='""', fields="".join((
    field("char prev_comm[16]", 8, 16), field("pid_t prev_pid", 24, 4, 1), field("int prev_prio", 28, 4, 1),
    field("long prev_state", 32, 8, 1), field("char next_comm[16]", 40, 16), field("pid_t next_pid", 56, 4, 1),
    field("int next_prio", 60, 4, 1))))
PRINT = COMMON.format(name="print", id=5, print='"%s", REC->buf', fields=(
    field("unsigned long ip", 8, 8) + field("char buf[]", 16, 0)))
OPENAT = COMMON.format(name="sys_enter_openat", id=302, print='""', fields="".join((
    field("int __syscall_nr", 8, 4, 1), field("int dfd", 16, 8), field("const char * filename", 24, 8),
    field("int flags", 32, 8), field("umode_t mode", 40, 8))))
SYS_ENTER = COMMON.format(name="sys_enter", id=303, print='""', fields=(
    field("long id", 8, 8, 1) + field("unsigned long args[6]", 16, 48)))
SYS_EXIT = COMMON.format(name="sys_exit", id=304, print='""', fields=field("long id", 8, 8, 1) + field("long ret", 16, 8, 1))
FORMATS = {"made": [KINDS], "sched": [SWITCH], "syscalls": [OPENAT], "raw_syscalls": [SYS_ENTER, SYS_EXIT]}


class Records:
    """Records of tracepoints, in one byte order."""

    def __init__(self, order):
        self.order = order  # "<" or ">"

    def pack(self, layout, *values):
        return struct.pack(self.order + layout, *values)

    def common(self, type_id, pid):
        return self.pack("HBBi", type_id, 1, 2, pid)

    def kinds(self, pid, text, relative, numbers, octets):
        fixed = 96
        parts, places = b"", []
        for data in (text + b"\0", relative + b"\0", b"".join(self.pack("I", item) for item in numbers), octets):
            places.append((fixed + len(parts), len(data)))
            parts += data
        location = [size << 16 | offset for offset, size in places]
        location[1] = places[1][1] << 16 | (places[1][0] - 64)  # counted from behind its own u32
        return (self.common(300, pid) + self.pack("BbHhxxIiQqQ8sIIII3HB", 200, -100, 65000, -30000, 4000000000, -2000000000,
                                                  2**64 - 2, -(2**63), 0xFFFF888012345678, b"name\0xyz", *location,
                                                  1, 2, 65535, 1) + b"\0" + bytes(range(16)) + parts)

    def switch(self, prev, prev_comm, next_, next_comm):
        return self.common(301, prev) + self.pack("16siiq16sii", prev_comm, prev, 120, 1, next_comm, next_, 100)

    def print_(self, pid, text):
        return self.common(5, pid) + self.pack("Q", 0xFFFFFFFF81000000) + text + b"\0"

    def openat(self, pid):
        # A register holds an int; what stands above it is what the program left there.
        return self.common(302, pid) + self.pack("ixxxxQQQQ", 257, 0xFFFFFF9C, 0x7FFF00001000, 0x80000, 0o644)


    def sys_enter(self, pid, number):
        return self.common(303, pid) + self.pack("q6Q", number, *range(6))

    def sys_exit(self, pid, number, result):
        return self.common(304, pid) + self.pack("qq", number, result)


class RingPages:
    """Pages of a ring buffer, record by record."""

    def __init__(self, order, long_bytes, page_bytes=4096):
        self.order, self.long_bytes, self.page_bytes = order, long_bytes, page_bytes
        self.pages = []
        self.data = None

    def begin(self, time, lost=None):
        """`lost`: None, or how many; 0: some, but not said how many."""
        self.end()
        self.time, self.lost, self.data = time, lost, b""

    def head(self, type_, delta):
        word = type_ | delta << 5 if self.order == "<" else type_ << 27 | delta
        return struct.pack(self.order + "I", word)

    def record(self, delta, bytes_, wide=False):
        padded = bytes_ + bytes(-len(bytes_) % 4)
        if len(padded) > 112 or wide:
            self.data += self.head(0, delta) + struct.pack(self.order + "I", len(padded) + 4) + padded
        else:
            self.data += self.head(len(padded) // 4, delta) + padded

    def extend(self, delta):
        self.data += self.head(30, delta & (2**27 - 1)) + struct.pack(self.order + "I", delta >> 27)

    def stamp(self, time):
        time &= 2**59 - 1
        self.data += self.head(31, time & (2**27 - 1)) + struct.pack(self.order + "I", time >> 27)

    def discarded(self, delta, size):
        self.data += self.head(29, delta) + struct.pack(self.order + "I", size) + bytes(size - 4)

    def end(self):
        if self.data is None:
            return
        commit = len(self.data)
        room = self.page_bytes - 8 - self.long_bytes
        assert commit <= room
        data = self.data
        if self.lost is not None:
            commit |= 1 << 31
            if self.lost:
                commit |= 1 << 30
                data += struct.pack(self.order + ("Q" if self.long_bytes == 8 else "I"), self.lost)
        head = struct.pack(self.order + "Q" + ("Q" if self.long_bytes == 8 else "I"), self.time, commit)
        self.pages.append(head + data + bytes(room - len(data)))
        self.data = None

    def bytes(self):
        self.end()
        return b"".join(self.pages)


def header_page(long_bytes):
    text = (field("u64 timestamp", 0, 8) + field("local_t commit", 8, long_bytes, 1) +
            field("int overwrite", 8, 1, 1) + field("char data", 8 + long_bytes, 4096 - 8 - long_bytes))
    return text.encode()


class TraceDat:
    """A trace.dat of version 6 or 7. `cpus`: bytes of the pages of each CPU; `instances`: name -> the same."""

    def __init__(self, order, long_bytes, cpus, instances=None, compress=False, options=()):
        self.order, self.long_bytes, self.cpus, self.compress = order, long_bytes, cpus, compress
        self.instances, self.options = instances or {}, list(options)

    def pack(self, layout, *values):
        return struct.pack(self.order + layout, *values)

    def initial(self, version):
        return (b"\x17\x08\x44tracing" + version + b"\0" + bytes([self.order == ">", self.long_bytes]) +
                self.pack("I", 4096))

    def headers(self):
        page = header_page(self.long_bytes)
        return (b"header_page\0" + self.pack("Q", len(page)) + page + b"header_event\0" + self.pack("Q", 4) + b"none")

    def formats(self):
        ftrace = self.pack("I", 1) + self.pack("Q", len(PRINT)) + PRINT.encode()
        events = self.pack("I", len(FORMATS))
        for system, formats in FORMATS.items():
            events += system.encode() + b"\0" + self.pack("I", len(formats))
            for text in formats:
                events += self.pack("Q", len(text)) + text.encode()
        return ftrace, events

    names = b"7 seven\n8 eight of them\n"
    clocks = b"local [mono] boot"

    def version_6(self):
        ftrace, events = self.formats()
        head = self.initial(b"6") + self.headers() + ftrace + events + self.pack("I", 3) + b"sym" + self.pack("I", 0)
        head += self.pack("Q", len(self.names)) + self.names + self.pack("I", len(self.cpus))
        options = [(4, self.clocks), (5, b"Linux made 5.0.0 riscv\0"), (9, b"9.8.7\0"), *self.options]
        # Instances' tables stand behind everything; their places are known once all sizes are.
        size = len(head) + 10 + sum(6 + len(data) for _, data in options)
        size += sum(6 + 8 + len(name) + 1 for name in self.instances) + 2 + 10 + 16 * len(self.cpus)
        size += 8 + len(self.clocks)
        place = (size + 4095) // 4096 * 4096
        data, table = b"", b""
        for pages in self.cpus:
            table += self.pack("QQ", place + len(data), len(pages))
            data += pages
        for name, cpus in self.instances.items():
            at = place + len(data)
            options.append((3, self.pack("Q", at) + name.encode() + b"\0"))
            own = b"flyrecord\0"
            begin = (at + 10 + 16 * len(cpus) + 4095) // 4096 * 4096
            pages = b""
            for part in cpus:
                own += self.pack("QQ", begin + len(pages), len(part))
                pages += part
            data += own.ljust(begin - at, b"\0") + pages
        head += b"options  \0" + b"".join(self.pack("HI", number, len(value)) + value for number, value in options)
        head += self.pack("H", 0) + b"flyrecord\0" + table + self.pack("Q", len(self.clocks)) + self.clocks
        assert len(head) == size
        return head.ljust(place, b"\0") + data

    def section(self, number, content):
        if not self.compress:
            return self.pack("HHIQ", number, 0, 0, len(content)) + content
        packed = zlib.compress(content)
        return self.pack("HHIQ", number, 1, 0, len(packed) + 8) + self.pack("II", len(packed), len(content)) + packed

    def pages(self, content):
        if not self.compress:
            return content
        chunks = [content[at:at + 8192] for at in range(0, len(content), 8192)]
        packed = [(zlib.compress(chunk), len(chunk)) for chunk in chunks]
        return self.pack("I", len(chunks)) + b"".join(self.pack("II", len(data), size) + data for data, size in packed)

    def version_7(self):
        ftrace, events = self.formats()
        algorithm = b"zlib\0" if self.compress else b"none\0"
        out = self.initial(b"7") + algorithm + b"1.0\0"
        place_of_options = len(out)
        out += bytes(8)
        places = {}
        for number, content in ((18, events), (16, self.headers()), (17, ftrace),
                                (21, self.pack("Q", len(self.names)) + self.names)):
            places[number] = len(out)
            out += self.section(number, content)
        buffers = []
        for name, cpus in {"": self.cpus, **self.instances}.items():
            at = len(out)
            out += self.pack("HHIQ", 3, int(self.compress), 0, 0)
            option = self.pack("Q", at) + name.encode() + b"\0mono\0" + self.pack("II", 4096, len(cpus))
            for cpu, content in enumerate(cpus):
                out = out.ljust((len(out) + 4095) // 4096 * 4096, b"\0")
                pages = self.pages(content)
                size = len(pages) - (4 if self.compress and pages else 0)  # without the number of chunks
                option += self.pack("IQQ", cpu, len(out), size)
                out += pages
            buffers.append(option)
        # Two lists of options, the second one first in the file.
        second = [(3, option) for option in buffers] + [(9, b"9.8.7\0"), *self.options]
        at = len(out)
        out += self.section(0, self.option_list(second, 0))
        first = [(number, self.pack("Q", place)) for number, place in places.items()]
        first += [(5, b"Linux made 5.0.0 riscv\0"), (999, b"unknown")]
        options = len(out)
        out += self.section(0, self.option_list(first, at))
        return out[:place_of_options] + self.pack("Q", options) + out[place_of_options + 8:]

    def option_list(self, options, next_list):
        options = options + [(0, self.pack("Q", next_list))]
        return b"".join(self.pack("HI", number, len(value)) + value for number, value in options)


SAMPLE = {"ip": 1, "tid": 2, "time": 4, "addr": 8, "read": 0x10, "callchain": 0x20, "id": 0x40, "cpu": 0x80,
          "period": 0x100, "stream_id": 0x200, "raw": 0x400, "branch": 0x800, "regs_user": 0x1000,
          "stack_user": 0x2000, "weight": 0x4000, "data_src": 0x8000, "identifier": 0x10000, "transaction": 0x20000,
          "regs_intr": 0x40000, "phys_addr": 0x80000, "aux": 0x100000, "cgroup": 0x200000, "data_page": 0x400000,
          "code_page": 0x800000, "weight_struct": 0x1000000}


class Perf:
    """A perf.data: events (type, config, sample_type, ...) with one id each, and records."""

    def __init__(self, order, events, pipe=False, machine="riscv", more_features=None):
        self.order, self.events, self.pipe = order, events, pipe
        self.machine, self.more_features = machine, more_features or {}
        self.records = b""

    def pack(self, layout, *values):
        return struct.pack(self.order + layout, *values)

    def attr(self, event):
        flag = (lambda bit: 1 << bit) if self.order == "<" else (lambda bit: 1 << (63 - bit))
        flags = flag(18) | (flag(25) if "clock" in event else 0)
        return self.pack("IIQQQQQIIQQQQIiQ", event["type"], 112, event["config"], 1, event["sample_type"],
                         event.get("read_format", 0), flags, 1, 0, 0, 0, event.get("branch", 0),
                         event.get("regs_user", 0), 512, event.get("clock", 0), event.get("regs_intr", 0)) + bytes(8)

    def record(self, type_, content, misc=0):
        content += bytes(-len(content) % 8)
        self.records += self.pack("IHH", type_, misc, 8 + len(content)) + content

    def string(self, text):
        data = text.encode() + b"\0"
        data += bytes(-len(data) % 64)
        return self.pack("I", len(data)) + data

    def tracing_data(self):
        dat = TraceDat(self.order, 8, [])
        ftrace, events = dat.formats()
        return (dat.initial(b"0.6") + dat.headers() + ftrace + events + self.pack("II", 0, 0) + self.pack("Q", 0))

    def features(self):
        names = self.pack("II", len(self.events), 112)
        for event in self.events:
            names += self.attr(event)[:112] + self.pack("I", 1) + self.string(event.get("name", "")) + self.pack("Q", event["id"])
        return {1: self.tracing_data(), 3: self.string("made"), 4: self.string("5.0.0"), 5: self.string("9.8.7"),
                6: self.string(self.machine), 12: names, 29: self.pack("IIQQ", 1, 1, 10**18 + 500, 500), **self.more_features}

    def file(self):
        if self.pipe:
            out = b"PERFILE2" if self.order == "<" else b"2ELIFREP"
            out += self.pack("Q", 16)
            records, self.records = self.records, b""
            for event in self.events:
                self.record(64, self.attr(event)[:112] + self.pack("Q", event["id"]))
            for number, content in self.features().items():
                if number == 1:
                    content += bytes(-len(content) % 8)
                    self.record(66, self.pack("I", len(content)))
                    self.records += content
                else:
                    self.record(80, self.pack("Q", number) + content)
            return out + self.records + records
        head_bytes = 104
        ids = b"".join(self.pack("Q", event["id"]) for event in self.events)
        attrs = b""
        attrs_at = head_bytes + len(ids)
        for i, event in enumerate(self.events):
            attrs += self.attr(event)[:112] + self.pack("QQ", head_bytes + 8 * i, 8)
        data_at = attrs_at + len(attrs)
        features = self.features()
        bits = [0, 0, 0, 0]
        for number in features:
            bits[number // 64] |= 1 << number % 64
        out = (b"PERFILE2" if self.order == "<" else b"2ELIFREP") + self.pack(
            "QQQQQQQQ4Q", head_bytes, 128, attrs_at, len(attrs), data_at, len(self.records), 0, 0, *bits)
        assert len(out) == head_bytes
        out += ids + attrs + self.records
        place = len(out) + 16 * len(features)
        table, contents = b"", b""
        for content in features.values():
            table += self.pack("QQ", place + len(contents), len(content))
            contents += content
        return out + table + contents
