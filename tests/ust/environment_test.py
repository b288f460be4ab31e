#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What LTTng-UST's variables make of its programs (lttng-ust(3), "Environment variables"), under LTTng and under Sillage.

environment_test.py BIN_DIRECTORY UST_PROGRAMS UST_LIBRARIES: of the build.
"""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BIN, PROGRAMS, LIBRARIES = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
sys.path.insert(0, str(HERE.parent / "lttng"))
import scripts_test  # pylint: disable=wrong-import-position
from scripts_test import Side  # pylint: disable=wrong-import-position

PROGRAM = PROGRAMS / "built_in"
EVENTS = 14  # of a round
DEFAULT = 3.0
ROUNDS = 4000
SENT = 3 * ROUNDS + 1


class Session(Side):
    def lttng(self, *words):
        done = subprocess.run([*self.command, *words], env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        assert done.returncode == 0, f"{self.name}: {words}: {done.stdout}"

    @contextlib.contextmanager
    def session(self, name, *events, channel=()):
        """Its trace's directory."""
        trace = self.root / name
        self.lttng("create", name, f"--output={trace}")
        self.lttng("enable-channel", "-u", "c", *channel)
        self.lttng("add-context", "-u", "-c", "c", "-t", "vpid")
        for event in events:
            self.lttng("enable-event", "-u", "-c", "c", event)
        self.lttng("start")
        yield trace
        self.lttng("destroy", name)

    def start(self, *command, **variables):
        """A program that is told nothing but these of how long it may wait."""
        environment = {name: value for name, value in self.environment.items() if "REGISTER_TIMEOUT" not in name}
        return subprocess.Popen(list(map(str, command)), env={**environment, **variables}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def seconds_of(self, **variables):
        """How long a program runs while the daemon does nothing."""
        os.kill(self.daemon.pid, signal.SIGSTOP)
        try:
            begin = time.monotonic()
            program = self.start(PROGRAM, 1, **variables)
            program.communicate(timeout=60)
            return time.monotonic() - begin
        finally:
            os.kill(self.daemon.pid, signal.SIGCONT)

    def waits_forever(self):
        """A program that waits as long as it takes; then it is recorded from its first event on."""
        with self.session("patient", "every:*", "old_names:*") as trace:
            os.kill(self.daemon.pid, signal.SIGSTOP)
            program = self.start(PROGRAM, 1, LTTNG_UST_REGISTER_TIMEOUT="-1")
            time.sleep(DEFAULT + 0.3)
            is_waiting = program.poll() is None
            os.kill(self.daemon.pid, signal.SIGCONT)
            program.communicate(timeout=60)
        assert is_waiting, f"{self.name}: -1 is no end"
        return len(lines_of(trace))

    def blocking(self, **variables):
        """What is recorded of a program that is faster than its small buffers."""
        channel = ("--blocking-timeout=inf", "--subbuf-size=4096", "--num-subbuf=2")
        with self.session(f"blocking{len(list(self.root.glob('blocking*')))}", "life:step", channel=channel) as trace:
            program = self.start(PROGRAMS / "contexts", ROUNDS, LTTNG_UST_REGISTER_TIMEOUT="-1", **variables)
            program.communicate(timeout=120)
        return len(lines_of(trace))

    def state_dumps(self):
        """The events that programs tell of themselves, for each way of theirs."""
        ways = ("", "LTTNG_UST_WITHOUT_BADDR_STATEDUMP", "LTTNG_UST_WITHOUT_PROCNAME_STATEDUMP")
        pids = {}
        with self.session("dumps", "lttng_ust_statedump:*") as trace:
            for way in ways:
                program = self.start(PROGRAM, 1, LTTNG_UST_REGISTER_TIMEOUT="-1", **({way: ""} if way else {}))
                pids[program.pid] = way
                program.communicate(timeout=60)
        found = collections.defaultdict(set)
        for line in lines_of(trace):
            name, pid = re.search(r"lttng_ust_statedump:(\w+).*vpid = (\d+)", line).groups()
            if int(pid) in pids:
                found[pids[int(pid)]].add(name)
        return dict(found)


def lines_of(trace):
    done = subprocess.run(["babeltrace2", trace], stdout=subprocess.PIPE, stderr=None, text=True, check=False,
                          timeout=60)
    return done.stdout.splitlines()


def check_timeouts(side):
    least = {"0": 0, "no number": 0, "800": 0.8, None: DEFAULT}
    for value, seconds in least.items():
        took = side.seconds_of(**({} if value is None else {"LTTNG_UST_REGISTER_TIMEOUT": value}))
        print(f"{side.name}: {value}: {took:.2f} s", flush=True)
        # What is shorter than the default is not the default.
        assert took >= seconds and (value is None or took < DEFAULT), f"{side.name}: {value}: {took:.2f} s"
    count = side.waits_forever()
    assert count == EVENTS, f"{side.name}: {count} events"


def check_blocking(side):
    # A reader may be fast enough, but not always.
    assert any(side.blocking() < SENT for _ in range(5)), f"{side.name}: blocks unasked"
    # Any value says it.
    for value in ("1", "0", ""):
        recorded = side.blocking(LTTNG_UST_ALLOW_BLOCKING=value)
        print(f"{side.name}: blocking {value!r}: {recorded} of {SENT}", flush=True)
        assert recorded == SENT, f"{side.name}: does not block"
        if side.name == "theirs":
            break


def check(side):
    check_timeouts(side)
    check_blocking(side)
    return side.state_dumps()


def main():
    with scripts_test.sides_of_ust_program(Session, LIBRARIES) as (theirs, ours):
        with scripts_test.daemons(theirs, ours):
            with concurrent.futures.ThreadPoolExecutor() as at_once:
                one, other = at_once.map(check, (theirs, ours))
        # LTTng 2.13.5 does not know the third, whatever its manual says.
        for way in ("", "LTTNG_UST_WITHOUT_BADDR_STATEDUMP"):
            assert one[way] == other[way], (one, other)
        assert "bin_info" in other[""] and "procname" in other[""], other
        assert not other["LTTNG_UST_WITHOUT_BADDR_STATEDUMP"] & {"bin_info", "build_id", "debug_link"}, other
        assert "procname" not in other["LTTNG_UST_WITHOUT_PROCNAME_STATEDUMP"], other


if __name__ == "__main__":
    main()
