#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What src/ctf writes, read by programs that share no code with it: babeltrace2 (CTF 1.8), tools/ctf2_check.py (CTF 2).

interop_test.py PATH_OF_CTF_MAKE_TRACE PATH_OF_CTF_MAKE_RANDOM_TRACE
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
CHECK = HERE.parent.parent / "tools" / "ctf2_check.py"
MAKE_TRACE = MAKE_RANDOM_TRACE = ""


def run(*command):
    """Runs a command; returns (exit status, standard output, standard error)."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace", timeout=60,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def shortened(text):
    """The names of 4096 letters, as the files of expected output have them."""
    return text.replace("n" * 4096, "<4096 n>").replace("f" * 4096, "<4096 f>")


class Interop(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)

    def make(self, version):
        trace = self.directory / version
        self.assertEqual(run(MAKE_TRACE, trace, version), (0, "", ""))
        return trace

    def test_babeltrace2_reads_every_value_and_loss(self):
        trace = self.make("1.8")
        status, text, warnings = run("babeltrace2", "--clock-gmt", "--clock-date", trace)
        self.assertEqual(status, 0)
        self.assertEqual(shortened(text), (HERE / "expected_babeltrace2.txt").read_text())
        lost = [line.split(" in trace")[0] for line in warnings.splitlines() if line.startswith("WARNING: Tracer")]
        self.assertEqual(lost, ["WARNING: Tracer discarded 1 packet between [2023-11-14 22:13:21.500000009] and "
                                "[2023-11-14 22:13:21.500000040]",
                                "WARNING: Tracer discarded 5 events between [2023-11-14 22:13:21.573741834] and "
                                "[2023-11-14 22:13:21.573741854]"])

    def test_babeltrace2_shows_log_level_emf_uri_and_clock(self):
        trace = self.make("1.8")
        text = run("babeltrace2", "--fields=loglevel,emf", trace)[1].splitlines()[0]
        self.assertIn(' TRACE_WARNING (4):http://example.com/?q="quoted" demo:all: ', text)
        details = run("babeltrace2", trace, "--component=sink.text.details")[1]
        self.assertIn("Origin is Unix epoch: Yes", details)
        self.assertIn("UUID: 01234567-89ab-cdef-0123-456789abcdef", details)
        self.assertIn("Frequency (Hz): 1,000,000,000", details)

    def test_babeltrace2_uses_the_index_files(self):
        trace = self.make("1.8")
        with_index = run("babeltrace2", "--log-level=I", trace)
        self.assertEqual(with_index[2].count("Building index from .idx file"), 3)
        self.assertNotIn("falling back", with_index[2])
        shutil.rmtree(trace / "index")
        self.assertEqual(run("babeltrace2", trace)[1], with_index[1])

    def test_ctf2_decodes_every_value(self):
        trace = self.make("2")
        status, text, errors = run(sys.executable, CHECK, "--events", trace)
        self.assertEqual((status, errors), (0, ""))
        expected = [json.loads(line) for line in (HERE / "expected_events.jsonl").read_text().splitlines()]
        self.assertEqual([json.loads(line) for line in shortened(text).splitlines()], expected)

    def test_ctf2_counts_losses(self):
        summary = json.loads(run(sys.executable, CHECK, "--summary", self.make("2"))[1])
        self.assertEqual((summary["events"], summary["discarded_events"], summary["missing_packets"]), (13, 5, 1))
        self.assertEqual(summary["streams"]["alpha_1"],
                         {"packets": 2, "events": 2, "discarded_events": 0, "missing_packets": 1})
        self.assertEqual(summary["environment"],
                         {"domain": "ust", "tracer_name": "sillage", "tracer_major": 0, "hostname": 'host "x"'})

    def test_data_streams_are_the_same_bytes_in_both(self):
        old, new = self.make("1.8"), self.make("2")
        for name in ("alpha_0", "alpha_1", "beta_0", "index/alpha_0.idx"):
            self.assertEqual((old / name).read_bytes(), (new / name).read_bytes(), name)

    def test_metadata_cut_between_pieces_is_valid(self):
        trace = self.make("2")
        for path in trace.glob("*_0"):
            path.unlink()
        (trace / "alpha_1").unlink()
        fragments = (trace / "metadata").read_bytes().split(b"\x1e")[1:]
        for count in (4, 5, 6, 20, len(fragments)):
            (trace / "metadata").write_bytes(b"".join(b"\x1e" + text for text in fragments[:count]))
            self.assertEqual(run(sys.executable, CHECK, trace), (0, "", ""))

    def test_names_of_random_bytes_stop_nobody(self):
        for seed in range(12):
            with self.subTest(seed=seed):
                old, new = self.directory / f"old{seed}", self.directory / f"new{seed}"
                run(MAKE_RANDOM_TRACE, old, "1.8", seed)
                status, text, errors = run("babeltrace2", old)
                self.assertEqual((status, errors), (0, ""))
                self.assertEqual(text.count("{ cpu_id = 0 }"), 20)
                run(MAKE_RANDOM_TRACE, new, "2", seed)
                self.assertEqual(run(sys.executable, CHECK, "--count", new), (0, "20\n", ""))


if __name__ == "__main__":
    MAKE_TRACE, MAKE_RANDOM_TRACE = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
