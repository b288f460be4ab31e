# SPDX-License-Identifier: MIT
"""F33: very many kinds of events, channels, contexts, very long names: time grows with their number, and every limit is said.

SILLAGE_LONG=1: a million kinds of events.
"""

import os
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, check, lost, recorded  # noqa: E402

LONG = os.environ.get("SILLAGE_LONG") == "1"
KINDS = (250_000, 1_000_000) if LONG else (10_000, 40_000)


def record(box, name, kinds, *name_bytes):
    """Seconds from the command to its end, the summary, what the program said."""
    begin = time.monotonic()
    done = subprocess.run([box.bin / "sillage", "record", "-o", box.root / name, "--", box.bin / "many_events_program",
                           str(kinds), *map(str, name_bytes)], env=box.environment, capture_output=True, text=True, timeout=600)
    check(done.returncode == 0, done.stderr)
    return time.monotonic() - begin, done.stderr, int(done.stdout.split()[0])


def main():
    with Sandbox() as box:
        box.environment["SILLAGE_REGISTER_TIMEOUT_MS"] = "60000"
        box.start_daemon()
        took = {}
        for kinds in KINDS:
            took[kinds], summary, emitted = record(box, f"t{kinds}", kinds)
            print(f"{kinds}: {took[kinds]:.2f} s, {emitted} emitted\n{summary}")
            os.system(f"{box.bin}/sillage read --format count {box.root}/t{kinds} | tail -3; ls -lh {box.root}/t{kinds}/ust/uid/*/64-bit")
        print(record(box, "long", 10, 4096))


main()
