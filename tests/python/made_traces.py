# SPDX-License-Identifier: MIT
"""Traces written bit by bit for the tests of the Python package, and what they must be read as."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "read"))
from trace_files import Bits, json_sequence, packet_tsdl, packets, write  # pylint: disable=wrong-import-position

ORIGIN_NS = 1_700_000_000_000_000_000
U8 = "integer { size = 8; align = 8; }"


def _metadata():
    head, context = packet_tsdl()
    return f"""{head}
env {{ hostname = "machine"; tracer_major = 3; }};
clock {{ name = c; freq = 1000000000; offset_s = 1700000000; }};
stream {{ {context}
  event.header := struct {{ {U8} id; integer {{ size = 64; align = 8; map = clock.c.value; }} time; }};
  event.context := struct {{ integer {{ size = 32; align = 8; signed = true; }} tid; }};
}};
event {{ id = 0; name = "all"; loglevel = 6; fields := struct {{
  integer {{ size = 16; align = 8; signed = true; }} number;
  enum : {U8} {{ "low" = 0 ... 9, "high" = 10 ... 255 }} level;
  enum : {U8} {{ "one" = 1 }} rare;
  floating_point {{ exp_dig = 11; mant_dig = 53; align = 8; }} real;
  string text;
  integer {{ size = 8; align = 8; encoding = UTF8; }} name[8];
  {U8} len;
  integer {{ size = 16; align = 8; }} list[len];
  struct {{ {U8} x; string y; }} inner;
  string words[2];
  variant <level> {{ {U8} low; string high; }} choice;
}}; }};
event {{ id = 1; name = "tick"; fields := struct {{ integer {{ size = 32; align = 8; }} n; {U8} tid; }}; }};
"""


def _all(time, number, level, text, numbers):
    record = Bits().u(0, 8).u(time, 64).u(0xFFFFFFFF, 32).u(number & 0xFFFF, 16).u(level, 8).u(1, 8)
    record.raw(b"\0\0\0\0\0\0\xf8\x3f").raw(text + b"\0").raw(b"comm\0\0\0\0").u(len(numbers), 8)
    for each in numbers:
        record.u(each, 16)
    record.u(7, 8).string("seven").string("a").string("")
    return (record.u(9, 8) if level < 10 else record.string("much")).data


def _tick(time, n):
    return Bits().u(1, 8).u(time, 64).u(5, 32).u(n, 32).u(n % 256, 8).data


def ticks(first, count):
    return [(ORIGIN_NS + first + 20 * i, first + i) for i in range(count)]


def ctf18(directory, count=3000, damaged=False):
    """Streams a and b of `tick`s every 20 ns, those of b 10 ns later; and in a, first and last, an event of all types."""
    a = [_all(0, -2, 3, b"gr\xc3\xbc\xc3\x9fe", [1, 65535]), b"".join(_tick(20 * i, i) for i in range(count)),
         _all(20 * count, 300, 200, b"\xff", [])]
    b = [b"".join(_tick(20 * i + 10, i + 10) for i in range(count))]
    if damaged:
        b = [b[0] + b"\xee" + bytes(12)]  # no event class has that number
    times = (0, 20 * count)
    a = packets(*a, begin_end=[(0, 0), times, (times[1], times[1])], discarded=[0, 5, 5])
    return write(directory, _metadata(), a=a, b=packets(*b, begin_end=[times]))


FIRST_ALL = {"tid": -1, "number": -2, "level": 3, "rare": 1, "real": 1.5, "text": "grüße", "name": "comm", "len": 2,
             "list": [1, 65535], "inner": {"x": 7, "y": "seven"}, "words": ["a", ""], "choice": 9}
LAST_ALL = {"tid": -1, "number": 300, "level": 200, "rare": 1, "real": 1.5, "text": "\udcff", "name": "comm", "len": 0,
            "list": [], "inner": {"x": 7, "y": "seven"}, "words": ["a", ""], "choice": "much"}


def _fixed(kind, bits, **more):
    return {"type": kind, "length": bits, "byte-order": "little-endian", "alignment": 8, **more}


def ctf2(directory):
    """Without clock: what CTF 1.8 has not."""
    u8 = _fixed("fixed-length-unsigned-integer", 8)
    members = {
        "flag": _fixed("fixed-length-boolean", 8),
        "bits": _fixed("fixed-length-bit-array", 8),
        "maybe": {"type": "optional", "field-class": _fixed("fixed-length-unsigned-integer", 16),
                  "selector-field-location": {"path": ["flag"]}},
        "blob": {"type": "static-length-blob", "length": 3},
        "wide": {"type": "null-terminated-string", "encoding": "utf-16le"},
        "size": u8,
        "pairs": {"type": "static-length-array", "length": 2, "element-field-class": {
            "type": "structure", "member-classes": [{"name": "a", "field-class": u8}, {"name": "b", "field-class": u8}]}},
        "reals": {"type": "dynamic-length-array", "element-field-class": _fixed("fixed-length-floating-point-number", 32),
                  "length-field-location": {"path": ["size"]}},
    }
    payload = {"type": "structure",
               "member-classes": [{"name": name, "field-class": value} for name, value in members.items()]}
    metadata = json_sequence({"type": "preamble", "version": 2}, {"type": "data-stream-class"},
                             {"type": "event-record-class", "name": "e", "payload-field-class": payload})
    first = Bits().u(1, 8).u(0x81, 8).u(513, 16).raw(b"\x00\xff\x10").raw("né".encode("utf-16le") + b"\0\0")
    first.u(2, 8).raw(bytes([1, 2, 3, 4])).raw(b"\0\0\0\x3f\0\0\x80\xbf")
    second = Bits().u(0, 8).u(0, 8).raw(b"abc").raw(b"\0\0").u(0, 8).raw(bytes([5, 6, 7, 8]))
    return write(directory, metadata, stream=bytes(first.data + second.data))


CTF2_EVENTS = [
    {"flag": True, "bits": 0x81, "maybe": 513, "blob": b"\x00\xff\x10", "wide": "né", "size": 2,
     "pairs": [{"a": 1, "b": 2}, {"a": 3, "b": 4}], "reals": [0.5, -1.0]},
    {"flag": False, "bits": 0, "maybe": None, "blob": b"abc", "wide": "", "size": 0,
     "pairs": [{"a": 5, "b": 6}, {"a": 7, "b": 8}], "reals": []},
]
