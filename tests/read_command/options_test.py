#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The options of `sillage read` against babeltrace2's: same text, same exit status; every error says what to do.

    options_test.py SILLAGE
"""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import make_traces  # noqa: E402

SILLAGE = ""
# A zone with summer time, so that local time and UTC differ by what depends on the date.
ENVIRONMENT = {**os.environ, "TZ": "America/New_York", "PAGER": "", "BABELTRACE_TERM_COLOR": "never"}


def run(command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=60, check=False,
                          env={**ENVIRONMENT, **more})
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


class Options(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.traces = make_traces.make_all(cls.directory.name)

    def same(self, options, traces, **environment):
        """The same bytes and status; returns what both printed."""
        paths = [self.traces[name] for name in traces]
        expected = run(["babeltrace2", *options, *paths], **environment)
        found = run([SILLAGE, "read", *options, *paths], **environment)
        with self.subTest(options=options, traces=traces):
            self.assertEqual(found[0], expected[0], found[2] + expected[2][-300:])
            self.assertEqual(found[1], expected[1])
            if found[0] != 0:
                self.assertRegex(found[2], r"^\S.*\n")
        return found

    def test_every_trace_and_all_at_once(self):
        for trace in self.traces:
            self.assertTrue(self.same([], [trace])[1])
        # Without the option babeltrace2 refuses clocks of two UUIDs.
        for traces in (["kinds", "overlap"], ["kinds", "overlap", "slow_clock"]):
            self.assertTrue(self.same(["--clock-force-correlate"], traces)[1])

    def test_times(self):
        switches = ["--clock-cycles", "--clock-seconds", "--clock-date", "--clock-gmt", "--no-delta"]
        for number in range(1, 2**len(switches)):
            chosen = [switch for bit, switch in enumerate(switches) if number >> bit & 1]
            self.same(chosen, ["slow_clock" if number % 3 else "kinds"])
        for offset in (["--clock-offset=10"], ["--clock-offset=-1700000000"], ["--clock-offset=0x10"],
                       ["--clock-offset=010"], ["--clock-offset", "-5", "--clock-offset-ns=-500000000"],
                       ["--clock-offset-ns=999999999999"], ["--clock-force-correlate"]):
            self.same(offset, ["kinds"])

    def test_fields_and_names(self):
        for fields in ("all", "trace", "trace:hostname", "trace:domain", "trace:procname", "trace:vpid", "loglevel",
                       "emf", "callsite", "trace:vpid,loglevel", "trace, emf", ",", "", "loglevel,"):
            self.same(["--fields=" + fields], ["kinds"])
        for names in ("all", "none", "payload", "arg", "args", "context", "ctx", "header", "scope", "payload,none",
                      "header,scope", " ctx , scope", ",payload", ""):
            self.same(["--names=" + names], ["kinds"])
        self.same(["-f", "all", "-n", "all"], ["kinds"])
        self.same(["-f", "all", "-n", "all"], ["no_clock"])
        self.same(["-f", "trace", "--fields=emf", "-n", "header", "--names=scope", "--clock-date"], ["kinds"])

    def test_colour(self):
        """babeltrace2 has colours only where the terminal can show them."""
        for options in ([], ["--color=always"], ["--color=never"], ["--color", "auto"],
                        ["--color=always", "-f", "all", "-n", "all"], ["-n", "scope,header", "--clock-cycles"]):
            for trace in ("kinds", "no_clock"):
                self.same(options, [trace], BABELTRACE_TERM_COLOR="always")
        self.same([], ["kinds"])
        self.same(["--color=never"], ["kinds"])
        self.assertIn(b"\033[", run([SILLAGE, "read", "--color=always", self.traces["kinds"]])[1])

    def test_ranges(self):
        # `overlap` is at 1970-06-06 10:15:09 UTC, `kinds` at 2023-11-14 22:13:20 UTC.
        for bound in ("13515309.000000100", "06:15:09.000000100", "1970-06-06 06:15:09.0000001", "06:15:10",
                      "1970-06-06", "1970-06-06 06:15", "1970-06-07", "-5", "0", "99999999", "25:00:00", "06:60",
                      "1970-13-01"):
            self.same(["--begin", bound], ["overlap"])
            self.same(["-e", bound], ["overlap"])
        for options in (["-b", "10:15:09.00000015", "--clock-gmt"], ["--begin=17:13:20.0000016", "--end=17:13:21"],
                        ["--timerange=1700000000.000001500,1700000001.0000005"],
                        ["--timerange", "[17:13:20,17:14:50]"], ["--timerange", "[17:13:20,17:14:50"],
                        ["--timerange", "17:13:20,17:14:50]"]):
            self.same(options, ["kinds" if "17" in str(options) else "overlap"])
        self.same(["--begin", "17:13:21", "--clock-offset", "1"], ["kinds"])
        self.same(["--timerange=22:13:20.0000016,22:13:22", "--clock-gmt", "--clock-date", "-f", "loglevel"], ["kinds"])

    def test_events_outside_the_times_of_their_packets(self):
        """barectf up to 2.3.0 wrote such packets, LTTng-UST up to 2.10, too: a range of time finds their events."""
        for tracer, minor, packets in (("barectf", 3, ((100, 200, (50, 150)), (300, 400, (290, 390)))),
                                       ("lttng-ust", 10, ((100, 200, (100, 250)), (300, 400, (310, 450))))):
            path = pathlib.Path(self.directory.name, tracer)
            path.mkdir()
            (path / "metadata").write_text(f"""/* CTF 1.8 */
                typealias integer {{ size = 64; align = 8; }} := u64;
                typealias integer {{ size = 64; align = 8; map = clock.c.value; }} := stamp;
                trace {{ major = 1; minor = 8; byte_order = le; }};
                env {{ tracer_name = "{tracer}"; tracer_major = 2; tracer_minor = {minor}; tracer_patch = 0;
                       tracer_patchlevel = 0; }};
                clock {{ name = c; freq = 1000000000; }};
                stream {{ packet.context := struct {{ stamp timestamp_begin; stamp timestamp_end; u64 content_size;
                                                      u64 packet_size; }};
                          event.header := struct {{ stamp timestamp; }}; }};
                event {{ name = "e"; fields := struct {{ u64 n; }}; }};""", encoding="ascii")
            with open(path / "stream", "wb") as file:
                for begin, end, times in packets:
                    bits = 8 * (32 + 16 * len(times))
                    file.write(struct.pack("<4Q", begin, end, bits, bits) + b"".join(struct.pack("<2Q", t, t) for t in times))
            times = [t for _, _, times in packets for t in times]
            for begin in (0, 60, 200, 220, 260, 280, 295, 320, 400, 420):
                for end in (60, 240, 295, 320, 410, 500):
                    if begin > end:
                        continue
                    options = ["--clock-seconds", f"--begin=0.{begin:09}", f"--end=0.{end:09}"]
                    expected = run(["babeltrace2", *options, path])
                    found = run([SILLAGE, "read", *options, path])
                    with self.subTest(tracer=tracer, options=options):
                        self.assertEqual(found[:2], expected[:2])
                        self.assertEqual(found[1].count(b"\n"), sum(begin <= t <= end for t in times))
                        self.assertEqual(run([SILLAGE, "read", "--format=count", *options, path])[1],
                                         b"%d\n" % found[1].count(b"\n"))

    def test_stream_intersection(self):
        self.assertIn(b"n = 110", self.same(["--stream-intersection"], ["overlap"])[1])
        self.same(["--stream-intersection"], ["kinds"])
        self.same(["--stream-intersection", "--clock-force-correlate"], ["kinds", "overlap"])
        # babeltrace2 2.0.4 fails with both.
        both = run([SILLAGE, "read", "--stream-intersection", "--begin", "06:15:09.000000150", self.traces["overlap"]])
        self.assertEqual((both[0], both[1].count(b"\n"), both[1].count(b"150]")), (0, 10, 2))

    def test_losses_are_said(self):
        """babeltrace2's warnings, then the sum."""
        path = self.traces["kinds"]
        expected = run(["babeltrace2", path])[2]
        found = run([SILLAGE, "read", path])[2]
        self.assertEqual(found, expected + "sillage: lost in total: 6 events, 2 packets\n")
        for form in ("json", "csv", "count"):
            self.assertEqual(run([SILLAGE, "read", "--format", form, path])[2], found)
        self.assertEqual(run([SILLAGE, "read", self.traces["overlap"]])[2], "")

    def test_bad_values_fail_in_both(self):
        for options in (["--begin", ""], ["--begin="], ["-e", "abc"], ["--begin", "06:15:09."], ["-b", "48:17.6"],
                        ["--begin", "1.1234567890"], ["--begin", "2012-1-29"], ["--begin", "2012-10-29 13"],
                        ["--begin", "2012-10-29T13:00"], ["--begin", "+5"], ["--begin", "1e9"], ["--begin", "0x10"],
                        ["--clock-gmt", "--begin", "25:00:00"], ["--clock-gmt", "--begin", "13:48:61"],
                        ["--timerange", "1"], ["--timerange", ","], ["--timerange", ""], ["--timerange", ",5"],
                        ["--timerange", "5,"], ["--timerange", "1,2,3"], ["--timerange", "2,1"],
                        ["--begin", "1", "--timerange", "1,2"], ["--begin", "1", "--begin", "2"],
                        ["--begin", "5", "--end", "4"], ["--fields=foo"], ["--fields=all,foo"], ["-f", "none"],
                        ["--names=foo"], ["--names=all,none"], ["--color=foo"], ["--color="], ["--clock-offset=x"],
                        ["--clock-offset="], ["--clock-offset=1.5"], ["--clock-offset=99999999999"],
                        ["--clock-offset=9223372036"], ["--clock-offset-ns=9223372036854775808"],
                        ["--clock-offset=1", "--clock-offset=2"], ["--bogus"], ["--colour=never"], ["--begin"], ["-n"]):
            status, text, message = self.same(options, ["overlap"])
            with self.subTest(options=options):
                self.assertEqual((status, text), (1, b""))
                self.assertGreater(len(message), 10)

    def test_what_babeltrace2_takes_by_mistake_fails(self):
        """It computes such times modulo 2^64, or ends by SIGABRT."""
        for options in (["--begin", "99999999999999999999"], ["--begin", "9223372037"], ["-e", "9999-12-31"],
                        ["--clock-gmt", "--begin", "2012-13-29"]):
            status, text, message = run([SILLAGE, "read", *options, self.traces["overlap"]])
            self.assertEqual((status, text), (1, b""))
            self.assertIn("is not a time: write", message)


if __name__ == "__main__":
    SILLAGE = sys.argv.pop(1)
    unittest.main()
