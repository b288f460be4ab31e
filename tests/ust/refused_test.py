#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events whose descriptions nobody's macros make: what cannot be recorded is left out, with a word about it, and what is beside it is
recorded. Under LTTng the same of structures; it takes a dynamic type, and refuses the whole provider for an unknown one.

refused_test.py BIN_DIRECTORY UST_PROGRAMS UST_LIBRARIES: of the build.
"""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BIN, PROGRAMS, LIBRARIES = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
sys.path.insert(0, str(HERE.parent / "lttng"))
import scripts_test  # pylint: disable=wrong-import-position
from scripts_test import Side  # pylint: disable=wrong-import-position

ROUNDS = 3
REASONS = {"structure": "field both: it is a structure", "dynamic": "field any: it is of dynamic type",
           "unknown": "field new: it is of a type that LTTng-UST 2.13 does not have"}


class Session(Side):
    def record(self, event):
        """Events without times, and what the program says of what it cannot do."""
        trace = self.root / event
        for words in (("create", event, f"--output={trace}"), ("enable-event", "-u", "nested:*"), ("start",)):
            subprocess.run([*self.command, *words], env=self.environment, check=True, stdout=subprocess.DEVNULL, timeout=60)
        done = subprocess.run([PROGRAMS / "nested", str(ROUNDS), event], env=dict(self.environment, LTTNG_UST_DEBUG="1"), check=True,
                              timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        subprocess.run([*self.command, "destroy"], env=self.environment, check=True, stdout=subprocess.DEVNULL, timeout=60)
        shown = subprocess.run(["babeltrace2", trace], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
                               timeout=60)
        lines = [re.sub(r".*(nested:\w+): \{ cpu_id = \d+ \}", r"\1", line) for line in shown.stdout.splitlines()]
        return lines, [line for line in done.stderr.splitlines() if line.startswith("sillage:")]


def main():
    expected = [f"nested:plain, {{ number = {n}, twice = {2 * n} }}" for n in range(ROUNDS)]
    with scripts_test.sides_of_ust_program(Session, LIBRARIES) as (theirs, ours):
        with scripts_test.daemons(theirs, ours):
            assert theirs.record("structure")[0] == expected
            for event, reason in REASONS.items():
                lines, said = ours.record(event)
                assert lines == expected, (event, lines)
                assert said == [f"sillage: nested:{event} is not recorded: {reason}"], said


if __name__ == "__main__":
    main()
