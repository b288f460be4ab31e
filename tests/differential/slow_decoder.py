# SPDX-License-Identifier: MIT
"""A decoder of CTF that follows the specification sentence by sentence, one bit at a time: what src/ctf is compared with.

It takes the fragments of CTF 2 (CTF2-SPEC-2.0, section 5) as Python objects. A CTF 1.8 trace is described by fragments
as well (random_trace.py makes its TSDL from them), so nothing here reads TSDL. Names in capitals are the
specification's, from its section 6. It shares nothing with src/ctf, and must not: where both are wrong the comparison
is blind.
"""

import json
import struct

INFINITY = float("inf")
MAGIC = 0xC1FC1FC1
MOST_ELEMENTS = 1 << 18  # of arrays: sillage read has a limit, too, and no sound test trace comes near it
CODECS = {"utf-8": 1, "utf-16le": 2, "utf-16be": 2, "utf-32le": 4, "utf-32be": 4}
BIT_ARRAYS = ("fixed-length-bit-array", "fixed-length-bit-map", "fixed-length-boolean",
              "fixed-length-unsigned-integer", "fixed-length-signed-integer", "fixed-length-floating-point-number")


class Damage(Exception):
    """The stream cannot be decoded from here on; `at` is the bit of its packet."""

    def __init__(self, at, what):
        super().__init__(f"{what}, at bit {at}")
        self.at = at


class Short(Damage):
    """There is not enough of it."""


class Struct(dict):
    """Members by name, and the structure around it."""

    def __init__(self, parent):
        super().__init__()
        self.parent = parent


class Array(list):
    """Elements; the last one is the current one while `is_open`."""

    is_open = True


class Blob(bytes):
    pass


class Bits(int):
    """A bit array or bit map: bit I is element I."""


class Chosen:
    """A variant field: which option, and its value. An optional field: option 0 or none."""

    def __init__(self, option):
        self.option = option
        self.value = None


def fragments_of(metadata):
    """The fragments of a JSON text sequence."""
    return [json.loads(text) for text in metadata.decode().split("\x1e") if text.strip()]


def in_ranges(number, ranges):
    return any(lower <= number <= upper for lower, upper in ranges)


class Metadata:
    """Fragments by what they describe, field class aliases resolved."""

    def __init__(self, fragments):
        self.aliases = {}
        self.uuid = None
        self.checks_uuid = True
        self.header = None
        self.environment = {}
        self.clocks = {}
        self.streams = {}
        self.events = {}
        for fragment in fragments:
            kind = fragment["type"]
            if kind == "preamble":
                self.uuid = fragment.get("uuid")
            elif kind == "field-class-alias":
                self.aliases[fragment["name"]] = self.resolve(fragment["field-class"])
            elif kind == "trace-class":
                self.header = self.resolve(fragment.get("packet-header-field-class"))
                self.environment = fragment.get("environment", {})
            elif kind == "clock-class":
                self.clocks[fragment["id"]] = fragment
            elif kind == "data-stream-class":
                fragment = dict(fragment)
                for name in ("packet-context", "event-record-header", "event-record-common-context"):
                    fragment[name] = self.resolve(fragment.get(name + "-field-class"))
                self.streams[fragment.get("id", 0)] = fragment
            elif kind == "event-record-class":
                fragment = dict(fragment)
                for name in ("specific-context", "payload"):
                    fragment[name] = self.resolve(fragment.get(name + "-field-class"))
                self.events[fragment.get("data-stream-class-id", 0), fragment.get("id", 0)] = fragment

    def resolve(self, field_class):
        """The field class with every name of an alias in it replaced."""
        if field_class is None:
            return None
        if isinstance(field_class, str):
            return self.aliases[field_class]
        out = dict(field_class)
        for name in ("field-class", "element-field-class"):
            if name in out:
                out[name] = self.resolve(out[name])
        for name in ("member-classes", "options"):
            if name in out:
                out[name] = [dict(entry, **{"field-class": self.resolve(entry["field-class"])}) for entry in out[name]]
        return out


def alignment_of(fc):
    """Section 6.4.1."""
    kind = fc["type"]
    if kind in BIT_ARRAYS:
        return fc.get("alignment", 1)
    if kind == "structure":
        return max([fc.get("minimum-alignment", 1)]
                   + [alignment_of(member["field-class"]) for member in fc.get("member-classes", [])])
    if kind in ("static-length-array", "dynamic-length-array"):
        return max(fc.get("minimum-alignment", 1), alignment_of(fc["element-field-class"]))
    return 1 if kind in ("optional", "variant") else 8


