#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""That tools/ctf2_check.py refuses what is wrong, and says where: each case damages a good trace in one place.

ctf2_check_test.py PATH_OF_CTF_MAKE_TRACE
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).parent.parent.parent / "tools" / "ctf2_check.py"
MAKE_TRACE = ""

# Fragments of the trace: 0 preamble, 1 trace class, 2 clock class, 3 and 4 data stream classes, then event classes.
ALL = 5
COMPACT_ID = ["event-record-header-field-class", "member-classes", 0, "field-class"]
VARIANT = ["event-record-header-field-class", "member-classes", 1, "field-class"]


def member(fragment, name):
    members = fragment["payload-field-class"]["member-classes"]
    return next(entry for entry in members if entry["name"] == name)["field-class"]


def at(fragment, path):
    for step in path:
        fragment = fragment[step]
    return fragment


# (fragment, what to do with it, part of the message)
METADATA = [
    (0, lambda f: f.update(version=3), "fragment 0, at '/version': expected 2"),
    (0, lambda f: f["uuid"].pop(), "at '/uuid'"),
    (0, lambda f: f.update(surprise=1), "at '/surprise': no such property"),
    (0, lambda f: f.pop("uuid"), "fragment 1, at '': packets have a metadata stream UUID"),
    (0, lambda f: f.update(extensions={"x": {"y": 1}}), "extensions are not supported"),
    (1, lambda f: f["environment"].update(x=1.5), "at '/environment/x'"),
    (1, lambda f: f["packet-header-field-class"]["member-classes"].reverse(), "not the first member"),
    (1, lambda f: f["packet-header-field-class"]["member-classes"][3]["field-class"].pop("roles"),
     "neither a role nor"),
    (2, lambda f: f.update(frequency=0), "at '/frequency'"),
    (2, lambda f: f["offset-from-origin"].update(cycles=1000000000), "not below the frequency"),
    (2, lambda f: f.update(id="other"), "fragment 3, at '/default-clock-class-id': no clock class 'monotonic'"),
    (3, lambda f: f.pop("default-clock-class-id"), "timestamps need a default clock"),
    (3, lambda f: at(f, COMPACT_ID).update(roles=["packet-total-length"]), "/roles/0': 'packet-total-length'"),
    (3, lambda f: at(f, COMPACT_ID).update(alignment=3), "not a power of two"),
    (3, lambda f: at(f, VARIANT)["selector-field-location"].update(path=["v"]), "no length or selector"),
    (3, lambda f: at(f, VARIANT)["options"][1].update({"selector-field-ranges": [[30, 31]]}), "intersect"),
    (4, lambda f: f.update(id=0), "a second data stream class"),
    (ALL, lambda f: f.update({"data-stream-class-id": 9}), "no data stream class 9"),
    (ALL + 1, lambda f: f.update(id=0), "a second event record class"),
    (ALL, lambda f: member(f, "i8").update(type="fixed-length-integer"), "is none of"),
    (ALL, lambda f: member(f, "i8").pop("length"), "property 'length' is missing"),
    (ALL, lambda f: member(f, "f32").update(length=33), "no IEEE 754 format"),
    (ALL, lambda f: member(f, "color")["mappings"].update(x=[[2, 1]]), "/mappings/x/0': lower bound 2"),
    (ALL, lambda f: member(f, "words")["length-field-location"].update(path=["later"]), "no member 'later'"),
    (ALL, lambda f: member(f, "words")["length-field-location"].update(path=["words"]), "no member 'words' before"),
    (ALL, lambda f: member(f, "words")["length-field-location"].update(path=["text"]), "no length or selector"),
    (ALL, lambda f: member(f, "words")["length-field-location"].update(path=["i8"]), "a length is not signed"),
    (ALL, lambda f: member(f, "text").update(encoding="latin-1"), "at '/payload-field-class"),
    (ALL, lambda f: f["payload-field-class"]["member-classes"].append({"name": "i8", "field-class": "u8"}),
     "a second member named 'i8'"),
    (ALL, lambda f: f["payload-field-class"]["member-classes"].append({"name": "x", "field-class": "u8"}),
     "no alias 'u8'"),
]


