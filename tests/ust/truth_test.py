#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same programs, unchanged, under LTTng and under Sillage: babeltrace2 prints the same of both traces.

truth_test.py BIN_DIRECTORY UST_PROGRAMS: of the build; the programs are linked with LTTng-UST in
every way there is.
"""

import os
import pathlib
import re
import shutil
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("daemon", "read"):
    sys.path.insert(0, str(HERE.parent / folder))
from sillage_test import Sandbox  # pylint: disable=wrong-import-position
import interop_test  # pylint: disable=wrong-import-position

BIN, PROGRAMS = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
PROVIDER = PROGRAMS / "libevery-provider.so"
ROUNDS = "24"
# Built in; readers of RCU inlined; provider linked; provider loaded later; preloaded; missing; C++ with tracef and tracelog; described
# and recorded by hand, and what is too large for the short way.
SCRIPT = f"""
cd {PROGRAMS}
./built_in {ROUNDS}
./readers_inlined {ROUNDS}
./linked {ROUNDS}
./loose {ROUNDS} {PROVIDER}
LD_PRELOAD={PROVIDER} ./loose {ROUNDS}
./loose {ROUNDS}
./cpp {ROUNDS}
./by_hand {ROUNDS}
"""
PER_ROUND, CPP_PER_ROUND, BY_HAND = 14, 14 + 6, 4
CONTEXTS = ("vpid", "vtid", "procname")


def text_of(trace):
    """What babeltrace2 prints, with times, CPUs and process numbers made equal."""
    done = interop_test.run("babeltrace2", "--no-delta", "--names=all", "--fields=all", trace)
    assert done.returncode == 0, done.stderr
    numbers = {}

    def number(match):
        return match.group(1) + "#" + str(numbers.setdefault(match.group(2), len(numbers)))
    lines = []
    for line in done.stdout.decode(errors="surrogateescape").splitlines():
        if "lttng_ust_statedump:" in line:  # begin and end of what LTTng writes of its own
            continue
        line = re.sub(r"timestamp = [\d:.]+", "timestamp", line)
        line = re.sub(r"\bcpu_id = \d+", "cpu_id", line)
        line = re.sub(r"(trace = [^,]*|trace:[a-z_]+ = [^,]*), ", "", line)
        line = re.sub(r"(\bv[pt]id = )(\d+)", number, line)
        lines.append(line)
    return lines


class Truth(interop_test.Interop):
    def test_lttng_ust(self):
        """Of the class this one is made of: not here."""

    test_sillage = test_random = test_kernel = test_lttng_ust

    def record_by_lttng(self):
        trace = self.directory / "theirs"
        self.lttng("create", "truth", f"--output={trace}")
        self.lttng("enable-channel", "-u", "-s", "truth", "c")
        self.lttng("enable-event", "-u", "-s", "truth", "-c", "c", "--all")
        for context in CONTEXTS:
            self.lttng("add-context", "-u", "-s", "truth", "-c", "c", "-t", context)
        self.lttng("start", "truth")
        done = interop_test.run("sh", "-ec", SCRIPT, env=dict(
            self.environment, LTTNG_UST_REGISTER_TIMEOUT="-1", LTTNG_UST_WITHOUT_BADDR_STATEDUMP="1",
            LTTNG_UST_WITHOUT_PROCNAME_STATEDUMP="1"))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.lttng("stop", "truth")
        self.lttng("destroy", "truth")
        return trace

    def record_by_sillage(self):
        trace = self.directory / "ours"
        with Sandbox() as box:
            contexts = [word for context in CONTEXTS for word in ("--context", context)]
            _, summary = box.sillage("record", "--ust-compat", "-o", trace, *contexts, "--", "sh", "-ec", SCRIPT)
        self.assertRegex(summary, r"events lost +0\b")
        return trace

    def test_same_text(self):
        self.need("lttng", "lttng-sessiond", "babeltrace2")
        self.start_lttng()
        theirs = text_of(self.record_by_lttng())
        ours = text_of(self.record_by_sillage())
        self.assertEqual(len(theirs), int(ROUNDS) * (5 * PER_ROUND + CPP_PER_ROUND + BY_HAND))
        for number, pair in enumerate(zip(ours, theirs)):
            self.assertEqual(*pair, f"event {number}")
        self.assertEqual(len(ours), len(theirs))


if __name__ == "__main__":
    if not all(shutil.which(program) for program in ("lttng", "lttng-sessiond", "babeltrace2")):
        sys.exit(77)
    interop_test.enter_namespace()
    os.environ.pop("LD_LIBRARY_PATH", None)
    unittest.main(argv=sys.argv[:1], defaultTest="Truth.test_same_text")