class PacketDecoder:
    """The state of section 6.1 and the procedures of 6.2 to 6.4, over the bytes from a packet's first on."""

    def __init__(self, metadata, data):
        self.metadata = metadata
        self.data = data
        self.x = 0
        self.clock = 0
        self.last_byte_order = None
        self.content_len = INFINITY
        self.total_len = INFINITY
        self.end_clock = self.discarded = self.sequence = self.ds_id = None
        self.dsc_id = 0
        self.erc_id = 0
        self.is_cut = False
        self.roots = {}
        self.roles = {}

    # Packets and event records.

    def decode_head(self):
        """Packet header and context."""
        self.roles = {"data-stream-class-id": lambda fc, v, start: setattr(self, "dsc_id", v),
                      "data-stream-id": lambda fc, v, start: setattr(self, "ds_id", v),
                      "packet-magic-number": self.check_magic,
                      "metadata-stream-uuid": self.check_uuid}
        self.decode_root("packet-header", self.metadata.header)
        if self.dsc_id not in self.metadata.streams:
            raise Damage(self.x, f"no data stream class {self.dsc_id}")
        self.dsc = self.metadata.streams[self.dsc_id]

        def setter(name):
            return lambda fc, v, start: setattr(self, name, v)
        self.roles = {"default-clock-timestamp": self.update_clock,
                      "discarded-event-record-counter-snapshot": setter("discarded"),
                      "packet-end-default-clock-timestamp": setter("end_clock"),
                      "packet-sequence-number": setter("sequence"),
                      "packet-content-length": setter("seen_content_len"),
                      "packet-total-length": setter("seen_total_len")}
        self.seen_content_len = self.seen_total_len = INFINITY
        self.decode_root("packet-context", self.dsc["packet-context"])
        self.content_len, self.total_len = self.seen_content_len, self.seen_total_len
        self.begin_clock = self.clock
        if self.total_len == INFINITY:
            self.total_len = self.content_len
        if self.content_len == INFINITY:
            self.content_len = self.total_len
        if self.content_len > self.total_len:
            raise Damage(self.x, f"content of {self.content_len} bits in {self.total_len}")
        if self.x > self.content_len:
            raise Damage(self.x, f"header and context end behind the content's {self.content_len} bits")
        if self.total_len == 0:
            raise Damage(self.x, "packet of no bits")
        # Of a packet that was cut off what is there is read.
        there = 8 * len(self.data)
        if self.total_len != INFINITY:
            self.is_cut = self.content_len > there
            self.total_len = min((self.total_len + 7) // 8 * 8, there)
            self.content_len = min(self.content_len, there)

    def cut_at(self, size):
        """Of a packet whose size is wrong only so many bytes are its own."""
        self.data = self.data[:size]
        self.content_len = min(self.content_len, 8 * size)

    def has_event(self):
        return self.x < min(self.content_len, 8 * len(self.data))

    def decode_event(self):
        """One event record: (its class, clock value, {scope: value})."""
        self.erc_id = 0
        start = self.x
        self.roles = {"event-record-class-id": lambda fc, v, start: setattr(self, "erc_id", v),
                      "default-clock-timestamp": self.update_clock}
        for name in ("event-record-header", "event-record-common-context", "event-record-specific-context",
                     "event-record-payload"):
            self.roots.pop(name, None)
        self.decode_root("event-record-header", self.dsc["event-record-header"])
        self.roles = {}
        erc = self.metadata.events.get((self.dsc_id, self.erc_id))
        if erc is None:
            raise Damage(self.x, f"no event record class {self.erc_id} in data stream class {self.dsc_id}")
        self.decode_root("event-record-common-context", self.dsc["event-record-common-context"])
        self.decode_root("event-record-specific-context", erc["specific-context"])
        self.decode_root("event-record-payload", erc["payload"])
        if self.x == start:
            raise Damage(self.x, "event record without a bit")
        return erc, self.clock, dict(self.roots)

    def decode_root(self, name, fc):
        if fc is not None:
            self.decode(fc, None, lambda value: self.roots.__setitem__(name, value))

    def check_magic(self, fc, value, start):
        if value != MAGIC:
            raise Damage(self.x, f"magic {value:#x}")

    def check_uuid(self, fc, value, start):
        if self.metadata.checks_uuid and list(value) != self.metadata.uuid:
            raise Damage(self.x, "another metadata stream's UUID")

    def update_clock(self, fc, value, start):
        """Section 6.3."""
        length = fc["length"] if fc["type"] == "fixed-length-unsigned-integer" else (self.x - start) // 8 * 7
        mask = (1 << length) - 1
        high, current = self.clock & ~mask, self.clock & mask
        self.clock = (high + value if value >= current else high + mask + 1 + value) & (1 << 64) - 1

    # Fields. `store` puts a value where it belongs before what is in it is decoded: locations may lead through it.

    def decode(self, fc, parent, store):
        kind = fc["type"]
        start = self.x
        if kind in BIT_ARRAYS:
            value = self.bit_array(fc)
            start = self.x - fc["length"]
        elif kind.startswith("variable-length"):
            self.align(8)
            start = self.x
            value = self.leb128(kind == "variable-length-signed-integer")
        elif kind.endswith("string"):
            value = self.string(fc, parent)
        elif kind.endswith("blob"):
            value = self.blob(fc, parent)
        else:
            return self.compound(fc, parent, store)
        store(value)
        for role in fc.get("roles", []):
            if role in self.roles:
                self.roles[role](fc, value, start)
        return None

    def compound(self, fc, parent, store):
        kind = fc["type"]
        if kind == "structure":
            self.align(alignment_of(fc))
            value = Struct(parent)
            store(value)
            for member in fc.get("member-classes", []):
                self.decode(member["field-class"], value,
                            lambda field, name=member["name"]: value.__setitem__(name, field))
        elif kind in ("static-length-array", "dynamic-length-array"):
            length = fc["length"] if kind == "static-length-array" else self.length(fc, parent)
            if length > MOST_ELEMENTS:
                raise Damage(self.x, f"{length} elements")
            self.align(alignment_of(fc))
            value = Array()
            store(value)
            for _ in range(length):
                self.decode(fc["element-field-class"], parent, value.append)
            value.is_open = False
        else:
            value = Chosen(self.option(fc, parent))
            store(value)
            if value.option is not None:
                inner = fc["field-class"] if kind == "optional" else fc["options"][value.option]["field-class"]
                self.decode(inner, parent, lambda field: setattr(value, "value", field))

    def option(self, fc, parent):
        selector = self.locate(fc["selector-field-location"], parent)
        if fc["type"] == "optional":
            if isinstance(selector, bool):
                return 0 if selector else None
            return 0 if in_ranges(selector, fc["selector-field-ranges"]) else None
        for index, option in enumerate(fc["options"]):
            if in_ranges(selector, option["selector-field-ranges"]):
                return index
        raise Damage(self.x, f"no option for {selector}")

    def length(self, fc, parent):
        return self.locate(fc["length-field-location"], parent)

    def locate(self, location, parent):
        """Section 6.4.2."""
        origin = location.get("origin")
        if origin is not None and origin not in self.roots:
            raise Damage(self.x, f"no {origin} yet")
        value = self.roots[origin] if origin is not None else parent
        for name in location["path"]:
            if name is None:
                value = value.parent
            elif name not in value:
                raise Damage(self.x, f"no field {name} yet")
            else:
                value = value[name]
            while isinstance(value, (Array, Chosen)):
                if isinstance(value, Chosen):
                    value = value.value
                elif not value.is_open:
                    raise Damage(self.x, f"array {name} is complete")
                else:
                    value = value[-1]
        if not isinstance(value, int) or isinstance(value, Bits):
            raise Damage(self.x, "neither length nor selector")
        return value

    def align(self, bits):
        self.x = (self.x + bits - 1) // bits * bits
        if self.x > self.content_len:
            raise Short(self.x, "alignment")

    def need(self, bits):
        if self.x + bits > min(self.content_len, 8 * len(self.data)):
            raise Short(self.x, f"{bits} bits")

    def bit_array(self, fc):
        """Sections 6.4.3 to 6.4.8."""
        length, order = fc["length"], fc["byte-order"]
        self.align(fc.get("alignment", 1))
        self.need(length)
        if self.x % 8 != 0 and self.last_byte_order != order:
            raise Damage(self.x, "another byte order within a byte")
        bit_order = fc.get("bit-order", "first-to-last" if order == "little-endian" else "last-to-first")
        value = 0
        for i in range(length):
            index = i if bit_order == "first-to-last" else length - i - 1
            bit = self.x % 8 if order == "little-endian" else 7 - self.x % 8
            value |= (self.data[self.x // 8] >> bit & 1) << index
            self.x += 1
        self.last_byte_order = order
        kind = fc["type"]
        if kind == "fixed-length-boolean":
            return value != 0
        if kind == "fixed-length-signed-integer" and value >> (length - 1):
            return value - (1 << length)
        if kind == "fixed-length-floating-point-number":
            code = {16: "e", 32: "f", 64: "d"}[length]
            return struct.unpack("<" + code, value.to_bytes(length // 8, "little"))[0]
        return value if kind.endswith("integer") else Bits(value)

    def byte(self):
        self.x += 8
        return self.data[self.x // 8 - 1]

    def leb128(self, is_signed):
        value = shift = 0
        more = True
        while more:
            self.need(8)
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            more = byte & 0x80
        if value >> 64 and not (is_signed and value >> 63 == (1 << shift - 63) - 1):
            raise Damage(self.x, "more than 64 bits")
        return value - (1 << shift) if is_signed and byte & 0x40 else value

    def string(self, fc, parent):
        """Sections 6.4.11, 6.4.12 and 6.4.14."""
        unit = CODECS[fc.get("encoding", "utf-8")]
        text = b""
        if fc["type"] == "null-terminated-string":
            self.align(8)
            while True:
                self.need(8 * unit)
                part = bytes(self.byte() for _ in range(unit))
                if not any(part):
                    break
                text += part
        else:
            length = fc["length"] if fc["type"] == "static-length-string" else self.length(fc, parent)
            self.align(8)
            self.need(8 * length)
            end = self.x + 8 * length
            while self.x < end:
                if self.x + 8 * unit > end:
                    raise Damage(self.x, "part of a code unit")
                part = bytes(self.byte() for _ in range(unit))
                if any(part):
                    text += part
                else:
                    self.x = end
        return text.decode(fc.get("encoding", "utf-8"), "replace")

    def blob(self, fc, parent):
        length = fc["length"] if fc["type"] == "static-length-blob" else self.length(fc, parent)
        self.align(8)
        self.need(8 * length)
        return Blob(self.byte() for _ in range(length))


class Packet:
    """One packet: what its head says, and its event records up to the first damage."""

    def __init__(self, decoder):
        self.decoder = decoder
        self.events = []
        self.damage = None
        self.is_incomplete = False  # the last one, which may still be written


def decode_stream(metadata, data):
    """All packets of a stream's bytes.

    Damage in a packet loses the rest of it. Behind a damaged head the next packet is where the magic number comes
    again, if packets have one; the same goes for a packet that says it goes on behind the end. If there is no other, it is
    incomplete. A packet of another data stream than the first is damage as a whole. The specification
    would end at the first damage; this is what sillage-read(1) promises.
    """
    packets = []
    at = 0
    identity = None
    while at < len(data):
        decoder = PacketDecoder(metadata, data[at:])
        packet = Packet(decoder)
        packets.append(packet)
        try:
            decoder.decode_head()
        except Damage as damage:
            packet.damage = damage
            start, at = at, next_packet(metadata, data, at + 1, identity)
            packet.is_incomplete = (isinstance(damage, Short) and at == len(data) and
                                    next_magic(metadata, data, start) == start)
            continue
        size = (decoder.total_len if decoder.total_len != INFINITY else 8 * len(decoder.data)) // 8
        if identity not in (None, (decoder.dsc_id, decoder.ds_id)):
            packet.damage = Damage(0, "a packet of another data stream")
            at += size
            continue
        identity = decoder.dsc_id, decoder.ds_id
        # A size that goes beyond the file is a lie if another packet begins in it.
        next_at = next_packet(metadata, data, at + (decoder.x + 7) // 8, identity) if decoder.is_cut else at + size
        packet.is_incomplete = decoder.is_cut and next_at == len(data)
        if decoder.is_cut:
            decoder.cut_at(next_at - at)
        at = next_at
        try:
            while decoder.has_event():
                packet.events.append(decoder.decode_event())
            if decoder.is_cut:
                raise Damage(decoder.x, "the packet is cut off")
        except Damage as damage:
            packet.damage = damage
    return packets


def next_packet(metadata, data, start, identity):
    """Where the next packet of a data stream begins, any if `identity` is None; the end if there is none."""
    while True:
        start = next_magic(metadata, data, start)
        if start == len(data):
            return start
        decoder = PacketDecoder(metadata, data[start:])
        try:
            decoder.decode_head()
            if identity in (None, (decoder.dsc_id, decoder.ds_id)):
                return start
        except Damage:
            pass
        start += 1


def next_magic(metadata, data, start):
    members = (metadata.header or {}).get("member-classes", [])
    if not members or "packet-magic-number" not in members[0]["field-class"].get("roles", []):
        return len(data)
    order = "little" if members[0]["field-class"]["byte-order"] == "little-endian" else "big"
    found = data.find(MAGIC.to_bytes(4, order), start)
    return found if found >= 0 else len(data)
