#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Scripts as users of LTTng's documentation write them, under LTTng's own programs and under ours: the same messages,
the same exit statuses in kind, traces with the same events. The traced program is built twice, from one source.

scripts_test.py BIN_DIRECTORY: of the build, which has sillage, sillaged and both tours.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(pathlib.Path(__file__).parent.parent / folder) for folder in ("daemon", "read")]
from interop_test import IN_NAMESPACE, enter_namespace  # pylint: disable=wrong-import-position

SKIPPED = 77

# A line of a script is a command line of lttng, or "emit N" for the program. OUT is a directory of the script's own.
# LTTng 2.13's daemon dies of `list` where a rule has exclusions, so no script lists those.
SCRIPTS = {
    "one session from creation to destruction": """
        lttng create my-session --output=OUT/a
        lttng enable-event --userspace tour:step
        lttng start
        emit 10
        lttng stop
        lttng destroy""",
    "a pattern, a level, an exclusion": """
        lttng create levels -o OUT/a
        lttng enable-event -u 'tour:*' --exclude=tour:detail --loglevel=TRACE_INFO
        lttng start
        emit 5
        lttng destroy""",
    "only one level": """
        lttng create only -o OUT/a
        lttng enable-event -u --all --loglevel-only=CRIT
        lttng start
        emit 5
        lttng destroy""",
    "live tuning of rules": """
        lttng create tuned -o OUT/a
        lttng enable-event -u tour:step
        lttng start
        emit 5
        lttng enable-event -u tour:detail
        emit 5
        lttng disable-event -u tour:step
        emit 5
        lttng enable-event -u tour:step
        emit 5
        lttng disable-event -u --all-events
        emit 5
        lttng stop
        lttng destroy""",
    "stopped and started again": """
        lttng create again -o OUT/a
        lttng enable-event -u tour:step,tour:alarm
        lttng start
        emit 3
        lttng stop
        emit 3
        lttng start
        emit 3
        lttng stop again
        lttng start again
        emit 3
        lttng destroy again""",
    "a channel with options": """
        lttng create options -o OUT/a
        lttng enable-channel --userspace --subbuf-size=64k --num-subbuf=8 --discard --read-timer=200 mine
        lttng enable-event -u -c mine tour:detail
        lttng list options
        lttng start
        emit 100
        lttng stop
        lttng status
        lttng destroy""",
    "sizes that are rounded up": """
        lttng create rounded -o OUT/a
        lttng enable-channel -u --subbuf-size=100000 --num-subbuf=3 mine
        lttng list rounded --channel=mine
        lttng destroy""",
    "a filter": """
        lttng create filtered -o OUT/a
        lttng enable-event -u tour:step --filter=index>=3&&text=="odd"
        lttng enable-event -u tour:alarm --filter=index<2
        lttng start
        emit 10
        lttng disable-event -u tour:alarm
        emit 10
        lttng destroy""",
    "buffers of a process": """
        lttng create process -o OUT/a
        lttng enable-channel -u --buffers-pid mine
        lttng enable-event -u --channel=mine tour:step
        lttng start
        emit 20
        lttng stop
        lttng destroy""",
    "contexts": """
        lttng create contexts -o OUT/a
        lttng enable-channel -u one,two
        lttng enable-event -u -c one tour:step
        lttng enable-event -u -c two tour:alarm
        lttng add-context -u -t procname
        lttng add-context -u -c two -t vpid -t vtid
        lttng start
        emit 4
        lttng destroy""",
    "two channels, one of them disabled": """
        lttng create two -o OUT/a
        lttng enable-channel -u one,two
        lttng enable-event -u -c one tour:step
        lttng enable-event -u -c two tour:alarm
        lttng disable-channel -u two
        lttng start
        emit 4
        lttng enable-channel -u two
        emit 4
        lttng destroy""",
    "two sessions and the current one": """
        lttng create first -o OUT/a
        lttng create second -o OUT/b
        lttng list
        lttng set-session first
        lttng enable-event -u tour:step
        lttng enable-event -u -s second tour:alarm
        lttng start first
        lttng start second
        emit 6
        lttng stop second
        emit 6
        lttng destroy --all
        lttng list""",
    "nobody is tracked, then everybody": """
        lttng create tracked -o OUT/a
        lttng enable-event -u tour:step
        lttng untrack -u --vpid --all
        lttng start
        emit 3
        lttng track -u --vpid --all
        emit 3
        lttng untrack -u --vuid --all
        emit 3
        lttng destroy""",
    "a snapshot when something went wrong": """
        lttng create flight --snapshot --output=OUT/a
        lttng list flight
        lttng snapshot record
        lttng enable-event -u tour:step,tour:alarm
        lttng rotate
        lttng start
        emit 20
        lttng snapshot record
        lttng snapshot record --name=mine OUT/b
        lttng snapshot list-output
        lttng snapshot del-output 1
        lttng snapshot add-output --name=small --max-size=2M OUT/c
        lttng snapshot list-output
        lttng snapshot del-output small
        lttng snapshot del-output small
        lttng snapshot record
        lttng snapshot add-output
        lttng snapshot foo
        lttng snapshot
        lttng list flight
        lttng clear
        lttng stop
        lttng regenerate metadata
        lttng destroy""",
    "snapshots of what clear left": """
        lttng create flight --snapshot --output=OUT/a
        lttng enable-event -u tour:step
        lttng start
        emit 20
        lttng clear
        emit 10
        lttng stop
        lttng snapshot record
        lttng destroy""",
    "one chunk after the other": """
        lttng create chunks --output=OUT/a
        lttng enable-event -u tour:step
        lttng rotate
        lttng snapshot record
        lttng start
        emit 10
        lttng rotate
        emit 20
        lttng rotate
        emit 5
        lttng regenerate metadata
        lttng regenerate statedump
        lttng regenerate foo
        lttng regenerate
        lttng stop
        emit 3
        lttng rotate
        lttng rotate
        lttng start
        emit 4
        lttng destroy""",
    "rotation by schedule": """
        lttng create schedule --output=OUT/a
        lttng enable-event -u tour:step
        lttng start
        emit 10
        lttng enable-rotation --timer=10000000
        lttng enable-rotation --timer=10000000
        lttng enable-rotation --size=10M
        lttng enable-rotation
        lttng enable-rotation --timer=soon
        lttng list schedule
        lttng disable-rotation --timer
        lttng disable-rotation --timer
        lttng disable-rotation --size
        lttng disable-rotation
        lttng clear
        emit 5
        lttng rotate nobody
        lttng clear nobody
        lttng stop
        lttng destroy""",
    "trace files as rings": """
        lttng create rings --output=OUT/a
        lttng enable-channel -u --subbuf-size=4k --num-subbuf=64 --tracefile-size=1M --tracefile-count=2 mine
        lttng enable-event -u -c mine tour:step
        lttng start
        emit 100
        lttng stop
        lttng list rings
        lttng destroy""",
    "no output but a snapshot": """
        lttng create none --no-output
        lttng list none
        lttng enable-event -u tour:step
        lttng start
        emit 10
        lttng snapshot list-output
        lttng snapshot record
        lttng snapshot record --max-size=foo OUT/a
        lttng snapshot record OUT/a
        lttng rotate
        lttng destroy""",
    "mistakes": """
        lttng start
        lttng set-session nobody
        lttng foo
        lttng create one -o OUT/a
        lttng create one -o OUT/b
        lttng create a/b
        lttng enable-event tour:step
        lttng enable-event -u
        lttng enable-event -u --bad tour:step
        lttng enable-event -u tour:step
        lttng enable-event -u tour:step
        lttng enable-event -u tour:step -x tour:alarm
        lttng enable-event -u tour:x --loglevel=LOUD
        lttng disable-event -u tour:nothing
        lttng enable-channel -u channel0
        lttng enable-channel -u --subbuf-size=many x
        lttng enable-channel -u --tracefile-count=3 x
        lttng enable-channel -u a/b
        lttng disable-channel -u nothing
        lttng add-context -u -t nothing
        lttng stop
        lttng start
        lttng start
        emit 2
        lttng stop
        lttng stop
        lttng destroy nobody
        lttng destroy
        lttng destroy""",
}
# A dot for each time it looked whether data are there yet; the place of a session in its table.
CHANCE = re.compile(r"\.+$|^  \d+\)")
DATETIME = re.compile(r"\d{8}T\d{6}[+-]\d{4}|\d{8}-\d{6}")


