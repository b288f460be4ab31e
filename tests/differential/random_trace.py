# SPDX-License-Identifier: MIT
"""Random traces of CTF 1.8 and CTF 2: metadata, and data streams that fit it, from a seed.

The `fragments` describe the trace as CTF 2 does, whatever its version; tsdl.py says the same in TSDL.
"""

import json
import struct

import tsdl
from random_fields import Place, RandomFields, UNITS

TEXTS = ["", "a", "zsh", "two words", 'a "quoted" \\ one', "line\nend\ttab", "naïve", "日本語", "𝄞 clef", "\x01\x7f", "?'"]
FREQUENCIES = [1_000_000_000, 1_000_000_000, 1000, 1_000_000, 3_000_000_000, 32_768, 19_200_000, 2_893_437_511]
ID, TIME = "event-record-class-id", "default-clock-timestamp"
CONTENT, TOTAL = "packet-content-length", "packet-total-length"
PATCH_BYTES = 6  # of a variable-length integer that is written before its value is known


class BitWriter:
    """Bits of one packet."""

    def __init__(self):
        self.data = bytearray()
        self.x = 0

    def align(self, bits):
        self.grow(-self.x % bits)

    def grow(self, bits):
        self.x += bits
        self.data.extend(bytes((self.x + 7) // 8 - len(self.data)))

    def write_at(self, at, value, fc):
        length, order = fc["length"], fc["byte-order"]
        is_little = order == "little-endian"
        first_to_last = fc.get("bit-order", "first-to-last" if is_little else "last-to-first") == "first-to-last"
        for i in range(length):
            if value >> (i if first_to_last else length - 1 - i) & 1:
                self.data[(at + i) // 8] |= 1 << ((at + i) % 8 if is_little else 7 - (at + i) % 8)

    def bits(self, value, fc):
        self.align(fc.get("alignment", 1))
        self.grow(fc["length"])
        self.write_at(self.x - fc["length"], value & ((1 << fc["length"]) - 1), fc)

    def raw(self, data):
        self.align(8)
        self.data += data
        self.x += 8 * len(data)


def leb128(value, is_signed, least_bytes=1):
    out = bytearray()
    while True:
        out.append(value & 0x7F | 0x80)
        value >>= 7
        is_last = value == 0 or value == -1
        if is_signed and is_last:
            is_last = bool(out[-1] & 0x40) == (value == -1)
        if is_last and len(out) >= least_bytes:
            out[-1] &= 0x7F
            return bytes(out)


class RandomTrace(RandomFields):
    """`fragments` and `metadata` describe it; `streams` are {file name: bytes}."""

    def __init__(self, seed, version, plain=False):
        super().__init__(f"{seed} {version} {plain}", version, plain)
        self.aliases = {}
        if version == 2:
            self.palette = [self.scalar() for _ in range(self.random.randrange(5))]
            self.aliases = {id(fc): f"alias {i}" for i, fc in enumerate(self.palette)}
        self.describe()
        self.metadata = tsdl.write(self) if version == 1 else self.json_sequence()
        self.streams = {}
        for dsc in self.classes:
            for _ in range(self.random.choice([1, 1, 2])):
                self.streams[f"stream{len(self.streams)}"] = self.stream(dsc, len(self.streams))
                if not self.has_ids:
                    break

    # Metadata.

    def number(self, role, least_bits=8, is_fixed=False):
        """An unsigned integer for a role."""
        r = self.random
        if self.version == 2 and not is_fixed and self.chance(0.2):
            fc = {"type": "variable-length-unsigned-integer"}
        else:
            bits = r.choice([n for n in (8, 16, 32, 64) if n >= least_bits] + [r.randint(least_bits, 64)])
            fc = {"type": "fixed-length-unsigned-integer", "length": bits, "byte-order": self.order,
                  "alignment": r.choice([1, 8, 8, 32])}
        return dict(fc, roles=[role])

    def describe(self):
        r = self.random
        self.uuid = [r.randrange(256) for _ in range(16)] if self.chance(0.6) else None
        preamble = {"type": "preamble", "version": 2}
        if self.uuid:
            preamble["uuid"] = self.uuid
        self.clock_classes = [self.clock(i) for i in range(1 if self.plain else r.choice([0, 1, 1, 2]))]
        count = r.choice([1, 1, 2, 3])
        self.has_ids = count > 1 or self.chance(0.6)
        header = self.packet_header()
        self.trace_class = {"type": "trace-class", "environment": {"n": r.randint(-5, 5)}}
        if self.chance(0.5):
            self.trace_class["environment"]["hostname"] = "here"
        if header:
            self.trace_class["packet-header-field-class"] = header
        self.classes, self.event_classes = [], []
        for i in range(count):
            self.data_stream_class(r.randrange(200) * 4 + i if self.has_ids else 0)
        self.fragments = ([preamble]
                          + [{"type": "field-class-alias", "name": self.aliases[id(fc)], "field-class": fc} for fc in self.palette]
                          + [self.trace_class] + self.clock_classes + self.classes + self.event_classes)

    def clock(self, index):
        r = self.random
        frequency = r.choice(FREQUENCIES)
        clock = {"type": "clock-class", "id": f"clock{index}", "name": f"clock{index}", "frequency": frequency,
                 "offset-from-origin": {"seconds": r.choice([0, 1_700_000_000, r.randrange(10**9)]),
                                        "cycles": r.randrange(frequency)}}
        if self.version == 2 and self.chance(0.5):
            clock["origin"] = "unix-epoch"
        if not self.plain and self.chance(0.2):
            clock["offset-from-origin"]["seconds"] = -r.randrange(10**9)
        return clock

    def packet_header(self):
        r = self.random
        members = []
        if self.chance(0.7):
            magic = {"type": "fixed-length-unsigned-integer", "length": 32, "byte-order": self.order, "alignment": 8}
            members.append(("magic", dict(magic, roles=["packet-magic-number"])))
        others = []
        if self.uuid and self.chance(0.7):
            others.append(("uuid", {"type": "static-length-blob", "length": 16, "roles": ["metadata-stream-uuid"]}))
        if self.has_ids:
            others.append(("stream_id", self.number("data-stream-class-id", 10)))
            others.append(("stream_instance_id", self.number("data-stream-id")))
        r.shuffle(others)
        members += others
        return self.fixed_structure(members) if members else None

    def fixed_structure(self, members):
        return {"type": "structure", "member-classes": [{"name": name, "field-class": fc} for name, fc in members]}

    def data_stream_class(self, number):
        r = self.random
        self.candidates = []
        clock = r.choice(self.clock_classes) if self.clock_classes else None
        dsc = {"type": "data-stream-class", "id": number}
        if clock:
            dsc["default-clock-class-id"] = clock["id"]
        has_sizes = self.chance(0.85)
        has_begin = clock and self.chance(0.8)
        special = []
        if has_sizes:
            special.append(("content_size", self.number(CONTENT, 32)))
            special.append(("packet_size", self.number(TOTAL, 32)))
            if self.chance(0.1):
                del special[r.randrange(2)]
        if has_begin:
            special.append(("timestamp_begin", self.number(TIME, 64, True)))
            special.append(("timestamp_end", self.number("packet-end-default-clock-timestamp", 64, True)))
            if self.chance(0.2):
                special.pop()
        if self.chance(0.6):
            special.append(("events_discarded", self.number("discarded-event-record-counter-snapshot", 32)))
        if self.chance(0.6):
            special.append(("packet_seq_num", self.number("packet-sequence-number", 16)))
        r.shuffle(special)
        if special or self.chance(0.5):
            dsc["packet-context-field-class"] = self.structure(Place("packet-context"), 2, special, least=0 if special else 1)
        count = r.randint(1, 4)
        header = self.event_header(clock, has_begin, count)
        if header:
            dsc["event-record-header-field-class"] = header
        if self.version == 1 and clock and '"roles": ["' + TIME not in json.dumps([special, header]):
            del dsc["default-clock-class-id"]  # what TSDL says by a member with a map
        if self.chance(0.4):
            dsc["event-record-common-context-field-class"] = self.structure(
                Place("event-record-common-context"), 2, least=1)
        self.classes.append(dsc)
        shared = list(self.candidates)
        has_id = header and header["member-classes"][0]["name"] == "id"
        for i in range(count if has_id else 1):
            self.candidates = list(shared)
            self.event_class(number, i + 100 if has_id and self.chance(0.1) else i)

    def event_header(self, clock, has_begin, count):
        if clock and has_begin and self.chance(0.3):
            return self.lttng_header()
        members = []
        if count > 1 or self.chance(0.5):
            members.append(("id", self.number(ID, 8)))
        if clock and self.chance(0.9):
            members.append(("timestamp", self.number(TIME, 16 if has_begin else 64, not has_begin)))
        if len(members) == 2 and self.chance(0.3) and self.version == 2:
            members.append(("again", dict(self.number(TIME, 64, True))))
        return self.fixed_structure(members) if members else None

    def lttng_header(self):
        """The compact one of LTTng: 5 bits of id and 27 of time, or both in full."""
        def whole(bits, alignment, role):
            return {"type": "fixed-length-unsigned-integer", "length": bits, "byte-order": self.order,
                    "alignment": alignment, "roles": [role]}
        selector = dict(whole(5, 1, ID), mappings={"compact": [[0, 30]], "extended": [[31, 31]]})
        compact = self.fixed_structure([("timestamp", whole(27, 1, TIME))])
        extended = self.fixed_structure([("id", whole(32, 8, ID)), ("timestamp", whole(64, 8, TIME))])
        location = {"path": ["id"]} if self.plain or self.chance(0.5) else {"origin": "event-record-header", "path": ["id"]}
        variant = {"type": "variant", "selector-field-location": location,
                   "options": [{"name": "compact", "selector-field-ranges": [[0, 30]], "field-class": compact},
                               {"name": "extended", "selector-field-ranges": [[31, 31]], "field-class": extended}]}
        self.uses[id(variant)] = selector
        return dict(self.fixed_structure([("id", selector), ("v", variant)]), **{"minimum-alignment": 8})

    def event_class(self, stream_class, number):
        event = {"type": "event-record-class", "data-stream-class-id": stream_class, "id": number}
        if self.version == 1 or self.chance(0.9):
            event["name"] = f"event:{number}" if self.chance(0.8) else "日 \"é\""
        if self.chance(0.4):
            event["specific-context-field-class"] = self.structure(Place("event-record-specific-context"), 2, least=1)
        payload = self.structure(Place("event-record-payload"), 3, least=1)
        # Behind content of unknown size no bit may be left over.
        byte = {"type": "fixed-length-unsigned-integer", "length": 8, "byte-order": self.order, "alignment": 8}
        payload["member-classes"].append({"name": "last", "field-class": byte})
        event["payload-field-class"] = payload
        self.event_classes.append(event)

    def json_sequence(self):
        def named(value, is_top=False):
            if isinstance(value, dict):
                if id(value) in self.aliases and not is_top:
                    return self.aliases[id(value)]
                return {key: named(inner) for key, inner in value.items()}
            return [named(inner) for inner in value] if isinstance(value, list) else value
        texts = []
        for fragment in self.fragments:
            if fragment["type"] == "field-class-alias":
                texts.append(dict(fragment, **{"field-class": named(fragment["field-class"], True)}))
            else:
                texts.append(named(fragment))
        return "".join(f"\x1e{json.dumps(text, ensure_ascii=self.chance(0.5))}\n" for text in texts).encode()

    # Streams.

    def stream(self, dsc, number):
        r = self.random
        clock = next((c for c in self.clock_classes if c["id"] == dsc.get("default-clock-class-id")), None)
        self.time = r.randrange(clock["frequency"] * 1000) if clock else 0
        roles = self.roles_of(dsc.get("packet-context-field-class"))
        data = b""
        discarded, sequence = 0, r.randrange(3)
        has_sizes = CONTENT in roles or TOTAL in roles
        for _ in range(r.randint(1, 4) if has_sizes else 1):
            discarded += r.choice([0, 0, r.randrange(1000)])
            sequence += r.choice([1, 1, 1, 3])
            data += self.packet(dsc, number, discarded, sequence, roles)
        return data

    def roles_of(self, fc):
        if fc is None:
            return set()
        return {role for member in fc["member-classes"] for role in member["field-class"].get("roles", [])}

    def packet(self, dsc, number, discarded, sequence, roles):
        r = self.random
        self.out = BitWriter()
        self.values, self.patches, self.clock = {}, [], 0
        self.time += r.randrange(1000)
        header = self.trace_class.get("packet-header-field-class")
        self.given = {"packet-magic-number": 0xC1FC1FC1, "data-stream-class-id": dsc["id"], "data-stream-id": number,
                      "metadata-stream-uuid": self.uuid}
        if header:
            self.encode(header)
        self.given = {TIME: self.time, "discarded-event-record-counter-snapshot": discarded,
                      "packet-sequence-number": sequence}
        if "packet-context-field-class" in dsc:
            self.encode(dsc["packet-context-field-class"])
        classes = [event for event in self.event_classes if event["data-stream-class-id"] == dsc["id"]]
        # Where the packet's size is not said apart, its content ends with a whole byte: an event record does.
        least = 0 if CONTENT in roles and TOTAL in roles else 1
        for _ in range(r.randint(least, 5)):
            self.event(dsc, r.choice(classes))
        content = self.out.x
        padding = r.choice([0, 1, 8, 100]) if CONTENT in roles and TOTAL in roles else 0
        values = {CONTENT: content, TOTAL: (content + 7) // 8 * 8 + 8 * padding,
                  "packet-end-default-clock-timestamp": self.time}
        for at, fc, role in self.patches:
            if fc["type"].startswith("variable"):
                self.out.data[at // 8:at // 8 + PATCH_BYTES] = leb128(values[role], False, PATCH_BYTES)
            else:
                self.out.write_at(at, values[role], fc)
        return bytes(self.out.data) + bytes(r.randrange(256) for _ in range(padding))

    def event(self, dsc, event):
        self.time += self.random.choice([0, 1, self.random.randrange(50000)])
        is_compact = self.random.random() < 0.7 and event["id"] <= 30 and self.time - self.clock < 1 << 27
        self.given = {ID: event["id"], TIME: self.time}
        header = dsc.get("event-record-header-field-class")
        if header:
            if header["member-classes"][0]["field-class"].get("mappings") and not is_compact:
                self.given[ID] = [31, event["id"]]
            self.encode(header)
            if TIME not in self.roles_of(header) and "v" not in [m["name"] for m in header["member-classes"]]:
                self.time = self.clock
        self.given = {}
        for fc in (dsc.get("event-record-common-context-field-class"), event.get("specific-context-field-class"),
                   event["payload-field-class"]):
            if fc:
                self.encode(fc)

    def encode(self, fc):
        """Writes a random value, or the one that is wanted for a role or by a field that uses this one."""
        kind = fc["type"]
        out, r = self.out, self.random
        if "integer" in kind:
            self.encode_integer(fc)
        elif kind == "fixed-length-boolean":
            value = r.choice([0, 1, 1 << (fc["length"] - 1), r.getrandbits(fc["length"])])
            out.bits(value, fc)
            self.values[id(fc)] = value != 0
        elif kind == "fixed-length-floating-point-number":
            code = {16: "e", 32: "f", 64: "d"}[fc["length"]]
            value = r.choice([0.0, -0.0, 1.5, -2.25, 1e-7, 65504.0, float("inf"), float("nan"), r.uniform(-1e4, 1e4)])
            out.bits(int.from_bytes(struct.pack("<" + code, value), "little"), fc)
        elif kind.startswith("fixed-length-bit"):
            out.bits(r.getrandbits(fc["length"]), fc)
        elif kind.endswith("string"):
            self.encode_string(fc)
        elif kind == "static-length-blob" or kind == "dynamic-length-blob":
            is_uuid = "metadata-stream-uuid" in fc.get("roles", [])
            length = fc.get("length", self.values.get(id(self.uses.get(id(fc)))))
            out.raw(bytes(self.uuid if is_uuid else (r.randrange(256) for _ in range(length))))
        elif kind == "structure":
            out.align(alignment(fc))
            for member in fc["member-classes"]:
                self.encode(member["field-class"])
        elif kind in ("static-length-array", "dynamic-length-array"):
            out.align(alignment(fc))
            for _ in range(fc["length"] if "length" in fc else self.values[id(self.uses[id(fc)])]):
                self.encode(fc["element-field-class"])
        elif kind == "optional":
            selector = self.values[id(self.uses[id(fc)])]
            ranges = fc.get("selector-field-ranges")
            if selector if ranges is None else any(low <= selector <= high for low, high in ranges):
                self.encode(fc["field-class"])
        else:
            selector = self.values[id(self.uses[id(fc)])]
            for option in fc["options"]:
                if any(low <= selector <= high for low, high in option["selector-field-ranges"]):
                    self.encode(option["field-class"])
                    break

    def encode_integer(self, fc):
        r, out = self.random, self.out
        is_variable, is_signed = fc["type"].startswith("variable"), "-signed" in fc["type"]
        role = (fc.get("roles") or [None])[0]
        hint = self.hints.get(id(fc), ("any",))
        if role in (CONTENT, TOTAL, "packet-end-default-clock-timestamp"):
            if is_variable:
                out.raw(bytes(PATCH_BYTES))
                self.patches.append((out.x - 8 * PATCH_BYTES, fc, role))
            else:
                out.bits(0, fc)
                self.patches.append((out.x - fc["length"], fc, role))
            return
        if role == ID and isinstance(self.given[ID], list):
            value = self.given[ID].pop(0)
        elif role:
            value = self.given[role]
        elif hint[0] == "length":
            high = self.limits(fc)[1]
            value = hint[1] * r.randint(int(self.plain), max(int(self.plain), min(high // hint[1], 4 if hint[1] == 1 else 2)))
        elif hint[0] == "select" or hint[0] == "some" and self.chance(0.5):
            value = r.choice(hint[1])
        else:
            value = self.interesting(fc)
        self.values[id(fc)] = value
        least = 1
        if role == TIME:
            delta = value - self.clock
            if not is_variable and delta >> fc["length"]:  # more time than the field can say
                value = self.time = self.clock + (1 << fc["length"]) - 1
            self.clock = value
            if is_variable:
                least = r.randint(1, 3) if delta == 0 else (delta.bit_length() + 6) // 7
                value &= (1 << 7 * least) - 1
        if is_variable:
            out.raw(leb128(value, is_signed, least))
        else:
            out.bits(value, fc)

    def encode_string(self, fc):
        r = self.random
        encoding = fc.get("encoding", "utf-8")
        unit = UNITS[encoding]
        text = r.choice([text for text in TEXTS if text or not self.plain]).encode(encoding)
        if fc["type"] == "null-terminated-string":
            self.out.raw(text + bytes(unit))
            return
        if fc["type"] == "dynamic-length-string":
            length = self.values[id(self.uses[id(fc)])]
        else:
            length = fc["length"]
        if self.plain and length:
            text = b"x" * r.randint(1, length)
        elif len(text) > length:
            text = ("é".encode(encoding) * 9)[:length // 4 * 4]  # whole characters in every encoding
        garbage = bytes(r.randrange(256) for _ in range(max(0, length - len(text) - unit)))
        self.out.raw((text + bytes(unit) + garbage)[:length])


def alignment(fc):
    """As the writer sees it; slow_decoder.alignment_of is the reader's."""
    if fc["type"] == "structure":
        inner = [alignment(member["field-class"]) for member in fc["member-classes"]]
        return max(inner + [fc.get("minimum-alignment", 1)])
    if "element-field-class" in fc:
        return max(alignment(fc["element-field-class"]), fc.get("minimum-alignment", 1))
    if fc["type"] in ("variant", "optional"):
        return 1
    return fc.get("alignment", 1) if fc["type"].startswith("fixed-length") else 8
