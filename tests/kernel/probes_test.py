# SPDX-License-Identifier: MIT
"""Functions and SDT probes of a program, and filters: counts and values are exact.

usage: probes_test.py SILLAGE PROGRAM
"""
import os
import subprocess
import sys
import tempfile
import unittest

import recording

SILLAGE, PROGRAM = sys.argv[1:3]


def record(*options):
    """(exit status, what was printed, (name, fields) of each event) of a recording of the program."""
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "trace")
        command = [SILLAGE, "record", "-k", "--no-statedump", "-o", output, *options, "--", PROGRAM]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60 * recording.SLOWNESS, check=False)
        events = []
        if done.returncode == 0:
            for message in recording.bt2.TraceCollectionMessageIterator(output):
                if isinstance(message, recording.bt2._EventMessageConst):
                    events.append((message.event.name, recording.plain(message.event.payload_field)))
        return done.returncode, done.stdout + done.stderr, events


class Probes(unittest.TestCase):
    def test_function(self):
        status, text, events = record("--userspace-probe", PROGRAM + ":called")
        self.assertEqual(status, 0, text)
        self.assertEqual([name for name, _ in events], ["called"] * 1000)
        self.assertEqual(len({fields["ip"] for _, fields in events}), 1)

    def test_sdt(self):
        status, text, events = record("--userspace-probe", f"sdt:{PROGRAM}:demo:values")
        self.assertEqual(status, 0, text)
        found = [[fields[f"arg{i}"] for i in range(4)] for _, fields in events]
        self.assertEqual(found, [[-i, 5000000000 + i, -3 * i, i % 256] for i in range(500)])
        self.assertIn("500", text.split(), "the semaphore was not raised")

    def test_filter(self):
        status, text, events = record("--userspace-probe", f"sdt:{PROGRAM}:demo:values",
                                      "--filter", 'arg0 % 7 == -3 && $ctx.procname == "*probe*" && arg3 > 100')
        self.assertEqual(status, 0, text)
        self.assertEqual([fields["arg0"] for _, fields in events],
                         [-i for i in range(500) if i % 7 == 3 and i % 256 > 100])

    def test_filter_errors(self):
        for expression, column in (("prev_comm == 3", 11), ("nofield == 3", 1), ("prev_tid * 1.5 == next_tid", 19)):
            status, text, _ = record("-e", "sched_switch", "--filter", expression)
            self.assertNotEqual(status, 0)
            self.assertIn(f"column {column}:", text)


if __name__ == "__main__":
    recording.kernel_or_skip()
    unittest.main(argv=sys.argv[:1])
