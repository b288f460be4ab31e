#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events at all moments of a program's life are in the trace, each as often as it happened.

    run.py SILLAGE PROGRAM PLUGIN
"""

import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROUNDS = 30
EXPECTED = {
    "life:constructor_102": 1, "life:static_constructor": 1, "life:static_destructor": 1, "life:destructor_102": 1,
    "life:at_exit": 1, "life:in_signal_handler": ROUNDS, "life:in_fault_handler": 1, "life:in_malloc": 10,
    "life:in_vfork_child": 1, "plugin:constructed": ROUNDS, "plugin:destroyed": ROUNDS, "plugin:in_inline": ROUNDS,
    "plugin:in_template": 2 * ROUNDS, "shared:event": 2 * ROUNDS,
}


def main():
    sillage, program, plugin = sys.argv[1:]
    failures = 0
    for rseq in ("1", "0"):
        folder = tempfile.mkdtemp(prefix="sillage-lifecycle-")
        os.mkdir(os.path.join(folder, "run"), 0o700)
        trace = os.path.join(folder, "trace")
        environment = dict(os.environ, SILLAGE_RUNTIME_DIR=os.path.join(folder, "run"), SILLAGE_RSEQ=rseq)
        recording = subprocess.run([sillage, "record", "-o", trace, "--", program, plugin, str(ROUNDS)], env=environment,
                                   capture_output=True, text=True, timeout=60)
        text = subprocess.run(["babeltrace2", trace], capture_output=True, text=True, timeout=60)
        counts = collections.Counter(re.findall(r"\) \S+ (\S+:\S+): \{", text.stdout))
        if recording.returncode != 0 or text.returncode != 0 or counts != EXPECTED:
            failures += 1
            print(f"FAILED rseq={rseq}: exit {recording.returncode}\n{recording.stdout}{recording.stderr}{text.stderr}")
            for name in sorted(set(counts) | set(EXPECTED)):
                if counts[name] != EXPECTED.get(name, 0):
                    print(f"  {name}: expected {EXPECTED.get(name, 0)}, found {counts[name]}")
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{2 - failures} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
