# SPDX-License-Identifier: MIT
"""Traces written bit by bit, from the specifications and not from src/ctf, for the tests of `sillage read`."""

import json
import struct

METADATA_MAGIC = 0x75D11D57
PACKET_MAGIC = 0xC1FC1FC1


class Bits:
    """A packet's bytes, written bit by bit."""

    def __init__(self):
        self.data = bytearray()
        self.length = 0  # bits

    def align(self, bits):
        self._grow(-self.length % bits)
        return self

    def _grow(self, bits):
        self.length += bits
        self.data.extend(bytes((self.length + 7) // 8 - len(self.data)))

    def put(self, value, length, order="le", align=1, bit_order=None):
        """An integer of `length` bits. `bit_order`, CTF 2's, says where its lowest bit comes."""
        self.align(align)
        start = self.length
        self._grow(length)
        first_is_lowest = (bit_order or ("first-to-last" if order == "le" else "last-to-first")) == "first-to-last"
        for i in range(length):
            if value >> (i if first_is_lowest else length - 1 - i) & 1:
                at = start + i
                self.data[at // 8] |= 1 << (at % 8 if order == "le" else 7 - at % 8)
        return self

    def u(self, value, length, order="le"):
        """An integer aligned to bytes."""
        return self.put(value, length, order, 8)

    def raw(self, data):
        self.align(8)
        self.data += data
        self.length += 8 * len(data)
        return self

    def string(self, text):
        return self.raw(text.encode() + b"\0")

    def leb128(self, value, signed=False):
        """A variable-length integer."""
        out = bytearray()
        while True:
            byte, value = value & 0x7F, value >> 7
            if value == 0 and not (signed and byte & 0x40) or value == -1 and byte & 0x40:
                out.append(byte)
                return self.raw(out)
            out.append(byte | 0x80)


def packets(*contents, order="le", begin_end=None, discarded=None, sequence=None, padding=0):
    """Packets with the header and context that PACKET_TSDL describes; contents are Bits or bytes, aligned to bytes."""
    data = b""
    for number, content in enumerate(contents):
        body = bytes(content.data if isinstance(content, Bits) else content)
        begin, end = begin_end[number] if begin_end else (0, 0)
        head = Bits().u(PACKET_MAGIC, 32, order)
        size = 4 + 6 * 8 + len(body)
        for value in (8 * size, 8 * (size + padding), begin, end, discarded[number] if discarded else 0,
                      sequence[number] if sequence else number):
            head.u(value, 64, order)
        data += bytes(head.data) + body + b"\xaa" * padding
    return data


TSDL_U64 = "integer { size = 64; align = 8; }"


def packet_tsdl(order="le", clock="c", sequence="packet_seq_num"):
    """Trace and packet context as `packets` writes them; returns (trace block, members of the packet context)."""
    trace = ("/* CTF 1.8 */\ntrace { major = 1; minor = 8; byte_order = %s; packet.header := struct {"
             " integer { size = 32; align = 8; } magic; }; };\n" % order)
    stamp = f"integer {{ size = 64; align = 8; map = clock.{clock}.value; }}"
    context = (f"packet.context := struct {{ {TSDL_U64} content_size; {TSDL_U64} packet_size; {stamp} timestamp_begin;"
               f" {stamp} timestamp_end; {TSDL_U64} events_discarded; {TSDL_U64} {sequence}; }};")
    return trace, context


def json_sequence(*fragments):
    """A CTF 2 metadata stream."""
    return "".join(f"\x1e{json.dumps(fragment)}\n" for fragment in fragments)


def packetized(text, order="<", size=64, ctf2=False):
    """Metadata text in packets of `size` bytes of text."""
    data = text.encode()
    out = b""
    for start in range(0, len(data), size):
        part = data[start:start + size]
        head = 44 if ctf2 else 37
        content = head + len(part)
        out += struct.pack(order + "I16sIII3BBB", METADATA_MAGIC, bytes(range(16)), 0, 8 * content, 8 * (content + 5),
                           0, 0, 0, 2 if ctf2 else 1, 0 if ctf2 else 8)
        if ctf2:
            out += struct.pack(order + "3xI", 8 * head)
        out += part + bytes(5)
    return out


def write(directory, metadata, **streams):
    """Makes a trace directory."""
    directory.mkdir(parents=True)
    (directory / "metadata").write_bytes(metadata if isinstance(metadata, bytes) else metadata.encode())
    for name, data in streams.items():
        (directory / name).write_bytes(bytes(data.data) if isinstance(data, Bits) else data)
    return directory
