#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Small CTF 1.8 traces in which every option of `sillage read` has something to show.

    make_traces.make_all(DIRECTORY)     returns {name: path}
"""

import pathlib
import struct

UUIDS = {
    "kinds": "10f1e3a2-0000-4000-8000-000000000001",
    "overlap": "10f1e3a2-0000-4000-8000-000000000002",
    "slow_clock": "10f1e3a2-0000-4000-8000-000000000003",
    "no_clock": "10f1e3a2-0000-4000-8000-000000000004",
}

HEAD = """/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := uint8_t;
typealias integer { size = 16; align = 8; signed = false; } := uint16_t;
typealias integer { size = 32; align = 8; signed = false; } := uint32_t;
typealias integer { size = 64; align = 8; signed = false; } := uint64_t;
typealias integer { size = 32; align = 8; signed = true; } := int32_t;
typealias integer { size = 64; align = 8; signed = true; } := int64_t;
trace {
  major = 1; minor = 8; byte_order = le; uuid = "%s";
  packet.header := struct { uint32_t magic; uint8_t uuid[16]; uint32_t stream_id; uint64_t stream_instance_id; };
};
"""

CLOCK = """clock {
  name = "%s"; uuid = "c0c0c0c0-0000-4000-8000-00000000000%d"; description = "a \\"clock\\"";
  freq = %d; offset_s = %d; offset = %d; precision = 10;
};
typealias integer { size = 64; align = 8; map = clock.%s.value; } := clock_t;
"""

STREAM = """stream {
  id = %d;
  packet.context := struct {
    clock_t timestamp_begin; clock_t timestamp_end; uint64_t content_size; uint64_t packet_size;
    uint64_t packet_seq_num; uint64_t events_discarded; uint32_t cpu_id;
  };
  event.header := struct { uint16_t id; clock_t timestamp; };
  %s
};
"""

MAGIC = struct.pack("<I", 0xC1FC1FC1)


def uuid_bytes(text):
    return bytes.fromhex(text.replace("-", ""))


def text(value):
    return value.encode() + b"\0"


def packet(uuid, stream, instance, begin, end, sequence, discarded, cpu, records, padding=0):
    """A packet; `records` are bytes of whole event records."""
    body = b"".join(records)
    head_bytes = 4 + 16 + 4 + 8 + 6 * 8 + 4
    content = head_bytes + len(body)
    total = content + padding
    return (MAGIC + uuid_bytes(uuid) + struct.pack("<IQ", stream, instance) +
            struct.pack("<QQQQQQI", begin, end, content * 8, total * 8, sequence, discarded, cpu) + body +
            b"\0" * padding)


def record(number, time, *parts):
    return struct.pack("<HQ", number, time) + b"".join(parts)


def write(directory, metadata, files):
    directory.mkdir(parents=True)
    (directory / "metadata").write_text(metadata)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


KINDS_EVENTS = """
event {
  name = "kinds:integers"; id = 0; stream_id = 0; loglevel = 6; model.emf.uri = "http://example.com/?a=1";
  fields := struct {
    uint8_t _u8; int32_t _i32; uint64_t _u64; int64_t _i64;
    integer { size = 32; align = 8; base = x; } _hex;
    integer { size = 16; align = 8; base = 8; } _octal;
    integer { size = 8; align = 8; base = b; } _binary;
    integer { size = 16; align = 8; base = x; signed = true; } _signed_hex;
    integer { size = 24; align = 8; byte_order = be; } _big;
    integer { size = 3; align = 1; } _bits; integer { size = 5; align = 1; } _more_bits;
  };
};
event {
  name = "kinds:compound"; id = 1; stream_id = 0;
  fields := struct {
    string _text;
    enum : uint8_t { zero, one, "two and three" = 2 ... 3, "other \\"one\\"" = 1, big = 200 } _state;
    enum : int32_t { minus = -5 ... -1, plus = 1 ... 5 } _sign;
    floating_point { exp_dig = 8; mant_dig = 24; align = 8; } _f32;
    floating_point { exp_dig = 11; mant_dig = 53; align = 8; } _f64;
    uint8_t _three[3];
    uint8_t _length; uint16_t _sequence[_length];
    struct { uint8_t _a; struct { int32_t _c; } _b; } _nested;
    struct { uint8_t _x; } _pairs[2];
    enum : uint8_t { number = 0, word = 1, point = 2 } _tag;
    variant <_tag> { uint32_t number; string word; struct { uint8_t _x; uint8_t _y; } point; } _choice;
    integer { size = 8; align = 8; encoding = UTF8; } _name[8];
  };
};
event {
  name = "kinds:empty"; id = 2; stream_id = 0; loglevel = 14;
};
event {
  name = "kinds:context"; id = 3; stream_id = 0; loglevel = 0;
  context := struct { uint32_t _depth; string _why; };
  fields := struct { int32_t _value; };
};
event {
  name = "other:event"; id = 0; stream_id = 1;
  fields := struct { int32_t _value; string _text; };
};
"""


def kinds(directory):
    """Fields of every kind, contexts, log levels, two stream classes, lost events and packets."""
    uuid = UUIDS["kinds"]
    metadata = (HEAD % uuid + """env {
  hostname = "host"; domain = "ust"; procname = "app"; vpid = 1234; "tracer_name" = "lttng-ust";
  tracer_major = 2; negative = -3; text = "a \\"quoted\\" one";
};
""".replace('"tracer_name"', "tracer_name") + CLOCK % ("monotonic", 1, 10**9, 1700000000, 500, "monotonic") +
                STREAM % (0, "event.context := struct { int32_t _vpid; integer { size = 8; align = 8; "
                          "encoding = UTF8; } _procname[8]; };") + STREAM % (1, "") + KINDS_EVENTS)
    context = struct.pack("<i", 77) + b"worker\0\0"

    def integers(time, step):
        return record(0, time, context, struct.pack("<BiQq", 250 + step, -7 + step, 2**64 - 1 - step, -2**63 + step),
                      struct.pack("<IHBh", 0xdeadbeef, 0o1234, 0b10100101, -2), b"\x01\x02\x03", b"\xab")

    def compound(time, state, sign, tag, choice, count):
        return record(1, time, context, text('a "b"\n\té %d' % count), struct.pack("<BiQ", state, sign, 0)[:5],
                      struct.pack("<fd", 0.1, -1e300), b"\x01\x02\x03", struct.pack("<B", count),
                      struct.pack("<%dH" % count, *range(count)), struct.pack("<Bi", 9, -9), b"\x05\x06",
                      struct.pack("<B", tag), choice, b"abc\0\0\0\0\0")

    def nothing(time):
        return record(2, time, context)

    def with_context(time, value):
        return record(3, time, context, struct.pack("<I", 3), text("because"), struct.pack("<i", value))

    def other(time, value):
        return record(0, time, struct.pack("<i", value), text("t%d" % value))

    second = 10**9
    first = (packet(uuid, 0, 0, 1000, 2000, 0, 0, 0,
                    [integers(1000, 0), compound(1100, 0, -3, 0, struct.pack("<I", 42), 0), nothing(1100),
                     with_context(1500, 5)], padding=16) +
             packet(uuid, 0, 0, second, second + 900, 1, 5, 0,
                    [compound(second, 1, 3, 1, text("word"), 3), integers(second + 10, 1)]) +
             packet(uuid, 0, 0, 90 * second, 91 * second, 4, 6, 0, [with_context(90 * second + 7, -5)]))
    second_cpu = packet(uuid, 0, 1, 1050, 3 * second, 0, 0, 1,
                        [nothing(1060), compound(1100, 7, 99, 2, b"\x01\x02", 1), with_context(2 * second, 6)])
    other_stream = packet(uuid, 1, 0, 900, 100 * second, 0, 0, 0,
                          [other(900, 1), other(1100, 2), other(second + 5, 3), other(95 * second, 4)])
    return write(directory, metadata, {"channel_0": first, "channel_1": second_cpu, "other_0": other_stream})


EVENT = """event { name = "e"; id = 0; stream_id = 0; fields := struct { int32_t _n; }; };
event { name = "f"; id = 1; stream_id = 0; fields := struct { string _s; }; };
"""


def overlap(directory):
    """Two streams of which each has a time of its own, and one in common; no environment."""
    uuid = UUIDS["overlap"]
    metadata = HEAD % uuid + CLOCK % ("c", 2, 10**9, 13515309, 0, "c") + STREAM % (0, "") + EVENT

    def stream(instance, times):
        half = len(times) // 2
        return b"".join(
            packet(uuid, 0, instance, part[0], part[-1] + 5, number, 0, instance,
                   [record(0, time, struct.pack("<i", time)) if time % 20 else record(1, time, text("s%d" % time))
                    for time in part]) for number, part in enumerate((times[:half], times[half:])))

    return write(directory, metadata, {"a": stream(0, range(10, 200, 10)), "b": stream(1, range(100, 300, 10))})


def slow_clock(directory):
    """A clock that is not of 1 GHz, with times in front of the origin and behind it."""
    uuid = UUIDS["slow_clock"]
    metadata = HEAD % uuid + CLOCK % ("c", 3, 32768, -2, 90, "c") + STREAM % (0, "") + EVENT
    times = [0, 1, 32768, 65400, 65436, 65437, 70000, 1 << 20, 1 << 40]
    data = packet(uuid, 0, 0, 0, 1 << 40, 0, 0, 0, [record(0, time, struct.pack("<i", -1)) for time in times])
    return write(directory, metadata, {"s": data})


def no_clock(directory):
    """Events without time."""
    uuid = UUIDS["no_clock"]
    metadata = HEAD % uuid + """stream {
  id = 0;
  packet.context := struct { uint64_t content_size; uint64_t packet_size; };
  event.header := struct { uint16_t id; };
};
""" + EVENT
    body = struct.pack("<Hi", 0, 7) + struct.pack("<H", 1) + text("x")
    bits = (4 + 16 + 12 + 16 + len(body)) * 8
    data = MAGIC + uuid_bytes(uuid) + struct.pack("<IQ", 0, 0) + struct.pack("<QQ", bits, bits) + body
    return write(directory, metadata, {"s": data})


def make_all(directory):
    directory = pathlib.Path(directory)
    return {make.__name__: make(directory / make.__name__) for make in (kinds, overlap, slow_clock, no_clock)}


if __name__ == "__main__":
    import sys
    print(make_all(sys.argv[1]))
