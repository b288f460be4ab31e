#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `sillage read` prints for traces written here bit by bit, against what is expected by hand and, where it reads
the same, against babeltrace2.

own_cases_test.py PATH_OF_SILLAGE
"""

import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

import trace_files
from trace_files import Bits, json_sequence, packet_tsdl, packets

SILLAGE = ""
PREAMBLE = {"type": "preamble", "version": 2}
STREAM = {"type": "data-stream-class"}
TSDL_HEAD = "/* CTF 1.8 */\ntrace { major = 1; minor = 8; byte_order = %s; };\n"
LE_U8 = {"type": "fixed-length-unsigned-integer", "length": 8, "byte-order": "little-endian", "alignment": 8}
LE_I8 = dict(LE_U8, type="fixed-length-signed-integer")


def structure(**members):
    return {"type": "structure", "member-classes": [{"name": name, "field-class": value} for name, value in members.items()]}


def event(payload, **more):
    return dict({"type": "event-record-class", "name": "e", "payload-field-class": payload}, **more)


def at(*path):
    return {"path": list(path)}

class OwnCases(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)

    def run_reader(self, reader, trace, *options):
        done = subprocess.run([*reader, "--clock-gmt", "--clock-date", *options, str(trace)], capture_output=True,
                              timeout=60, check=False)
        return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")

    def check(self, trace, expected, *options, oracle=True, status=0, error=""):
        """`expected` is all of the text; with `oracle` also that babeltrace2 prints it."""
        got, text, errors = self.run_reader([SILLAGE, "read"], trace, *options)
        self.assertEqual(text, expected, errors)
        self.assertIn(error, errors)
        self.assertEqual(got, status, errors)
        if oracle:
            self.assertEqual(self.run_reader(["babeltrace2"], trace, *options)[1], expected, "babeltrace2's")
        return errors

    def make(self, metadata, name="trace", **streams):
        return trace_files.write(self.directory / name, metadata, **streams)

    def check_ctf2(self, payload, data, expected, aliases=(), **more):
        """One event class whose records are all of the stream; `expected` are lines of its payload's members."""
        trace = self.make(json_sequence(PREAMBLE, *aliases, STREAM, event(payload)), stream=data)
        self.check(trace, "".join(f"e: {{ {line} }}\n" for line in expected), oracle=False, **more)

    def check_tsdl(self, members, data, expected, order="le", declarations="", **more):
        metadata = (TSDL_HEAD % order + declarations +
                    "event { name = \"e\"; fields := struct { " + members + " }; };\n")
        self.check(self.make(metadata, stream=data), "".join(f"e: {{ {line} }}\n" for line in expected), **more)


    # Integers of 1 to 64 bits at every bit offset

    LENGTHS = (1, 2, 5, 7, 8, 9, 12, 15, 16, 17, 23, 24, 31, 32, 33, 47, 48, 55, 57, 63, 64)

    def bit_fields(self, order, bit_order=None):
        """(bits of padding, [(length, value)]) and the bytes for records that begin at each offset in a byte."""
        rng = random.Random(order)
        records, bits = [], Bits()
        for offset in range(8):
            values = [(length, rng.choice((0, 2**length - 1, rng.getrandbits(length)))) for length in self.LENGTHS]
            records.append((offset, values))
            bits.align(8).put(0, offset, order, bit_order=bit_order)
            for length, value in values:
                bits.put(value, length, order, bit_order=bit_order)
        return records, bits

    def check_bit_fields_tsdl(self, order, signed):
        records, _ = self.bit_fields(order)
        for offset, values in records:
            # One record each: a CTF 1.8 record may end inside a byte, and the next one begin there.
            bits = Bits().put(0, 8, order).put(0, offset, order)
            members, line = "integer { size = 8; } head; ", "head = 0"
            if offset:
                members += f"integer {{ size = {offset}; align = 1; }} pad; "
                line += ", pad = 0"
            for length, value in values:
                bits.put(value, length, order)
                members += (f"integer {{ size = {length}; align = 1; signed = {'true' if signed else 'false'}; }} "
                            f"f{length}; ")
                shown = value - (2**length if signed and value >> (length - 1) else 0)
                line += f", f{length} = {shown}"
            tail = -bits.length % 8
            if tail:
                bits.put(0, tail, order)
                members += f"integer {{ size = {tail}; align = 1; }} tail; "
                line += ", tail = 0"
            with self.subTest(offset=offset):
                shutil.rmtree(self.directory / "trace", ignore_errors=True)
                self.check_tsdl(members, bits, [line], order)

    def test_bit_fields_little_endian(self):
        self.check_bit_fields_tsdl("le", signed=False)

    def test_bit_fields_big_endian_signed(self):
        self.check_bit_fields_tsdl("be", signed=True)

    def test_bit_fields_ctf2_every_bit_order(self):
        for order, name in (("le", "little-endian"), ("be", "big-endian")):
            for bit_order in (None, "first-to-last", "last-to-first"):
                records, bits = self.bit_fields(order, bit_order)
                more = {"bit-order": bit_order} if bit_order else {}
                events, lines = [], []
                for offset, values in records:
                    fields = {"pad": offset} if offset else {}
                    fields.update({f"f{length}": length for length, _ in values})
                    classes = {key: dict({"type": "fixed-length-unsigned-integer", "length": length, "byte-order": name},
                                         **more) for key, length in fields.items()}
                    first = next(iter(classes))
                    classes[first] = dict(classes[first], alignment=8)
                    events.append(structure(**classes))
                    lines.append("{ " + ("pad = 0, " if offset else "") +
                                 ", ".join(f"f{length} = {value}" for length, value in values) + " }")
                # All records in one: a structure of structures.
                payload = structure(**{f"r{i}": one for i, one in enumerate(events)})
                expected = ", ".join(f"r{i} = {line}" for i, line in enumerate(lines))
                with self.subTest(order=order, bit_order=bit_order):
                    shutil.rmtree(self.directory / "trace", ignore_errors=True)
                    self.check_ctf2(payload, bits, [expected])

    def test_variable_length_integers(self):
        values = [0, 1, 63, 64, 127, 128, 16383, 16384, 2**63 - 1, 2**63, 2**64 - 1]
        signed = [0, -1, 63, 64, -64, -65, 8191, -8192, 2**63 - 1, -2**63]
        bits = Bits()
        for one, two in zip(values, signed):
            bits.leb128(one).leb128(two, signed=True)
        self.check_ctf2(structure(a={"type": "variable-length-unsigned-integer"},
                                  b={"type": "variable-length-signed-integer", "preferred-display-base": 8}), bits,
                        [f"a = {one}, b = {self.octal(two)}" for one, two in zip(values, signed)])

    @staticmethod
    def octal(value):
        """As babeltrace2 shows it: a "0" and two's complement of 64 bits."""
        return f"0{value % 2**64:o}"

    # Enumerations, variants, options

    def test_overlapping_enumeration(self):
        self.check_tsdl('enum : integer { size = 8; } { A = 0 ... 5, "b c" = 3 ... 9, A = 20, D = 7 } x;',
                        bytes([0, 4, 7, 20, 200]),
                        ['x = ( "A" : container = 0 )', 'x = ( "A", "b c" : container = 4 )',
                         'x = ( "b c", "D" : container = 7 )', 'x = ( "A" : container = 20 )',
                         "x = ( <unknown> : container = 200 )"])

    def test_overlapping_mappings_ctf2(self):
        mappings = {"A": [[0, 5], [20, 20]], "b c": [[3, 9]], "D": [[7, 7]]}
        self.check_ctf2(structure(x=dict(LE_U8, mappings=mappings)), bytes([0, 4, 7, 20, 200]),
                        ['x = ( "A" : container = 0 )', 'x = ( "A", "b c" : container = 4 )',
                         'x = ( "b c", "D" : container = 7 )', 'x = ( "A" : container = 20 )',
                         "x = ( <unknown> : container = 200 )"])

    def test_enumeration_of_every_sign(self):
        self.check_tsdl("enum : integer { size = 64; signed = true; align = 8; } "
                        "{ LOW = -9223372036854775808 ... -2, ONE = -1, HIGH = 0 ... 9223372036854775807 } x; "
                        "enum : integer { size = 64; align = 8; } { MOST = 18446744073709551615 } y;",
                        Bits().u(-2**63 % 2**64, 64).u(2**64 - 1, 64).u(2**64 - 1, 64).u(3, 64),
                        ['x = ( "LOW" : container = -9223372036854775808 ), y = ( "MOST" : container = 18446744073709551615 )',
                         'x = ( "ONE" : container = -1 ), y = ( <unknown> : container = 3 )'])

    def test_variant(self):
        self.check_tsdl("enum : integer { size = 8; signed = true; } { A = 0 ... 5, _B = -3 ... -1, C = 9, C = 7 } t; "
                        "variant <t> { integer { size = 8; } A; string _B; struct { integer { size = 8; } x; } C; } v;",
                        bytes([4, 77, 0xFE]) + b"hi\0" + bytes([9, 1, 7, 2]),
                        ['t = ( "A" : container = 4 ), v = { 77 }', 't = ( "_B" : container = -2 ), v = { "hi" }',
                         't = ( "C" : container = 9 ), v = { { x = 1 } }', 't = ( "C" : container = 7 ), v = { { x = 2 } }'])

    def test_variant_ctf2_of_signed_selector_in_another_scope(self):
        variant = {"type": "variant", "selector-field-location": {"origin": "event-record-specific-context", "path": ["s"]},
                   "options": [{"selector-field-ranges": [[-128, -5], [3, 3]], "field-class": {"type": "null-terminated-string"}},
                               {"selector-field-ranges": [[-4, 2]], "field-class": LE_I8, "name": "n"}]}
        trace = self.make(json_sequence(PREAMBLE, STREAM,
                                        event(structure(v=variant), **{"specific-context-field-class": structure(s=LE_I8)})),
                          stream=bytes([0x80]) + b"x\0" + bytes([3, 0, 0xFF, 0xFE]))
        self.check(trace, 'e: { s = -128 }, { v = { "x" } }\ne: { s = 3 }, { v = { "" } }\ne: { s = -1 }, { v = { -2 } }\n',
                   oracle=False)

    def test_variant_without_an_option_for_the_selector(self):
        variant = {"type": "variant", "selector-field-location": at("s"),
                   "options": [{"selector-field-ranges": [[1, 1]], "field-class": LE_U8}]}
        trace = self.make(json_sequence(PREAMBLE, STREAM, event(structure(s=LE_U8, v=variant))), stream=bytes([1, 5, 2, 9]))
        errors = self.check(trace, "e: { s = 1, v = { 5 } }\n", oracle=False, status=1)
        self.assertIn("v", errors)

    def test_options(self):
        boolean = {"type": "fixed-length-boolean", "length": 8, "byte-order": "big-endian", "alignment": 8}
        by_number = {"type": "optional", "selector-field-location": at("n"), "selector-field-ranges": [[2, 3], [200, 255]],
                     "field-class": LE_U8}
        nested = {"type": "optional", "selector-field-location": at("b"), "field-class":
                  structure(i=dict(by_number, **{"selector-field-location": {"path": [None, "n"]}}))}
        self.check_ctf2(structure(b=boolean, n=LE_U8, x=by_number, y=nested),
                        bytes([0, 1]) + bytes([0, 2, 7]) + bytes([1, 0]) + bytes([0x80, 255, 8, 9]),
                        ["b = false, n = 1, x = <none>, y = <none>", "b = false, n = 2, x = { 7 }, y = <none>",
                         "b = true, n = 0, x = <none>, y = { { i = <none> } }", "b = true, n = 255, x = { 8 }, y = { { i = { 9 } } }"])

    def test_bit_maps(self):
        flags = {"low": [[0, 0]], "some": [[1, 3], [7, 7]], "all": [[0, 7]]}
        self.check_ctf2(structure(m={"type": "fixed-length-bit-map", "length": 8, "byte-order": "little-endian", "flags": flags}),
                        bytes([0, 1, 4]), 
                        ["m = 0x0", 'm = 0x1 { "low", "all" }', 'm = 0x4 { "some", "all" }'])

    def test_lengths_in_other_scopes_and_variants(self):
        """CTF2-SPEC-2.0rB, examples 90 and 91: the length is a variant, or inside one."""
        def variant(*classes):
            return {"type": "variant", "selector-field-location": at("s"),
                    "options": [{"selector-field-ranges": [[i, i]], "field-class": one} for i, one in enumerate(classes)]}
        u16 = dict(LE_U8, length=16)
        array = {"type": "dynamic-length-array", "element-field-class": LE_U8}
        self.check_ctf2(structure(s=LE_U8, v=variant(LE_U8, u16), a=dict(array, **{"length-field-location": at("v")}),
                                  w=variant(structure(n=LE_U8), structure(p=LE_U8, n=u16)),
                                  b=dict(array, **{"length-field-location": at("w", "n")})),
                        bytes([0, 2, 10, 11, 1, 12]) + bytes([1, 1, 0, 20, 99, 2, 0, 21, 22]),
                        ["s = 0, v = { 2 }, a = [ [0] = 10, [1] = 11 ], w = { { n = 1 } }, b = [ [0] = 12 ]",
                         "s = 1, v = { 1 }, a = [ [0] = 20 ], w = { { p = 99, n = 2 } }, b = [ [0] = 21, [1] = 22 ]"])

    # TSDL

    def test_named_types_comments_and_scopes(self):
        declarations = """
            typealias integer { size = 8; signed = false; } := unsigned char; // a comment; struct {
            typealias integer { size = 16; align = 8; base = x; } := my_hex;
            typedef my_hex another, list_t[2];
            /* "not a string */
            struct pair { unsigned char a; /**/ unsigned char b; } align(16);
            enum kind : unsigned char { NONE, PAIR = 4, LIST };
            variant any { struct pair PAIR; list_t LIST; unsigned char NONE; };
            env { note = "semi;colon \\"quoted\\" // no comment"; };
            """
        self.check_tsdl("enum kind k; variant any <k> v; unsigned char after; another h;",
                        bytes([4, 0, 1, 2, 9, 0x34, 0x12]) + bytes([5, 1, 0, 2, 0, 8, 7, 0]) + bytes([0, 3, 2, 1, 0]),
                        ['k = ( "PAIR" : container = 4 ), v = { { a = 1, b = 2 } }, after = 9, h = 0x1234',
                         'k = ( "LIST" : container = 5 ), v = { [ [0] = 0x1, [1] = 0x2 ] }, after = 8, h = 0x7',
                         'k = ( "NONE" : container = 0 ), v = { 3 }, after = 2, h = 0x1'], declarations=declarations)

    def test_types_of_inner_blocks_hide_outer_ones(self):
        self.check_tsdl("typealias integer { size = 16; align = 8; } := t; t wide; "
                        "struct { typealias integer { size = 8; } := t; t narrow; } s; t wide2;",
                        bytes([1, 1, 2, 3, 3]), ["wide = 257, s = { narrow = 2 }, wide2 = 771"],
                        declarations="typealias integer { size = 32; } := t; ")

    def test_arrays_of_everything(self):
        self.check_tsdl("integer { size = 8; } n; integer { size = 8; } grid[2][n]; string words[n]; "
                        "struct { integer { size = 8; } m; integer { size = 8; } inner[m]; } items[n]; "
                        "integer { size = 8; encoding = UTF8; } text[4];",
                        bytes([2, 1, 2, 3, 4]) + b"ab\0\0" + bytes([1, 9, 0]) + b"xy\0z",
                        ['n = 2, grid = [ [0] = [ [0] = 1, [1] = 2 ], [1] = [ [0] = 3, [1] = 4 ] ], '
                         'words = [ [0] = "ab", [1] = "" ], items = [ [0] = { m = 1, inner = [ [0] = 9 ] }, '
                         '[1] = { m = 0, inner = [ ] } ], text = "xy"'], oracle=False)

    def test_dynamic_scopes(self):
        u8 = "integer { size = 8; }"
        trace, context = packet_tsdl()
        metadata = (trace + 'clock { name = c; absolute = true; };\nstream { ' +
                    context.replace("packet.context := struct {", f"packet.context := struct {{ {u8} pc;") +
                    f" event.header := struct {{ {u8} hn; }}; event.context := struct {{ {u8} n; }}; }};\n"
                    f"event {{ name = e; context := struct {{ {u8} n; {u8} k; }}; fields := struct {{ {u8} n; "
                    f"{u8} own[n]; {u8} header[stream.event.header.hn]; {u8} common[stream.event.context.n]; "
                    f"{u8} specific[event.context.n]; {u8} packet[stream.packet.context.pc]; "
                    f"struct {{ {u8} up[n]; {u8} full[event.fields.n]; {u8} n; {u8} near[n]; }} s; }}; }};\n")
        records = bytes([1, 2, 1, 77, 1]) + bytes([10]) + bytes([20]) + bytes([30, 31]) + bytes([40]) + bytes([50, 51, 52]) \
            + bytes([60, 61, 0])
        body = bytearray(packets(records, order="le"))
        body[4:4] = bytes([3])  # pc, the first member of the context
        size = 8 * len(body)
        body[5:21] = size.to_bytes(8, "little") * 2
        self.check(self.make(metadata, stream=bytes(body)),
                   "[1970-01-01 00:00:00.000000000] (+?.?????????) e: { pc = 3 }, { n = 2 }, { n = 1, k = 77 }, { n = 1, own = [ [0] = 10 ], header = [ [0] = 20 ], "
                   "common = [ [0] = 30, [1] = 31 ], specific = [ [0] = 40 ], packet = [ [0] = 50, [1] = 51, [2] = 52 ], "
                   "s = { up = [ [0] = 60 ], full = [ [0] = 61 ], n = 0, near = [ ] } }\n", oracle=False)

    def test_lttngs_underscores(self):
        self.check_tsdl("integer { size = 8; } __a; integer { size = 8; } _len; integer { size = 8; } _data[_len]; "
                        "integer { size = 8; } plain_; integer { size = 8; } _;", bytes([1, 2, 3, 4, 5, 6]),
                        ["_a = 1, len = 2, data = [ [0] = 3, [1] = 4 ], plain_ = 5, _ = 6"], oracle=False)

    def test_metadata_in_packets_of_both_byte_orders(self):
        text = TSDL_HEAD % "be" + 'event { name = "e"; fields := struct { integer { size = 16; align = 8; } a; }; };\n'
        for order in "<>":
            with self.subTest(order=order):
                shutil.rmtree(self.directory / "trace", ignore_errors=True)
                self.check(self.make(trace_files.packetized(text, order), stream=bytes([1, 2])), "e: { a = 258 }\n")
        text = json_sequence(PREAMBLE, STREAM, event(structure(a=LE_U8)))
        for order in "<>":
            for is_long in (True, False):
                with self.subTest(order=order, is_long=is_long):
                    shutil.rmtree(self.directory / "trace", ignore_errors=True)
                    self.check(self.make(trace_files.packetized(text, order, ctf2=is_long), stream=bytes([5])),
                               "e: { a = 5 }\n", oracle=False)

    # Clocks

    def clock_trace(self, clock, *stamps, bits=64):
        metadata = (TSDL_HEAD % "le" + f"clock {{ name = c; {clock} }};\nstream {{ event.header := struct {{ "
                    f"integer {{ size = {bits}; align = 8; map = clock.c.value; }} timestamp; }}; }};\n"
                    'event { name = "e"; fields := struct { }; };\n')
        data = Bits()
        for stamp in stamps:
            data.u(stamp, bits)
        return self.make(metadata, stream=data)

    def test_clock_without_a_frequency(self):
        """babeltrace2 2.0.4 dies of it: 1 GHz is CTF 1.8.3's default."""
        self.check(self.clock_trace("absolute = true;", 1, 1_000_000_001),
                   "[1970-01-01 00:00:00.000000001] (+?.?????????) e: { }\n"
                   "[1970-01-01 00:00:01.000000001] (+1.000000000) e: { }\n", oracle=False)

    def test_clock_of_an_odd_frequency(self):
        self.check(self.clock_trace("freq = 333; absolute = true;", 0, 1, 332, 333, 10**9),
                   "[1970-01-01 00:00:00.000000000] (+?.?????????) e: { }\n"
                   "[1970-01-01 00:00:00.003003003] (+0.003003003) e: { }\n"
                   "[1970-01-01 00:00:00.996996996] (+0.993993993) e: { }\n"
                   "[1970-01-01 00:00:01.000000000] (+0.003003004) e: { }\n"
                   "[1970-02-04 18:10:03.003003003] (+3003002.003003003) e: { }\n")

    def test_clock_before_the_epoch(self):
        self.check(self.clock_trace("freq = 1000000000; offset_s = -2; offset = 500000000; absolute = true;", 0, 10**9, 3 * 10**9),
                   "[-1.500000000] (+?.?????????) e: { }\n"
                   "[1970-01-01 00:00:00.500000000] (+1.000000000) e: { }\n"
                   "[1970-01-01 00:00:01.500000000] (+2.000000000) e: { }\n")

    def test_clock_of_ctf2_with_a_negative_offset_and_no_origin(self):
        clock = {"type": "clock-class", "id": "c", "frequency": 1000, "offset-from-origin": {"seconds": -1, "cycles": 999}}
        header = structure(t={"type": "variable-length-unsigned-integer", "roles": ["default-clock-timestamp"]})
        trace = self.make(json_sequence(PREAMBLE, clock, dict(STREAM, **{"default-clock-class-id": "c",
                                                                         "event-record-header-field-class": header}),
                                        event(structure(a=LE_U8))), stream=Bits().leb128(1).u(7, 8).leb128(1500).u(8, 8))
        self.check(trace, "[1970-01-01 00:00:00.000000000] (+?.?????????) e: { a = 7 }\n"
                          "[1970-01-01 00:00:01.499000000] (+1.499000000) e: { a = 8 }\n", oracle=False)

    def test_short_timestamps_wrap(self):
        self.check(self.clock_trace("absolute = true; freq = 1000;", 200, 250, 3, 2, 2, bits=8),
                   "[1970-01-01 00:00:00.200000000] (+?.?????????) e: { }\n[1970-01-01 00:00:00.250000000] (+0.050000000) e: { }\n"
                   "[1970-01-01 00:00:00.259000000] (+0.009000000) e: { }\n[1970-01-01 00:00:00.514000000] (+0.255000000) e: { }\n"
                   "[1970-01-01 00:00:00.514000000] (+0.000000000) e: { }\n")

    def test_several_clock_classes(self):
        u8 = "integer { size = 8; }"
        metadata = ("/* CTF 1.8 */\ntrace { major = 1; minor = 8; byte_order = le; packet.header := struct { " + u8 +
                    " stream_id; }; };\nclock { name = a; freq = 1000; absolute = true; };\n"
                    "clock { name = b; freq = 10; offset = 5; absolute = true; };\n")
        for number, clock in enumerate("ab"):
            metadata += (f"stream {{ id = {number}; event.header := struct {{ integer {{ size = 8; map = clock.{clock}.value; }} "
                         f"timestamp; }}; }};\nevent {{ name = {clock}; stream_id = {number}; fields := struct {{ {u8} x; }}; }};\n")
        self.check(self.make(metadata, one=bytes([0, 100, 1, 250, 2]), two=bytes([1, 0, 3, 2, 4])),
                   "[1970-01-01 00:00:00.100000000] (+?.?????????) a: { x = 1 }\n"
                   "[1970-01-01 00:00:00.250000000] (+0.150000000) a: { x = 2 }\n"
                   "[1970-01-01 00:00:00.500000000] (+0.250000000) b: { x = 3 }\n"
                   "[1970-01-01 00:00:00.700000000] (+0.200000000) b: { x = 4 }\n")

    # Packets

    def packet_trace(self, *contents, **how):
        trace, context = packet_tsdl(how.get("order", "le"))
        metadata = (trace + "clock { name = c; freq = 1000; absolute = true; };\nstream { " + context +
                    " event.header := struct { integer { size = 64; align = 8; map = clock.c.value; } timestamp; }; };\n"
                    'event { name = "e"; fields := struct { }; };\n')
        order = how.get("order", "le")
        bodies = []
        for content in contents:
            bits = Bits()
            for stamp in content:
                bits.u(stamp, 64, order)
            bodies.append(bits)
        return self.make(metadata, stream=packets(*bodies, **how))

    @staticmethod
    def lines(*stamps):
        """Text of events at these milliseconds."""
        text, last = "", None
        for stamp in stamps:
            delta = "+?.?????????" if last is None else f"+{(stamp - last) // 1000}.{(stamp - last) % 1000:03}000000"
            text += f"[1970-01-01 00:00:{stamp // 1000:02}.{stamp % 1000:03}000000] ({delta}) e: {{ }}\n"
            last = stamp
        return text

    def test_empty_packets(self):
        for order in ("le", "be"):
            with self.subTest(order=order):
                shutil.rmtree(self.directory / "trace", ignore_errors=True)
                self.check(self.packet_trace([], [5, 6], [], [], [9], [], order=order, padding=3,
                                             begin_end=[(1, 2), (5, 6), (6, 6), (7, 8), (9, 9), (10, 10)]), self.lines(5, 6, 9))

    def test_only_empty_packets(self):
        self.check(self.packet_trace([], [], begin_end=[(1, 2), (3, 4)]), "")

    def test_discarded_events_and_packets(self):
        trace = self.packet_trace([1, 2], [5], [9], begin_end=[(1, 2), (5, 5), (9, 9)], discarded=[0, 3, 3], sequence=[0, 1, 4])
        errors = self.check(trace, self.lines(1, 2, 5, 9))
        said = [line.split(" in trace")[0] for line in errors.splitlines() if "discarded" in line]
        self.assertEqual(said, ["WARNING: Tracer discarded 3 events between [1970-01-01 00:00:00.002000000] and "
                                "[1970-01-01 00:00:00.005000000]",
                                "WARNING: Tracer discarded 2 packets between [1970-01-01 00:00:00.005000000] and "
                                "[1970-01-01 00:00:00.009000000]"])
        self.assertIn("sillage: lost in total: 3 events, 2 packets", errors)
        theirs = self.run_reader(["babeltrace2"], trace)[2]
        self.assertEqual([line.split(" in trace")[0] for line in theirs.splitlines() if "discarded" in line], said)

    def test_discarded_counter_that_steps_back(self):
        """babeltrace2 2.0.4 says that 2^64 - 5 events were lost."""
        trace = self.packet_trace([1], [5], [9], begin_end=[(1, 1), (5, 5), (9, 9)], discarded=[7, 2, 4])
        errors = self.check(trace, self.lines(1, 5, 9))
        self.assertIn("discarded 2 events", errors)
        self.assertNotIn("18446744073709551", errors)

    def test_packets_of_several_files_are_merged(self):
        trace, context = packet_tsdl()
        metadata = (trace + "clock { name = c; freq = 1000; absolute = true; };\nstream { " + context +
                    " event.header := struct { integer { size = 64; align = 8; map = clock.c.value; } timestamp; }; };\n"
                    'event { name = "e"; fields := struct { integer { size = 8; } file; }; };\n')
        streams = {}
        for name, stamps in (("a", (1, 4, 4, 9)), ("b", (2, 4, 8)), ("c", (4, 5))):
            bits = Bits()
            for stamp in stamps:
                bits.u(stamp, 64).u(ord(name), 8)
            streams[name] = packets(bits, begin_end=[(stamps[0], stamps[-1])])
        text, last = "", None
        for stamp, name in ((1, "a"), (2, "b"), (4, "a"), (4, "a"), (4, "b"), (4, "c"), (5, "c"), (8, "b"), (9, "a")):
            text += self.lines(*([stamp] if last is None else [last, stamp])).splitlines()[-1]
            text = text[:-len("{ }")] + f"{{ file = {ord(name)} }}\n"
            last = stamp
        self.check(self.make(metadata, **streams), text)

    def test_shifted_clocks_of_any_frequency(self):
        """A shift becomes whole cycles, rounded as babeltrace2 rounds."""
        for frequency in (1, 3, 1000, 32768, 19200000, 999999999, 2400000000, 2**32 + 7):
            trace = self.make(
                f"/* CTF 1.8 */ trace {{ major = 1; minor = 8; byte_order = le; }};\n"
                f"clock {{ name = c; freq = {frequency}; offset_s = 1600000000; offset = {frequency * 2 // 3}; }};\n"
                "stream { event.header := struct { integer { size = 64; align = 8; map = clock.c.value; } t; }; };\n"
                'event { name = "e"; };\n', f"clock{frequency}",
                stream=b"".join((frequency * i // 7 + i).to_bytes(8, "little") for i in range(9)))
            for shift in ("1", "-1", "123456789", "-1999999999", "-1000000000", "5000000000"):
                with self.subTest(frequency=frequency, shift=shift):
                    options = ["--clock-seconds", "--clock-offset-ns=" + shift]
                    text = self.run_reader(["babeltrace2"], trace, *options)[1]
                    self.assertEqual(text.count("\n"), 9)
                    self.check(trace, text, *options, oracle=False)

    # Damage: what was before it is read

    def test_cut_short_inside_a_record(self):
        trace = self.make(TSDL_HEAD % "le" + 'event { name = "e"; fields := struct { integer { size = 32; } a; }; };\n',
                          stream=bytes([1, 0, 0, 0, 2, 0, 0]))
        errors = self.check(trace, "e: { a = 1 }\n", oracle=False, status=1)
        self.assertIn("stream@", errors)

    def test_metadata_error_has_its_place(self):
        trace = self.make(TSDL_HEAD % "le" + "event {\n  name = e;\n  fields := strict { };\n};\n", stream=b"")
        errors = self.check(trace, "", oracle=False, status=1)
        self.assertIn("metadata: line 5, column", errors)
        shutil.rmtree(trace)
        trace = self.make(json_sequence(PREAMBLE, dict(STREAM, id="x")), stream=b"")
        errors = self.check(trace, "", oracle=False, status=1)
        self.assertIn("metadata: fragment 2, byte", errors)
        self.assertIn("/id: expected an integer", errors)


if __name__ == "__main__":
    SILLAGE = sys.argv.pop(1)
    unittest.main()
