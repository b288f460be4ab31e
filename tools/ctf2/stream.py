# SPDX-License-Identifier: MIT
"""Data streams: packets and event records (sections 6.1 to 6.3), and LTTng's index files."""

import math
import struct

from ctf2.field_classes import SCOPES, roles_of
from ctf2.values import TraceError

MAGIC = 0xC1FC1FC1
INDEX_MAGIC = 0xC1F1DCC1


class Stream:
    """One data stream file: decodes its packets, counts what they say and compares the index with them."""

    def __init__(self, metadata, directory, name):
        self.metadata, self.name = metadata, name
        self.data_file = (directory / name).read_bytes()
        index = directory / "index" / (name + ".idx")
        self.index = index.read_bytes() if index.is_file() else None
        self.packets = self.events = self.missing_packets = 0
        self.discarded = None
        self.last_sequence = self.last_time = self.class_id = self.instance = None

    def fail(self, message):
        raise TraceError(f"{self.name}: packet {self.packets}, byte {self.start} + bit {self.position}: {message}")

    # The current packet, as fields are decoded out of it.

    def align_to(self, alignment):
        self.position = (self.position + alignment - 1) & -alignment
        if self.position > self.content:
            self.fail("alignment leads out of the packet's content")

    def need(self, bits):
        if self.position + bits > self.content:
            self.fail(f"a field of {bits} bits does not fit in the packet's content of {self.content} bits")
        if self.position + bits > len(self.data) * 8:
            self.fail("the file ends inside a field")

    def take(self, count):
        self.align_to(8)
        self.need(count * 8)
        start = self.position // 8
        self.position += count * 8
        return bytes(self.data[start:start + count])

    def role(self, role, value, length):
        if role == "packet-magic-number":
            if value != MAGIC:
                self.fail(f"the packet magic number is {value:#x}")
        elif role == "metadata-stream-uuid":
            if value != self.metadata.uuid:
                self.fail("the packet's UUID is not the metadata stream's")
        elif role == "default-clock-timestamp":
            # 6.3: a value shorter than the clock replaces its low bits, and wraps once if it is smaller.
            mask = (1 << length) - 1
            high, current = self.clock & ~mask, self.clock & mask
            self.clock = high + value + (0 if value >= current else mask + 1)
        else:
            self.found[role] = value

    def records(self):
        """Yields (time in clock cycles, stream name, number, event as a dictionary), checking on the way."""
        self.start = 0
        while self.start < len(self.data_file):
            yield from self.packet()
        if self.index is not None:
            self.check_index_end()

    def packet(self):
        # Until the packet says how long it is, the rest of the file is the packet.
        self.data, self.position, self.content = memoryview(self.data_file)[self.start:], 0, math.inf
        self.last_is_little, self.clock, self.found, self.scopes = None, 0, {}, {}
        self.decode_scope("packet-header", self.metadata.packet_header)
        class_id = self.found.get("data-stream-class-id", 0)
        stream_class = self.metadata.streams.get(class_id)
        if stream_class is None:
            self.fail(f"no data stream class {class_id}")
        self.decode_scope("packet-context", stream_class["packet-context"])
        begin = self.clock
        end = self.found.get("packet-end-default-clock-timestamp")
        total = self.found.get("packet-total-length", self.found.get("packet-content-length", math.inf))
        self.content = self.found.get("packet-content-length", total)
        if self.content > total:
            self.fail(f"content of {self.content} bits in a packet of {total} bits")
        if total is math.inf:
            total = self.content = (len(self.data_file) - self.start) * 8
        if total % 8 or total == 0:
            self.fail(f"a packet of {total} bits is no whole number of bytes")
        if self.position > self.content:
            self.fail(f"the content of {self.content} bits ends inside the packet's head")
        if total // 8 > len(self.data_file) - self.start:
            self.fail(f"the packet has {total // 8} bytes, the file only {len(self.data_file) - self.start} more")
        if end is not None and begin > end:
            self.fail(f"the packet begins at {begin} and ends at {end}")
        self.data = self.data_file[self.start:self.start + total // 8]
        self.check_sequence(class_id, begin)
        context = {name: value for name, value in self.scopes.get("packet-context", {}).items()
                   if not roles_of(getattr(value, "field_class", None))}
        while self.position < self.content:
            yield self.record(class_id, stream_class, context)
        if end is not None and self.clock > end:
            self.fail(f"the last event is at {self.clock}, after the packet's end at {end}")
        if self.index is not None:
            self.check_index(class_id, begin, end, total)
        self.start += total // 8
        self.packets += 1

    def check_sequence(self, class_id, begin):
        """What one packet says of the stream, against what those before it said."""
        instance = self.found.get("data-stream-id")
        if self.packets and (class_id, instance) != (self.class_id, self.instance):
            self.fail("a packet of another data stream in the same file")
        self.class_id, self.instance = class_id, instance
        if self.last_time is not None and begin < self.last_time:
            self.fail(f"the packet begins at {begin}, before the last time of the stream, {self.last_time}")
        self.last_time = begin
        discarded = self.found.get("discarded-event-record-counter-snapshot")
        if discarded is not None:
            if self.discarded is not None and discarded < self.discarded:
                self.fail(f"the counter of discarded events goes back from {self.discarded} to {discarded}")
            self.discarded = discarded
        sequence = self.found.get("packet-sequence-number")
        if sequence is not None:
            if self.last_sequence is not None:
                if sequence <= self.last_sequence:
                    self.fail(f"packet sequence number {sequence} follows {self.last_sequence}")
                self.missing_packets += sequence - self.last_sequence - 1
            self.last_sequence = sequence

    def decode_scope(self, scope, field_class):
        if field_class is not None:
            field_class.decode(self, self.scopes, scope, [])

    def record(self, class_id, stream_class, context):
        start = self.position
        for scope in SCOPES[2:]:
            self.scopes.pop(scope, None)
        self.found.pop("event-record-class-id", None)
        self.decode_scope("event-record-header", stream_class["event-record-header"])
        event_id = self.found.get("event-record-class-id", 0)
        event_class = stream_class["events"].get(event_id)
        if event_class is None:
            self.fail(f"no event record class {event_id} in data stream class {class_id}")
        self.decode_scope("event-record-common-context", stream_class["event-record-common-context"])
        for scope in SCOPES[4:]:
            self.decode_scope(scope, event_class[scope])
        if self.position == start:
            self.fail("an event record without a bit")
        if self.clock < self.last_time:
            self.fail(f"time goes back from {self.last_time} to {self.clock}")
        self.last_time = self.clock
        self.events += 1
        event = {"time": self.clock}
        if stream_class["clock"]:
            frequency, offset = stream_class["clock"]
            event["ns_from_origin"] = (self.clock + offset) * 1_000_000_000 // frequency
        event |= {"stream": self.name, "class": class_id, "id": event_id, "name": event_class["name"]}
        event |= event_class["attributes"].get("lttng.org,2009", {})
        for key, values in (("packet-context", context),
                            ("common-context", self.scopes.get("event-record-common-context")),
                            ("specific-context", self.scopes.get("event-record-specific-context")),
                            ("payload", self.scopes.get("event-record-payload"))):
            if values is not None:
                event[key] = values
        return self.clock, self.name, self.events, event

    # LTTng's index format 1.1: a header of 4, entries of 9 integers, big endian.

    def check_index(self, class_id, begin, end, total):
        if self.packets == 0 and self.index[:16] != struct.pack(">4I", INDEX_MAGIC, 1, 1, 72):
            self.fail("the index file's header is not that of LTTng's format 1.1")
        entry = self.index[16 + 72 * self.packets:16 + 72 * (self.packets + 1)]
        if len(entry) != 72:
            self.fail("the index file has no entry for this packet")
        expected = (self.start, total, self.content, begin, end, self.discarded, class_id, self.instance,
                    self.last_sequence)
        names = ("offset", "packet size", "content size", "begin", "end", "events discarded", "stream id",
                 "stream instance id", "packet sequence number")
        for name, said, is_so in zip(names, struct.unpack(">9Q", entry), expected):
            if is_so is not None and said != is_so:
                self.fail(f"the index file says {name} {said}, the packet {is_so}")

    def check_index_end(self):
        if len(self.index) != 16 + 72 * self.packets:
            raise TraceError(f"{self.name}: the index file has {len(self.index)} bytes for {self.packets} packets")
