#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Filters of LTTng-UST's programs, of fields that are recorded and of those that are not: the same events as under LTTng.

filters_test.py BIN_DIRECTORY UST_PROGRAMS UST_LIBRARIES: of the build. One session for each filter, all at once.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BIN, PROGRAMS, LIBRARIES = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
sys.path.insert(0, str(HERE.parent / "lttng"))
import scripts_test  # pylint: disable=wrong-import-position
from scripts_test import Side  # pylint: disable=wrong-import-position
from truth_test import text_of  # pylint: disable=wrong-import-position

ROUNDS = 48
FILTERS = (
    # Behind texts and sequences, whose sizes are of each event.
    ("every:strings", 'whole == "with*"'),
    ("every:strings", 'four == "0123" || part == "wi"'),
    ("every:strings", 'part_size_t == "wit" && missing == "(null)"'),
    # LTTng also lets those through whose elements behind the last one happen to fit, so no others are asked for.
    ("every:sequences", "length_8[0] == -1 && network_hex[0] > 0"),
    ("old_names:mixed", "number > 5 && state > 3"),
    ("old_names:mixed", 'text == "a b" && part == "a*" && number < 20'),
    # Not recorded.
    ("every:integers", "not_written < 0"),
    ("every:integers", "not_written == i32 && u8 > 100"),
    ("every:reals", "not_written < 0.3 && not_written > 0.0"),
    ("every:strings", 'not_written == "0123*"'),
    ("every:strings", 'not_written == "a*" || part_not_written == "wi"'),
    ("every:strings", 'four_not_written == "with"'),
    ("every:choices", "not_written >= 4 && not_written <= 9"),
    ("every:choices", "not_written == state && small < 5"),
    # In front of a field that is not recorded.
    ("every:integers", "i64 > 0 && truth == 1"),
    # Too large for the short way, and without one.
    ("long_way:filled", "unwritten > 1000 && before < 2500"),
    ("long_way:filled", 'whole == "xxxxx*" && unwritten > 20'),
    ("long_way:large", "items[3] == 3"),
    ("long_way:many", 'two_b_1 == 7 || five_d_4 == "fort*"'),
    # Of contexts that the program brings, whose types change from event to event; and not always.
    ("life:step", "$app.test:signed > 20"),
    ("life:step", "$app.test:signed < 300"),
    ("life:step", "$app.test:signed >= 6.5"),
    ("life:step", "$app.test:signed & 1"),
    ("life:step", "!($app.test:signed == 55)"),
    ("life:step", '$app.test:signed != "xyz"'),
    ("life:step", '$app.test:text == "a*" || n > 100 && $app.test:text == "x*"'),
    ("life:step", '$app.test:text < 3'),
    ("life:step", "n < 100 && $app.test:signed == $app.test:signed"),
    ("life:step", "$app.test:absent == 0 || $app.test:absent != 0"),
    ("life:step", "$app.nobody:here == 0"),
    # LTTng takes no unsigned value for a number: of ours as many more.
    ("life:step", "$app.test:kind > 20"),
)
UNSIGNED = 16
NAMES = ("built_in", "by_hand", "contexts")


class Session(Side):
    def record(self):
        """The text of what each filter let through."""
        def begin(*words):
            return subprocess.Popen([*self.command, *words], env=self.environment, stdin=subprocess.DEVNULL, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        def end(command):
            text = command.communicate(timeout=60)[0]
            assert command.returncode == 0, f"{self.name}: {command.args}: {text}"

        def lttng(*words):
            end(begin(*words))
        for number, (event, expression) in enumerate(FILTERS):
            lttng("create", f"f{number}", f"--output={self.root}/f{number}")
            lttng("enable-event", "-u", "-s", f"f{number}", event, "--filter", expression)
            lttng("start", f"f{number}")
        for program in NAMES:
            subprocess.run([PROGRAMS / program, str(ROUNDS)], env=self.environment, check=True, timeout=60)
        # Each of LTTng's waits for half a second.
        for command in [begin("destroy", f"f{number}") for number in range(len(FILTERS))]:
            end(command)
        return [text_of(self.root / f"f{number}") if any((self.root / f"f{number}").rglob("metadata")) else []
                for number in range(len(FILTERS))]


def compare(theirs, ours):
    fine = True
    for (event, expression), one, other in zip(FILTERS, theirs, ours):
        print(f"{event}, {expression}: {len(one)} events", flush=True)
        if "$app.test:kind" in expression:
            fine = fine and set(one) < set(other) and len(other) == len(one) + UNSIGNED
        elif one != other:
            fine = False
            print(f"  {len(other)} with us; such as\n    {(set(one) ^ set(other) or {'-'}).pop()}")
    return fine


def main():
    with scripts_test.sides_of_ust_program(Session, LIBRARIES) as (theirs, ours):
        with scripts_test.daemons(theirs, ours):
            fine = compare(*(side.record() for side in (theirs, ours)))
        sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