def patched(offset, data):
    def patch(trace, name="alpha_0"):
        content = bytearray((trace / name).read_bytes())
        content[offset:offset + len(data)] = data
        (trace / name).write_bytes(content)
    return patch


def without_index(damage):
    def both(trace):
        shutil.rmtree(trace / "index")
        damage(trace)
    return both


def shortened(trace):
    (trace / "alpha_0").write_bytes((trace / "alpha_0").read_bytes()[:-1])


# (what to do with the trace's files, part of the message); layout of the packet's head: src/ctf/packet.hpp
STREAMS = [
    (patched(0, b"\0"), "alpha_0: packet 0, byte 0 + bit 32: the packet magic number"),
    (patched(4, b"\0"), "UUID is not the metadata stream's"),
    (patched(20, b"\x09"), "no data stream class 9"),
    (patched(32, b"\xff" * 8), "the packet begins at"),
    (patched(40, (1_000_000_003).to_bytes(8, "little")), "after the packet's end"),
    (patched(48, b"\xff" * 8), "content of"),
    (patched(56, b"\xf8" + b"\xff" * 6), "bytes, the file only"),
    (without_index(patched(64, b"\x01")), "packet sequence number 1 follows 1"),
    (without_index(patched(72, b"\x09")), "goes back from 9 to 5"),
    (patched(84, b"\x1f"), "no event record class"),
    (patched(632 + 32, b"\0" * 8), "packet 1, byte 632 + bit 672: the packet begins at 0, before the last time"),
    (shortened, "the packet has"),
    (lambda trace: (trace / "index" / "alpha_0.idx").write_bytes(b""), "the index file's header"),
    (lambda trace: patched(16 + 8, b"\x01")(trace, "index/alpha_0.idx"), "the index file says packet size"),
    (lambda trace: (trace / "metadata").write_bytes((trace / "metadata").read_bytes()[:-1]), "cut short"),
    (lambda trace: (trace / "metadata").write_bytes(b"/* CTF 1.8 */\n"), "this is CTF 1.8"),
    (lambda trace: (trace / "metadata").unlink(), "No such file"),
]


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.root)
        subprocess.run([MAKE_TRACE, cls.root / "good", "2"], check=True)

    def refuse(self, damage, message):
        trace = self.root / "damaged"
        shutil.copytree(self.root / "good", trace)
        self.addCleanup(shutil.rmtree, trace, ignore_errors=True)
        damage(trace)
        done = subprocess.run([sys.executable, CHECK, trace], capture_output=True, text=True, check=False)
        shutil.rmtree(trace)
        self.assertIn(message, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(done.returncode, 1)

    def test_metadata(self):
        for number, change, message in METADATA:
            def damage(trace, number=number, change=change):
                fragments = (trace / "metadata").read_bytes().split(b"\x1e")[1:]
                fragment = json.loads(fragments[number])
                change(fragment)
                fragments[number] = json.dumps(fragment).encode() + b"\n"
                (trace / "metadata").write_bytes(b"".join(b"\x1e" + text for text in fragments))
            with self.subTest(message):
                self.refuse(damage, message)

    def test_property_twice(self):
        def damage(trace):
            data = (trace / "metadata").read_bytes()
            (trace / "metadata").write_bytes(data.replace(b'"version":2', b'"version":2,"version":2', 1))
        self.refuse(damage, "occurs twice")

    def test_streams(self):
        for damage, message in STREAMS:
            with self.subTest(message):
                self.refuse(damage, message)


if __name__ == "__main__":
    MAKE_TRACE = sys.argv.pop(1)
    unittest.main()
