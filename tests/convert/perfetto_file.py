# SPDX-License-Identifier: MIT
"""Reads a Perfetto trace by the wire format of protocol buffers and the field numbers of Perfetto's .proto files."""


def fields(data):
    """(number, value) of each field of a message; text and messages are bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
        elif kind == 1:
            yield key >> 3, data[at:at + 8]
            at += 8
        elif kind == 2:
            size = varint()
            if at + size > len(data):
                raise ValueError(f"field {key >> 3} of {size} bytes at {at} of {len(data)}")
            yield key >> 3, data[at:at + size]
            at += size
        else:
            raise ValueError(f"wire type {kind} at {at}")


def first(message, number, default=None):
    return next((value for field, value in fields(message) if field == number), default)


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


class PerfettoFile:
    """marks: (track, type, time, name, category, arguments); switches: (cpu, time, prev tid, next tid, next comm)."""

    TYPES = {1: "begin", 2: "end", 3: "instant"}

    def __init__(self, path):
        self.tracks = {}
        self.processes = {}
        self.marks = []
        self.switches = []
        self.clocks = {}
        self.names = {1: {}, 2: {}, 3: {}}  # categories, events, annotations
        is_cleared = False
        for number, packet in fields(path.read_bytes()):
            assert number == 1, "a field of Trace that is no packet"
            packet = {field: value for field, value in fields(packet)}
            if 11 in packet:
                # Names need a packet that starts them anew.
                is_cleared = is_cleared or packet[13] & 1 != 0
                assert is_cleared and packet[13] & 2 and packet[10] == 1
            for field, entry in fields(packet.get(12, b"")):
                self.names[field][first(entry, 1)] = first(entry, 2).decode()
            if 60 in packet:
                self.add_track(packet[60])
            if 11 in packet:
                self.add_mark(packet[8], packet[11])
            if 1 in packet:
                self.add_bundle(packet[1])
            if 6 in packet:
                self.clocks.update((first(clock, 1), first(clock, 2)) for field, clock in fields(packet[6]))

    def add_track(self, descriptor):
        found = dict(fields(descriptor))
        if 4 in found:
            thread = dict(fields(found[4]))
            self.tracks[found[1]] = ("thread", thread[1], thread[2], thread.get(5, b"").decode())
        elif 3 in found:
            self.processes[first(found[3], 1)] = first(found[3], 6).decode()
        else:
            self.tracks[found[1]] = ("named", found[2].decode())

    def argument(self, message):
        found = list(fields(message))
        entries = {}
        for field, value in found:
            if field == 11:
                name, content = self.annotation(value)
                entries[name] = content
        if entries:
            return entries
        elements = [self.argument(value) for field, value in found if field == 12]
        if elements:
            return elements
        for field, value in found:
            if field in (3, 7):
                return value
            if field == 2:
                return bool(value)
            if field == 4:
                return signed(value)
            if field == 6:
                return value.decode()
        return None

    def annotation(self, message):
        return self.names[3][first(message, 1)], self.argument(message)

    def add_mark(self, time, event):
        found = dict(fields(event))
        arguments = dict(self.annotation(value) for field, value in fields(event) if field == 4)
        self.marks.append((self.tracks[found[11]], self.TYPES[found[9]], time, self.names[2].get(found.get(10)),
                           self.names[1].get(found.get(3)), arguments))

    def add_bundle(self, bundle):
        cpu = first(bundle, 1)
        for field, event in fields(bundle):
            if field == 2:
                change = dict(fields(first(event, 4)))
                self.switches.append((cpu, first(event, 1), change[2], change[6], change[5].decode()))
