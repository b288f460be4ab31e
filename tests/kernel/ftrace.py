# SPDX-License-Identifier: MIT
"""The kernel's own tracer as a witness: an ftrace instance whose ring buffer pages are read as they are.

Formats: /sys/kernel/tracing/events/header_page, header_event, and those of the events. The library of trace-cmd is not
used: it wants the function tracer, which some kernels refuse.
"""

import os
import re
import struct

TRACEFS = "/sys/kernel/tracing"
FIELD = re.compile(r"field:(.*?)(\w+)(\[\d*\])?;\s+offset:(\d+);\s+size:(\d+);\s+signed:(\d);")
# A page's `commit`: bytes of data, and in the high bits whether events before it were lost.
COMMIT_BYTES = (1 << 20) - 1
MISSED_EVENTS = 1 << 31
PADDING, TIME_EXTEND, TIME_STAMP = 29, 30, 31


def ensure_mounted():
    if not os.path.isdir(TRACEFS + "/events"):
        os.system(f"mount -t tracefs tracefs {TRACEFS}")


class Format:
    """The fields of one event: name -> function of the record's bytes."""

    def __init__(self, event):
        with open(f"{TRACEFS}/events/{event}/format", encoding="ascii") as file:
            text = file.read()
        self.id = int(re.search(r"^ID: (\d+)", text, re.MULTILINE).group(1))
        self.fields = {}
        for kind, name, array, offset, size, signed in FIELD.findall(text):
            self.fields[name] = self.reader(kind, array, int(offset), int(size), signed == "1")

    @staticmethod
    def reader(kind, array, offset, size, signed):
        if "__data_loc" in kind:
            def text(data):
                place, = struct.unpack_from("<I", data, offset)
                return data[place & 0xFFFF:(place & 0xFFFF) + (place >> 16)].split(b"\0")[0].decode(errors="replace")
            return text
        if array and "char" in kind:
            return lambda data: data[offset:offset + size].split(b"\0")[0].decode(errors="replace")
        if array:
            count = int(array[1:-1])
            width = size // count
            return lambda data: [int.from_bytes(data[offset + width * i:offset + width * (i + 1)], "little", signed=signed)
                                 for i in range(count)]
        return lambda data: int.from_bytes(data[offset:offset + size], "little", signed=signed)


class Ftrace:
    """An instance of its own, on the clock that Sillage uses."""

    def __init__(self, name, events, buffer_kib=32768):
        self.path = f"{TRACEFS}/instances/{name}"
        ensure_mounted()
        os.mkdir(self.path)
        self.formats = {}
        try:
            self.write("tracing_on", "0")
            self.write("trace_clock", "mono")
            self.write("buffer_size_kb", str(buffer_kib))
            for event in events:
                self.formats[Format(event).id] = (event, Format(event))
                self.write(f"events/{event}/enable", "1")
        except OSError:
            os.rmdir(self.path)
            raise

    def write(self, file, text):
        with open(f"{self.path}/{file}", "w", encoding="ascii") as stream:
            stream.write(text)

    def start(self):
        self.write("tracing_on", "1")

    def stop(self):
        self.write("tracing_on", "0")

    def remove(self):
        self.write("events/enable", "0")
        os.rmdir(self.path)

    def overruns(self):
        """Events that the buffers lost."""
        total = 0
        for cpu in os.listdir(self.path + "/per_cpu"):
            with open(f"{self.path}/per_cpu/{cpu}/stats", encoding="ascii") as file:
                total += sum(int(n) for n in re.findall(r"^(?:overrun|commit overrun|dropped events): (\d+)", file.read(),
                                                        re.MULTILINE))
        return total

    def events(self):
        """(event, CPU, ns, reader of its fields) of what the buffers hold, CPU by CPU in order."""
        for cpu in range(os.cpu_count()):
            fd = os.open(f"{self.path}/per_cpu/cpu{cpu}/trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK)
            try:
                while True:
                    try:
                        page = os.read(fd, 4096)
                    except BlockingIOError:
                        break
                    if not page:
                        break
                    yield from self.page(page, cpu)
            finally:
                os.close(fd)

    def page(self, page, cpu):
        now, commit = struct.unpack_from("<QQ", page)
        at, end = 16, 16 + (commit & COMMIT_BYTES)
        while at + 4 <= end:
            header, = struct.unpack_from("<I", page, at)
            kind, delta = header & 31, header >> 5
            at += 4
            if kind == PADDING:
                if delta == 0:
                    return
                at += struct.unpack_from("<I", page, at)[0]
                now += delta
                continue
            if kind in (TIME_EXTEND, TIME_STAMP):
                more = delta | struct.unpack_from("<I", page, at)[0] << 27
                now = now + more if kind == TIME_EXTEND else now & ~((1 << 59) - 1) | more
                at += 4
                continue
            now += delta
            if kind == 0:
                length = struct.unpack_from("<I", page, at)[0]
                data = page[at + 4:at + length]
                at += (length + 3) & ~3
            else:
                data = page[at:at + 4 * kind]
                at += 4 * kind
            event, form = self.formats.get(struct.unpack_from("<H", data)[0], (None, None))
            if event:
                yield event, cpu, now, form, data
