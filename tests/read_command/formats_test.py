#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The formats, filters and terminals of `sillage read`, and `sillage info`.

    formats_test.py SILLAGE
"""

import csv
import fcntl
import io
import json
import os
import pathlib
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import make_traces  # noqa: E402

SILLAGE = ""
ENVIRONMENT = {**os.environ, "TZ": "UTC", "PAGER": "", "BABELTRACE_TERM_COLOR": "never"}


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=60, check=False,
                          env={**ENVIRONMENT, **more})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def on_terminal(*command, rows=24, **more):
    """What a command shows on a terminal of so many rows of 80 columns."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
        os.execvpe(str(command[0]), [str(word) for word in command], {**ENVIRONMENT, "TERM": "xterm", **more})
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.replace(b"\r\n", b"\n").decode()


class Formats(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.traces = make_traces.make_all(cls.directory.name)

    def read(self, *options, trace="kinds", status=0):
        found = run(SILLAGE, "read", *options, self.traces[trace])
        self.assertEqual(found[0], status, found[2])
        return found[1]

    def names(self, *options, trace="kinds"):
        return [line["name"] for line in self.lines(*options, trace=trace) if line["type"] == "event"]

    def lines(self, *options, trace="kinds"):
        return [json.loads(line) for line in self.read("--format=json", *options, trace=trace).splitlines()]

    def test_details_are_babeltrace2s(self):
        for trace, path in self.traces.items():
            expected = run("babeltrace2", path, "--component=sink.text.details")
            self.assertEqual(self.read("--format", "details", trace=trace), expected[1])
        both = [self.traces["kinds"], self.traces["overlap"]]
        for options in (["--clock-force-correlate"], ["--clock-force-correlate", "--clock-offset=-3",
                                                      "--clock-offset-ns=999999700"]):
            self.assertEqual(run(SILLAGE, "read", "--format=details", *options, *both)[1],
                             run("babeltrace2", *options, *both, "--component=sink.text.details")[1])

    def test_details_have_babeltrace2s_colours(self):
        environment = {**os.environ, "BABELTRACE_TERM_COLOR": "always"}
        for path in self.traces.values():
            expected = subprocess.run(["babeltrace2", path, "--component=sink.text.details", '--params=color="always"'],
                                      env=environment, capture_output=True, timeout=60, check=True).stdout
            found = subprocess.run([SILLAGE, "read", "--format=details", "--color=always", path], env=environment,
                                   capture_output=True, timeout=60, check=True).stdout
            self.assertIn(b"\033[34mStructure\033[0m", expected)
            self.assertEqual(found, expected)

    def test_details_of_chosen_events(self):
        text = self.read("--format=details", "--event=kinds:context", "--limit=2")
        self.assertEqual(text.count("Event `kinds:context` (Class ID 3):\n"), 2)
        self.assertEqual(text.count("Event `kinds:"), 2)

    def test_json_has_every_value(self):
        lines = self.lines()
        events = [line for line in lines if line["type"] == "event"]
        self.assertEqual(len(events), 14)
        first = next(line for line in events if line["name"] == "kinds:integers")
        self.assertEqual(first, {
            "type": "event", "time_ns": 1700000000000001500, "cycles": 1000, "name": "kinds:integers", "id": 0,
            "log_level": 6, "trace": {"path": str(self.traces["kinds"]), "hostname": "host", "domain": "ust",
                                      "procname": "app", "vpid": 1234},
            "stream_class": 0, "stream": 0, "packet_context": {"cpu_id": 0},
            "common_context": {"vpid": 77, "procname": "worker"},
            "payload": {"u8": 250, "i32": -7, "u64": 2**64 - 1, "i64": -2**63, "hex": 0xdeadbeef, "octal": 0o1234,
                        "binary": 0b10100101, "signed_hex": -2, "big": 66051, "bits": 3, "more_bits": 21}})
        compound = [line["payload"] for line in events if line["name"] == "kinds:compound"]
        self.assertEqual(compound[2], {
            "text": 'a "b"\n\té 3', "state": {"value": 1, "labels": ["one", 'other "one"']},
            "sign": {"value": 3, "labels": ["plus"]}, "f32": 0.1, "f64": -1e300, "three": [1, 2, 3], "length": 3,
            "sequence": [0, 1, 2], "nested": {"a": 9, "b": {"c": -9}}, "pairs": [{"x": 5}, {"x": 6}],
            "tag": {"value": 1, "labels": ["word"]}, "choice": {"word": "word"}, "name": "abc"})
        self.assertEqual(compound[1]["state"], {"value": 7, "labels": []})
        context = next(line for line in events if line["name"] == "kinds:context")
        self.assertEqual(context["specific_context"], {"depth": 3, "why": "because"})
        lost = [(line["type"], line["count"], line["begin_ns"], line["end_ns"], line["stream"])
                for line in lines if line["type"] != "event"]
        second = 1700000001000001400
        self.assertEqual(lost, [("lost_events", 5, 1700000000000002500, second, 0),
                                ("lost_events", 1, second, 1700000091000000500, 0),
                                ("lost_packets", 2, second, 1700000090000000500, 0)])
        self.assertNotIn("time_ns", self.lines(trace="no_clock")[0])

    def test_csv_has_a_column_for_each_field(self):
        rows = list(csv.DictReader(io.StringIO(self.read("--format=csv"))))
        self.assertEqual(len(rows), 14)
        fixed = ["time_ns", "trace", "stream_class", "stream", "event", "packet.cpu_id", "context.vpid",
                 "context.procname"]
        self.assertEqual(list(rows[0])[:8], fixed)
        compound = next(row for row in rows if row["event"] == "kinds:compound")
        self.assertEqual({name: compound[name] for name in ("text", "state", "f64", "three", "nested.b.c", "choice.number",
                                                            "choice.word", "pairs", "value")},
                         {"text": 'a "b"\n\té 0', "state": "0", "f64": "-1e+300", "three": "[1,2,3]",
                          "nested.b.c": "-9", "choice.number": "42", "choice.word": "",
                          "pairs": '[{"x":5},{"x":6}]', "value": ""})
        integers = next(row for row in rows if row["event"] == "kinds:integers")
        self.assertEqual(integers["u64"], str(2**64 - 1))
        few = self.read("--format=csv", "--event=kinds:context", "--limit=1").splitlines()
        self.assertEqual(few[0], ",".join(fixed) + ",event_context.depth,event_context.why,value")
        self.assertEqual(few[1], f"1700000000000002000,{self.traces['kinds']},0,0,kinds:context,0,77,worker,3,because,5")

    def test_count_and_limit(self):
        self.assertEqual(self.read("--format=count"), "14\n")
        self.assertEqual(self.read("--format=count", "--event", "kinds:empty", "--event=*:event"), "6\n")
        self.assertEqual(self.read("--format=count", "--limit=3"), "3\n")
        self.assertEqual(self.read("--limit=0"), "")
        text = self.read()
        self.assertEqual(self.read("--limit=5"), "".join(text.splitlines(True)[:5]))
        self.assertEqual(self.read("--format=count", "--filter=value > 0"), "6\n")

    def test_event_classes_left_out_change_no_line(self):
        for trace in ("kinds", "overlap"):
            lines = self.read("--no-delta", trace=trace).splitlines(True)
            for pattern in sorted({"*", *self.names(trace=trace)}):
                wanted = [line for line in lines if pattern == "*" or f" {pattern}: " in line]
                for threads in ("1", "2"):
                    with self.subTest(pattern=pattern, threads=threads):
                        read = self.read("--no-delta", "--threads", threads, "--event", pattern, trace=trace)
                        self.assertEqual(read, "".join(wanted))
                self.assertEqual(self.read("--format=count", "--event", pattern, trace=trace), f"{len(wanted)}\n")

    def test_filters(self):
        for expression, expected in (
                ("value == 5", ["kinds:context"]), ("value < 0", ["kinds:context"]),
                ("value >= 1 && value <= 2", ["other:event"] * 2), ("u64 == 18446744073709551615", ["kinds:integers"]),
                ("u64 == -1", ["kinds:integers"]), ('text == "t*"', ["other:event"] * 4),
                ('text == "*\\"b\\"*3"', ["kinds:compound"]), ("three[1] == 2 && nested.b.c == -9", ["kinds:compound"] * 3),
                ("sequence[2] == 2", ["kinds:compound"]), ("pairs[1].x == 6", ["kinds:compound"] * 3),
                ("choice.number == 42", ["kinds:compound"]), ("choice == 42", ["kinds:compound"]),
                ('choice.word == "w*"', ["kinds:compound"]), ("choice.y == 2", ["kinds:compound"]),
                ("f64 < -1.5", ["kinds:compound"] * 3), ("f32 > 0.09 && f32 < 0.11", ["kinds:compound"] * 3),
                ("state == 1", ["kinds:compound"]), ("$ctx.depth == 3", ["kinds:context"] * 3),
                ('$ctx.procname == "work*" && $ctx.vpid == 77 && value == 5', ["kinds:context"]),
                ('$ctx.cpu_id == 1 && value == 6', ["kinds:context"]), ('$ctx.domain == "ust" && value == 6', ["kinds:context"]),
                ("value == 5 || u8 == 251", ["kinds:integers", "kinds:context"]), ("!(value < 95)", [])):
            with self.subTest(expression):
                self.assertEqual(sorted(self.names("--filter", expression)), sorted(expected))
        self.assertEqual(self.names("--filter", "value == 5", "--event=other:*"), [])
        self.assertEqual(len(self.names("--filter=n % 20 == 10", trace="overlap")), 20)

    def test_filters_that_cannot_be_say_why(self):
        for options, message in (
                (["--filter=valu == 1"], "column 1: no event here has the field valu: did you mean value"),
                (["--filter=value == 1 || nothing_like_it == 1"], "column 15: no event here has the field nothing_like_it"),
                (["--filter=value = 1"], "column 7: = does not compare: write =="),
                (["--filter=value == 'x'"], "column 7: an integer and a text cannot be compared"),
                (["--filter=u8 == 1 && depth == 2"], "column 12: no event here has the field depth"),
                (["--filter=u8 == 1 && value == 2"], "no event here has all these fields"),
                (["--filter="], "column 1: there is no expression"),
                (["--event=kinds:integer"], "no event here has such a name: did you mean kinds:integers"),
                (["--format=xml"], "write text, json, csv, details or count"), (["--limit=-1"], "--limit")):
            status, text, error = run(SILLAGE, "read", *options, self.traces["kinds"])
            with self.subTest(options):
                self.assertEqual((status, text), (1, ""))
                self.assertIn(message, error)

    def test_output_file(self):
        target = pathlib.Path(self.directory.name) / "text"
        self.assertEqual(self.read("-w", target), "")
        self.assertEqual(target.read_text(), self.read())
        self.assertEqual(run(SILLAGE, "read", "-w", "/nowhere/x", self.traces["kinds"])[0], 1)
        self.assertEqual(run("sh", "-c", f"'{SILLAGE}' read '{self.traces['overlap']}' > /dev/full")[0], 1)

    def test_reader_that_stops_is_no_error(self):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run([SILLAGE, "read", self.traces["overlap"]], stdout=writing, stderr=subprocess.PIPE,
                              timeout=60, env=ENVIRONMENT, check=False)
        os.close(writing)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_colour_on_a_terminal_only(self):
        self.assertNotIn("\033", self.read("--limit=1"))
        shown = on_terminal(SILLAGE, "read", "--limit=1", self.traces["overlap"], BABELTRACE_TERM_COLOR="")
        self.assertEqual(shown[0], 0)
        self.assertIn("\033[36mn\033[0m = ", shown[1])
        plain = on_terminal(SILLAGE, "read", "--limit=1", "--color=never", self.traces["overlap"],
                            BABELTRACE_TERM_COLOR="")
        self.assertNotIn("\033[36m", plain[1])

    def test_pager_when_long(self):
        pager = {"PAGER": "sed 's/^/paged: /'"}
        trace = self.traces["overlap"]
        lines = run(SILLAGE, "read", trace)[1].splitlines()
        self.assertEqual(len(lines), 39)
        shown = on_terminal(SILLAGE, "read", trace, rows=24, **pager)
        self.assertEqual(shown, (0, "".join(f"paged: {line}\n" for line in lines)))
        plain = "".join(line + "\n" for line in lines)
        self.assertEqual(on_terminal(SILLAGE, "read", trace, rows=100, **pager), (0, plain))
        self.assertEqual(on_terminal(SILLAGE, "read", "--no-pager", trace, rows=24, **pager), (0, plain))
        self.assertEqual(on_terminal(SILLAGE, "read", trace, rows=24, PAGER=""), (0, plain))
        self.assertEqual(on_terminal(SILLAGE, "read", trace, rows=24, PAGER="exit 0")[0], 0)
        # Warnings stand between the lines, in the pager too.
        warned = on_terminal(SILLAGE, "read", self.traces["kinds"], rows=5, **pager)[1]
        self.assertIn("paged: WARNING: Tracer discarded 5 events", warned)

    def test_info(self):
        status, text, error = run(SILLAGE, "info", self.traces["kinds"])
        self.assertEqual((status, error), (0, ""))
        for line in ("  Format       CTF 1.8\n", "  Environment  hostname = host\n", "  Lost         6 events, 2 packets\n",
                     "  Size         1006 bytes, 5 packets, 14 events\n",
                     "  Time         2023-11-14 22:13:20.000001400 to 2023-11-14 22:15:00.000000500, 99.999999100 s\n",
                     "               4               68  other:event\n"):
            self.assertIn(line, text)
        found = json.loads(run(SILLAGE, "info", "--json", "--fields", self.traces["kinds"])[1])["traces"][0]
        self.assertEqual(found["environment"]["text"], 'a "quoted" one')
        self.assertEqual((found["begin_ns"], found["end_ns"]), (1700000000000001400, 1700000100000000500))
        self.assertEqual((found["packets"], found["events"], found["bytes"], found["lost_events"], found["lost_packets"]),
                         (5, 14, 1006, 6, 2))
        self.assertEqual([(stream["stream_class"], stream["stream"], stream["packets"], stream["events"])
                          for stream in found["streams"]], [(0, 0, 3, 7), (0, 1, 1, 3), (1, 0, 1, 4)])
        by_name = {event["name"]: event for event in found["event_names"]}
        self.assertEqual({name: event["count"] for name, event in by_name.items()},
                         {"kinds:integers": 2, "kinds:compound": 3, "kinds:empty": 2, "kinds:context": 3, "other:event": 4})
        # Header 10 bytes, context 12, then 34 of fields.
        self.assertEqual(by_name["kinds:integers"]["bytes"], 2 * (10 + 12 + 34))
        self.assertEqual(by_name["kinds:context"]["fields"],
                         {"value": "i32", "$ctx.depth": "u32", "$ctx.why": "text", "$ctx.vpid": "i32",
                          "$ctx.procname": "text", "$ctx.cpu_id": "u32"})
        several = json.loads(run(SILLAGE, "info", "--json", self.directory.name)[1])["traces"]
        self.assertEqual(len(several), 4)
        self.assertEqual(run(SILLAGE, "info", "/nonexistent")[0], 1)


if __name__ == "__main__":
    SILLAGE = sys.argv.pop(1)
    unittest.main()
