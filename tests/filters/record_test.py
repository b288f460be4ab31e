#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`sillage record --filter` on events of programs, end to end: what is in the trace is what evaluator.py wants of what was
sent, and sent = recorded + rejected + lost.

    record_test.py SILLAGE TRACED_PROGRAM
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import evaluator

SILLAGE, PROGRAM = sys.argv[1:3]
COUNT = 2000
EVENT = re.compile(r"(flt:\w+):.*?\{ n = (-?\d+)")


def fields_of(n):
    """What traced_program.cpp sends."""
    number = {"n": n, "u": n * 7 % 256}
    text = {"n": n, "s": f"item{n % 13}".encode(), "w": n * n, "m": -n}
    text.update((f"q[{i}]", (n + i) % 65536) for i in range(n % 4))
    block = {"n": n, "d": n / 8, "array[11]": (n << 20) % (1 << 32), "array[0]": 0}
    return {"flt:number": number, "flt:text": text, "flt:block": block}


def expected(expression, contexts=()):
    parsed, found = evaluator.parse(expression), set()
    for n in range(COUNT):
        for event, fields in fields_of(n).items():
            if evaluator.matches(parsed, {**fields, **dict(contexts)}):
                found.add((event, n))
    return found


def number_of(summary, what):
    found = re.search(rf"events {what}\s+([\d,]+)", summary)
    return int(found.group(1).replace(",", "")) if found else 0


class Filters(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sillage-filters-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.mkdir(os.path.join(self.folder, "run"), 0o700)
        self.env = dict(os.environ, SILLAGE_RUNTIME_DIR=os.path.join(self.folder, "run"))

    def run_record(self, *options, program=(PROGRAM, str(COUNT)), **env):
        self.trace = tempfile.mkdtemp(dir=self.folder)
        command = [SILLAGE, "record", "-o", self.trace, *options, "--", *program]
        return subprocess.run(command, env=dict(self.env, **env), capture_output=True, text=True, timeout=60, check=False)

    def recorded(self):
        text = subprocess.run(["babeltrace2", "--no-delta", self.trace], check=True, capture_output=True, text=True).stdout
        lines = [(event, int(n)) for event, n in EVENT.findall(text)]
        self.assertEqual(len(lines), len(set(lines)), "an event is in the trace twice")
        self.assertEqual(len(lines), len(text.splitlines()))
        return set(lines)

    def check(self, expression, *options, contexts=(), program=(PROGRAM, str(COUNT)), **env):
        done = self.run_record("--subbuf-size", "1M", "--filter", expression, *options, program=program, **env)
        self.assertEqual(done.returncode, 0, done.stderr)
        wanted = expected(expression, contexts)
        self.assertEqual(self.recorded() if wanted else set(), wanted, expression)
        self.assertEqual(number_of(done.stderr, "recorded"), len(wanted), done.stderr)
        self.assertEqual(number_of(done.stderr, "lost"), 0, done.stderr)
        return done.stderr

    def test_each_way_of_an_event(self):
        for expression in ("n % 7 == 3", "u > 250 && n != 1500 || s == 'item1*' && s != \"item12\"", "w / 3 < 700 && m <= -20",
                           "q[2] & 0xff == 9 || q[0] < 5", "d * 2 >= 100.5 && d < 60", "array[11] == 0x40000000",
                           "!(n < 1990)", "n < 0"):
            for rseq in ("1", "0"):
                with self.subTest(expression=expression, rseq=rseq):
                    self.check(expression, SILLAGE_RSEQ=rseq)

    def test_rejected_events_are_counted(self):
        summary = self.check("n % 7 == 3")
        self.assertEqual(number_of(summary, "recorded") + number_of(summary, "rejected"), 3 * COUNT, summary)
        summary = self.check("n % 5 == 1", program=(PROGRAM, str(COUNT), "4"), SILLAGE_RSEQ="0")
        self.assertEqual(number_of(summary, "recorded") + number_of(summary, "rejected"), 3 * COUNT, summary)

    def test_nothing_matches(self):
        done = self.run_record("--filter", "n < 0")
        self.assertIn("--filter was true of none of 6,000 event(s)", done.stderr)

    def test_contexts(self):
        program = os.path.basename(PROGRAM)[:15].encode()
        contexts = {"$ctx.procname": program, "$ctx.cpu_id": 0, "$ctx.vuid": os.getuid(), "$ctx.vpid": 2}
        # Recorded or not, beside others that are recorded.
        for options in ((), ("--context", "vtid"), ("--context", "procname", "--context", "cpu_id")):
            self.check('$ctx.procname == "*" && n % 3 == 1 && $ctx.vuid >= 0 && $ctx.vpid > 1', *options, contexts=contexts)
        self.check('$ctx.procname == "' + program.decode() + '" && $ctx.cpu_id >= 0 && n > 1990', contexts=contexts)

    def test_loss_beside_filters(self):
        done = self.run_record("--filter", "n % 3 == 0", "--subbuf-size", "4096", "--num-subbuf", "2",
                               program=(PROGRAM, "60000", "2"))
        recorded, lost = number_of(done.stderr, "recorded"), number_of(done.stderr, "lost")
        self.assertEqual(recorded + lost, 3 * 20000, done.stderr)
        self.assertEqual(number_of(done.stderr, "rejected"), 3 * 40000, done.stderr)

    def test_event_that_lacks_the_field(self):
        summary = self.check("w > 100 && n < 50")
        for event in ("flt:number", "flt:block"):
            self.assertIn(f'"w > 100 && n < 50" does not apply to {event} of ', summary)
        self.assertIn("no field w", summary)
        self.assertNotIn("does not apply to flt:text", summary)

    def test_errors_before_anything_runs(self):
        for expression, message in (("n ==", "column 5"), ("n == 3 &&\n  (s", "line 2, column 5"), ("$ctx.vpidd == 1", "did you mean $ctx.vpid"), ("(" * 100000, "more than 65536"), ("(" * 30000, "nested deeper"),
                                    ("!" * 60000 + "1", "nested deeper"),
                                    ("$app.a == 1", "$app.PROVIDER:NAME"),
                                    ("$app.a:b + $app.a:c + $app.a:d == $app.a:e", "more than 3"), ('s < "a*"', "column 3"), ("n = 3", "write ==")):
            done = self.run_record("--filter", expression)
            self.assertEqual(done.returncode, 125, expression)
            self.assertIn(message, done.stderr, expression)
            self.assertNotIn("events recorded", done.stderr)

    def test_errors_against_running_programs(self):
        running = subprocess.Popen([PROGRAM, "1", "1", "30"], env=self.env)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        for expression, message in (("n == 1 || nn == 2", "column 11"), ("s == 3", "column 3")):
            command = [SILLAGE, "record", "-o", os.path.join(self.folder, "none"), "-e", "flt:text", "--duration", "100ms",
                       "-p", str(running.pid), "--filter", expression]
            # A program that has just started may not have registered.
            for _ in range(50):
                done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=30, check=False)
                if done.returncode == 125:
                    break
            self.assertEqual(done.returncode, 125, done.stderr)
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