class Side:
    """One implementation: its command, its daemon, its build of the program."""

    def __init__(self, name, command, program, root):
        self.name, self.command, self.program, self.root = name, command, program, root / name
        (self.root / "run").mkdir(parents=True, mode=0o700)
        self.environment = dict(os.environ, LTTNG_HOME=str(self.root), HOME=str(self.root),
                                SILLAGE_RUNTIME_DIR=str(self.root / "run"), SILLAGE_REGISTER_TIMEOUT_MS="5000",
                                LTTNG_UST_REGISTER_TIMEOUT="-1")
        self.daemon = None

    def start_daemon(self, daemon):
        # LTTng's daemons have its tracepoints, too: they are not to wait for each other.
        environment = dict(self.environment, LTTNG_UST_REGISTER_TIMEOUT="0")
        self.daemon = subprocess.Popen(daemon, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        give_up = time.monotonic() + 20
        while subprocess.run([*self.command, "list"], env=self.environment, capture_output=True,
                             check=False).returncode != 0:
            if self.daemon.poll() is not None or time.monotonic() > give_up:
                return False
            time.sleep(0.05)
        return True

    def stop_daemon(self):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            self.daemon.wait(5 if self.name == "theirs" else 30)
        except subprocess.TimeoutExpired:
            if self.name != "theirs":
                raise
            os.killpg(self.daemon.pid, signal.SIGKILL)  # LTTng's daemons may wait for each other

    def emit(self, program, rounds):
        program.stdin.write(rounds + "\n")
        program.stdin.flush()
        assert program.stdout.readline() == "done\n"

    def run(self, script, directory):
        """What each line of a script prints, and its status."""
        results = []
        program = subprocess.Popen([self.program], env=self.environment, text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        assert program.stdout.readline() == "ready\n"
        for line in script.strip().splitlines():
            words = line.replace("OUT", str(directory)).replace("'", "").split()
            if words[0] == "emit":
                self.emit(program, words[1])
                continue
            done = subprocess.run([*self.command, *words[1:]], env=self.environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60, check=False)
            results.append((line.strip(), done.returncode, self.plain(done.stdout), self.plain(done.stderr)))
        program.stdin.close()
        program.wait()
        program.stdout.close()
        return results

    def plain(self, text):
        """Without paths of this side, and what chance makes."""
        plain = DATETIME.sub("TIME", text.replace(str(self.root), "HOME"))
        # LTTng says it behind the dots of its waiting.
        plain = plain.replace("..Trace chunk archive", "..\nTrace chunk archive")
        return sorted(CHANCE.sub("", line) for line in plain.splitlines() if line)


def events(directory):
    """The events of all traces below a directory, as one sorted list of texts without times and CPUs."""
    if not directory.exists():
        return []
    done = subprocess.run(["babeltrace2", "--no-delta", str(directory)], capture_output=True, text=True, check=False)
    lines = []
    for line in done.stdout.splitlines():
        line = re.sub(r"^\[\S+\] \S+ ", "", line)
        line = re.sub(r"cpu_id = \d+|v[pt]id = \d+", "_", line)
        lines.append(line.replace("lttng_ust_tour", "tour").replace("lttng_tour", "tour"))
    return sorted(lines)


def kind(status):
    """LTTng ends with other numbers than its manual says where it fails; 0 and not 0 are what scripts look at."""
    return "succeeds" if status == 0 else "fails"


def compare(name, script, sides):
    directories = [side.root / "out" for side in sides]
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    theirs, ours = (side.run(script, directory) for side, directory in zip(sides, directories))
    wrong = []
    for (line, status, out, err), (_, our_status, our_out, our_err) in zip(theirs, ours):
        if kind(status) != kind(our_status):
            wrong.append(f"{line}: {kind(status)} with LTTng ({status}), {kind(our_status)} with us: {our_err}")
        elif status == 0 and out != our_out:
            wrong.append(f"{line}:\n    LTTng: {out}\n    us:    {our_out}")
        elif status != 0 and not any(said(each, our_err) for each in err or [""]):
            wrong.append(f"{line}:\n    LTTng: {err}\n    us:    {our_err}")
    for folder in ("a", "b"):
        pair = [events(directory / folder) for directory in directories]
        if pair[0] != pair[1]:
            only = [sorted(set(one) - set(other))[:3] for one, other in (pair, pair[::-1])]
            wrong.append(f"events of {folder}: {len(pair[0])} with LTTng, {len(pair[1])} with us; such as {only}")
    print(f"{name}: {len(theirs)} commands, {sum(len(events(directories[1] / f)) for f in 'ab')} events"
          f"{''.join(chr(10) + '  ' + each for each in wrong)}", flush=True)
    return not wrong


OVERLAPPING = """
    lttng create flight --snapshot --output=OUT/a
    lttng enable-event -u tour:step
    lttng start
    emit 10
    lttng snapshot record
    lttng snapshot record
    emit 5
    lttng stop
    lttng snapshot record
    lttng destroy"""


def read_overlapping_snapshots(sides):
    """Both readers give the same of snapshots of one session. LTTng's are parts of one trace, in which a packet that two of
    them have is read once; ours are traces that stand alone, and have what they have."""
    numbers = {}
    for side in sides:
        out = side.root / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        side.run(OVERLAPPING, out)
        snapshots = sorted((out / "a").iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))
        numbers[side.name] = []
        for paths in ([snapshots[0]], [snapshots[2]], snapshots[:2], snapshots[1:], snapshots[::-1], [out / "a"]):
            read = [sorted(re.findall(r"index = (\d+)", subprocess.run([*reader, *map(str, paths)], capture_output=True, text=True,
                                                                       check=True).stdout), key=int)
                    for reader in (["babeltrace2"], [str(BIN / "sillage"), "read"])]
            if read[0] != read[1]:
                print(f"overlapping snapshots of {side.name}: {len(read[0])} events with babeltrace2, {len(read[1])} with us: {paths}")
                return False
            numbers[side.name].append(len(read[0]))
    print(f"overlapping snapshots: {numbers}", flush=True)
    return numbers == {"theirs": [10, 15, 10, 15, 15, 15], "ours": [10, 15, 20, 25, 35, 35]}


def said(theirs, ours):
    """Whether one of our lines begins with, or contains, what LTTng says, up to its first comma or parenthesis."""
    core = re.split(r"[,(]|\. ", theirs.replace("Error: ", "").replace("Warning: ", ""))[0].strip()
    return any(core.lower() in line.lower() for line in ours)


def need(*programs):
    """Ends the test as one that was skipped if one of these is not installed."""
    for program in programs:
        if not shutil.which(program):
            print(f"{program} is not installed")
            sys.exit(SKIPPED)


@contextlib.contextmanager
def daemons(theirs, ours):
    """LTTng's daemon and ours, both running."""
    try:
        if not theirs.start_daemon(["lttng-sessiond", "--no-kernel"]):
            print("lttng-sessiond does not start")
            sys.exit(SKIPPED)
        assert ours.start_daemon([str(BIN / "sillaged")]), "sillaged does not start"
        yield
    finally:
        for side in (theirs, ours):
            if side.daemon and side.daemon.poll() is None:
                side.stop_daemon()


@contextlib.contextmanager
def sides_of_ust_program(side, ust_libraries):
    """LTTng and us as `side` has them, to record the same program; not running yet. Ours finds our libraries for LTTng-UST."""
    need("lttng", "lttng-sessiond", "babeltrace2")
    enter_namespace()
    os.environ.pop("LD_LIBRARY_PATH", None)
    with tempfile.TemporaryDirectory(prefix="sillage-sides-") as root:
        theirs = side("theirs", ["lttng", "-n"], "", pathlib.Path(root))
        ours = side("ours", [str(BIN.parent / "libexec/lttng"), "-n"], "", pathlib.Path(root))
        ours.environment["LD_LIBRARY_PATH"] = str(ust_libraries)
        yield theirs, ours


def main():
    need("lttng", "lttng-sessiond", "babeltrace2", str(BIN / "lttng_ust_tour"))
    enter_namespace()
    if os.geteuid() == 0 and IN_NAMESPACE not in os.environ and \
            subprocess.run(["pgrep", "-x", "lttng-sessiond"], capture_output=True, check=False).returncode == 0:
        print("root's lttng-sessiond runs already, and no mount namespace can be made here")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="sillage-scripts-") as root:
        root = pathlib.Path(root)
        sides = (Side("theirs", ["lttng", "-n"], str(BIN / "lttng_ust_tour"), root),
                 Side("ours", [str(BIN.parent / "libexec/lttng"), "-n"], str(BIN / "lttng_tour"), root))
        fine = True
        with daemons(*sides):
            for name, script in SCRIPTS.items():
                fine = compare(name, script, sides) and fine
            fine = read_overlapping_snapshots(sides) and fine
        sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
