#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What programs and plug-ins bring themselves: contexts ($app.PROVIDER:TYPE), clock, number of the CPU. The same text under
LTTng and under Sillage.

contexts_test.py BIN_DIRECTORY UST_PROGRAMS UST_LIBRARIES: of the build.
"""

import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BIN, PROGRAMS, LIBRARIES = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
sys.path.insert(0, str(HERE.parent / "lttng"))
import scripts_test  # pylint: disable=wrong-import-position
from scripts_test import Side  # pylint: disable=wrong-import-position
from truth_test import text_of  # pylint: disable=wrong-import-position

ROUNDS = 40
# In between those that have one size always.
CONTEXTS = ("vpid", "$app.test:kind", "procname", "$app.test:text", "$app.test:absent", "$app.nobody:here", "vtid")
CLOCK = {"LTTNG_UST_CLOCK_PLUGIN": str(PROGRAMS / "clock_plug_in.so")}
REFUSED = ("$app.test", "$app:test", "$app.test:", "$app.:kind")


class Session(Side):
    def lttng(self, *words, code=0):
        done = subprocess.run([*self.command, *words], env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        assert (done.returncode == 0) == (code == 0), f"{self.name}: {words}: {done.stdout}"
        return done.stdout

    def record(self, program):
        said = []
        trace = self.root / "contexts"
        self.lttng("create", "contexts", f"--output={trace}")
        self.lttng("enable-channel", "-u", "c")
        self.lttng("enable-event", "-u", "-c", "c", "life:*")
        for context in CONTEXTS:
            said.append(self.lttng("add-context", "-u", "-c", "c", "-t", context))
        for context in REFUSED + CONTEXTS[1:2]:
            self.lttng("add-context", "-u", "-c", "c", "-t", context, code=1)
        said.append(self.lttng("--mi=xml", "add-context", "-u", "-c", "c", "-t", "$app.test:last").split("<output>")[1])
        self.lttng("start")
        subprocess.run([program, str(ROUNDS)], env=self.environment, check=True, timeout=60)
        self.lttng("destroy", "--all")
        return said + text_of(trace)


    def record_elsewhere(self, program):
        """CPUs of a program that runs on one and says that it runs on the other."""
        trace = self.root / "elsewhere"
        self.lttng("create", "elsewhere", f"--output={trace}")
        self.lttng("enable-event", "-u", "life:*")
        self.lttng("start")
        environment = dict(self.environment, LTTNG_UST_GETCPU_PLUGIN=str(PROGRAMS / "cpu_plug_in.so"))
        subprocess.run(["taskset", "-c", "0", program, str(ROUNDS)], env=environment, check=True, timeout=60)
        self.lttng("destroy", "--all")
        done = subprocess.run(["babeltrace2", trace], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
        return [re.findall(r"cpu_id = (\d+)", line) for line in done.stdout.splitlines() if "life:" in line]


    def record_timed(self, program):
        """The clock as the trace describes it, and what it said of each event; both with bounds."""
        trace = self.root / "timed"
        self.lttng("create", "timed", f"--output={trace}")
        self.lttng("enable-event", "-u", "life:*")
        self.lttng("start")
        before = time.time(), time.monotonic_ns() // 1000
        subprocess.run([program, str(ROUNDS)], env=dict(self.environment, **CLOCK), check=True, timeout=60)
        after = time.time(), time.monotonic_ns() // 1000 + 1
        self.lttng("destroy", "--all")

        def printed(*words):
            return subprocess.run(["babeltrace2", *words], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
        times = [[float(re.match(r"\[([\d.]+)\]", line).group(1)) for line in printed(option, trace).splitlines()
                  if "life:" in line] for option in ("--clock-seconds", "--clock-cycles")]
        assert [len(each) for each in times] == [3 * ROUNDS + 1] * 2, (self.name, times)
        # LTTng's offset is measured to some milliseconds.
        assert before[0] - 0.1 < min(times[0]) and max(times[0]) < after[0] + 0.1, (self.name, before, times[0], after)
        assert before[1] <= min(times[1]) and max(times[1]) <= after[1], (self.name, before, times[1], after)
        assert times[1] == sorted(times[1])
        folder = [path.parent for path in trace.rglob("metadata")]
        assert len(folder) == 1, folder
        text = printed("-o", "ctf-metadata", folder[0])
        clock = re.search(r"clock \{(.*?)\}", text, re.DOTALL).group(1)
        return sorted(re.findall(r'(name|uuid|description|freq) = ("?[^;]*?"?);', clock))


def filtered(trace):
    """How many events of a trace `sillage read` finds by a context that the program brought."""
    counts = []
    for expression in ("$app.test:kind > 200", "$app.test:kind < 12.0", '$app.test:kind == "*"', "n == 50"):
        done = subprocess.run([BIN / "sillage", "read", "--filter", expression, trace], stdout=subprocess.PIPE, text=True, check=True,
                              timeout=60)
        counts.append(len(done.stdout.splitlines()))
    return counts


def main():
    with scripts_test.sides_of_ust_program(Session, LIBRARIES) as (theirs, ours):
        # LTTng's daemon describes the clock that it has itself, in all its traces.
        theirs.environment.update(CLOCK, LTTNG_UST_REGISTER_TIMEOUT="-1")
        with scripts_test.daemons(theirs, ours):
            one, other = (side.record(PROGRAMS / "contexts") for side in (theirs, ours))
            counts = [filtered(side.root / "contexts") for side in (theirs, ours)]
            clocks = [side.record_timed(PROGRAMS / "contexts") for side in (theirs, ours)]
            elsewhere, our_elsewhere = (side.record_elsewhere(PROGRAMS / "contexts") for side in (theirs, ours))
        assert len(one) == 3 * ROUNDS + 1 + len(CONTEXTS) + 1, len(one)
        for number, (line, our_line) in enumerate(zip(one, other)):
            assert line == our_line, f"line {number}:\n{line}\n{our_line}"
        assert len(one) == len(other), (len(one), len(other))
        # Integers, numbers with a fraction, texts: of each type only some events have a value that fits.
        assert counts[0] == counts[1] and all(counts[0]), counts
        assert elsewhere == [["1"]] * (3 * ROUNDS + 1), elsewhere
        assert elsewhere == our_elsewhere, our_elsewhere
        assert [(key, value.strip('"')) for key, value in clocks[0]] == \
            [(key, value.strip('"')) for key, value in clocks[1]], clocks
        assert dict(clocks[1])["freq"] == "1000000", clocks
        # Events with nobody to ask, of each type, with a text longer than any buffer of ours.
        assert sum("xxxxx" * 599 in line for line in other) == 1
        for kind in ("none", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double",
                     "string"):
            assert any(f'kind_tag = ( "_{kind}"' in line for line in other), kind


if __name__ == "__main__":
    main()
