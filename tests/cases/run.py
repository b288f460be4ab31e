# SPDX-License-Identifier: MIT
"""Runs declarative cases: run.py BIN_DIRECTORY FILE [PATTERN]. README.md says what a case is."""

import collections
import fnmatch
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tomllib

from sillage_test import Sandbox, check, read_trace, wait_until

SKIPPED = 77
KEYS = {"name", "requires", "steps", "events", "matches"}
REQUIREMENTS = {"kernel": lambda: os.geteuid() == 0 and os.path.exists("/sys/kernel/btf/vmlinux")}


class Case:
    """One case, in a sandbox of its own: a daemon, a home, and a program that emits what it is told."""

    def __init__(self, box, case):
        self.box, self.case = box, case
        self.out = box.root / "out"
        self.out.mkdir()
        box.environment["LTTNG_HOME"] = str(box.root)
        self.program = subprocess.Popen([str(box.bin / "lttng_tour")], env=box.environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        box.processes.append(self.program)
        check(self.program.stdout.readline() == "ready\n", "a program that is ready")

    def run(self):
        for line in filter(None, map(str.strip, self.case["steps"].splitlines())):
            if not line.startswith("#"):
                self.step(self.filled(line))
        self.program.stdin.close()
        self.program.wait()
        self.program.stdout.close()
        for place, wanted in self.case.get("events", {}).items():
            check(self.counts(place) == wanted, f"events of {place}: {self.counts(place)}, wanted {wanted}")
        for place, pattern in self.case.get("matches", {}).items():
            pattern = self.filled(pattern)
            wrong = [line for line in self.lines(place) if not re.search(pattern, line)]
            check(self.lines(place) and not wrong, f"events of {place} that do not match {pattern}: {wrong[:2]}")

    def filled(self, text):
        for word, value in (("OUT", self.out), ("BIN", self.box.bin), ("PID", self.program.pid)):
            text = text.replace(word, str(value))
        return text

    def step(self, line):
        command, _, said = line.partition(" => ")
        fails = command.startswith("! ")
        words = shlex.split(command.removeprefix("! "))
        if words[0] == "emit":
            self.program.stdin.write(words[1] + "\n")
            self.program.stdin.flush()
            check(self.program.stdout.readline() == "done\n", "an answer of the program")
            return
        if words[0] in ("run", "until"):
            if words[0] == "until":
                words = words[1:]
                wait_until(lambda: self.run_other(words[1:]).returncode == 0, " ".join(words[1:]), 30)
            done = self.run_other(words[1:])
            check((done.returncode != 0) == fails, f"{command}: status {done.returncode}\n{done.stdout}")
            check(said in done.stdout, f"{command}: no {said!r} in\n{done.stdout}")
            return
        done = subprocess.run([str(self.box.bin.parent / "libexec/lttng"), *words], env=self.box.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        printed = done.stdout + done.stderr
        check((done.returncode not in (0, 4)) == fails, f"{command}: status {done.returncode}\n{printed}")
        check(said in printed, f"{command}: no {said!r} in\n{printed}")

    def run_other(self, words):
        return subprocess.run(words, env=self.box.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)

    def lines(self, place):
        return [line for path in sorted(self.out.glob(place)) for line in read_trace(path)]

    def counts(self, place):
        """How many events there are of each name; of those of the whole machine only the ones that the case names."""
        names = collections.Counter(re.search(r"\(\S+\) \S+ ([^ {]+): ", line).group(1) for line in self.lines(place))
        if "kernel" in self.case.get("requires", []):
            return {name: names[name] for name in self.case["events"][place]}
        return dict(names)


def main():
    cases = tomllib.loads(pathlib.Path(sys.argv[2]).read_text())["case"]
    pattern = sys.argv[3] if len(sys.argv) > 3 else "*"
    failed = run = 0
    for case in cases:
        assert set(case) <= KEYS, f"{case['name']}: unknown keys {set(case) - KEYS}"
        if not fnmatch.fnmatch(case["name"], pattern):
            continue
        missing = [each for each in case.get("requires", []) if not REQUIREMENTS[each]()]
        if missing:
            print(f"skipped  {case['name']}: no {', '.join(missing)}")
            failed += os.environ.get("SILLAGE_REQUIRE_KERNEL") == "1"
            continue
        run += 1
        with Sandbox() as box:
            try:
                Case(box, case).run()
                print(f"ok       {case['name']}", flush=True)
            except (AssertionError, SystemExit) as error:
                failed += 1
                print(f"FAILED   {case['name']}: {error}", flush=True)
    sys.exit(1 if failed else 0 if run else SKIPPED)


if __name__ == "__main__":
    main()
