#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Wrong command lines end with the same exit status under Debian's lttng and under ours, also where LTTng's is a number of its
daemon's errors and none of those in its manual.

exit_statuses_test.py BIN_DIRECTORY: of the build, which has sillage, sillaged and both tours.
"""

import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from scripts_test import BIN, Side, daemons, need
from interop_test import enter_namespace  # on the path of scripts_test

# Each table: what is there, then wrong command lines, which change nothing.
NOTHING = ("nothing", "", """
bogus
--bogus
--mi=json list
create --bogus
create a b c
create --set-url=bogus://x
create --output=OUT/x --set-url=file:///x
create --ctrl-url=file:///x
create --data-url=file:///x
create --ctrl-url=file:///x --data-url=file:///x
create --set-url=file://x/y
create --set-url=net://nosuch.invalid
create bad/name
destroy nosuch
start
start nosuch
stop
stop nosuch
set-session
set-session nosuch
list nosuch
list --bogus
status
enable-event
enable-event -u
enable-event -u a:b
enable-event -u -s nosuch a:b
enable-channel
enable-channel -u
enable-channel -u c
disable-event
disable-event -u a:b
disable-channel
disable-channel -u c
add-context
add-context -u
add-context -u -t nosuch
add-context -u -t vpid
track
track -u
track -u --vpid=1
untrack
snapshot
snapshot record
rotate
rotate nosuch
enable-rotation
enable-rotation --timer=1s
disable-rotation
clear
clear nosuch
regenerate
regenerate metadata
save nosuch
load nosuch
load --input-path=OUT/nosuch
view --bogus
version --bogus
help bogus
""")
CREATED = ("a session that was created", """
create s --output=OUT/s
enable-channel -u c
enable-event -u -c c a:b
""", """
create s --output=OUT/s
start nosuch
stop
stop nosuch
destroy nosuch
set-session nosuch
enable-channel -u c
enable-channel -u d --subbuf-size=nonsense
enable-channel -u d --subbuf-size=0
enable-channel -u d --num-subbuf=0
enable-channel -u d --num-subbuf=1 --overwrite
enable-channel -u d --tracefile-count=2
enable-channel -u d --output=splice
enable-channel -u d --buffers-global
enable-event -u -c c a:b
enable-event -u -c nosuch a:b
enable-event -u -s nosuch a:b
enable-event -u a:b -x c
enable-event -u a:b --loglevel=NOSUCH
enable-event -u -c c a:z --filter='x >'
enable-event -u c:d
disable-event -u -c c nosuch
disable-event -u -c nosuch a:b
disable-channel -u nosuch
add-context -u -c nosuch -t vpid
add-context -u -t nosuch
track -u --vpid
track -u --vpid=nonsense
untrack -u --vpid=77
snapshot record
snapshot bogus
snapshot add-output
snapshot del-output
rotate
rotate nosuch
rotate a b
enable-rotation
enable-rotation --timer=nonsense
enable-rotation --timer=0
enable-rotation --size=nonsense
disable-rotation
disable-rotation --timer
regenerate
regenerate bogus
regenerate metadata
regenerate metadata -s nosuch
clear nosuch
save nosuch
""")
STARTED = ("a session that is started", CREATED[1] + "start\n", """
start
start s
destroy nosuch
enable-channel -u d
enable-channel -u c
enable-event -u -c c a:b
add-context -u -t vpid
disable-rotation --size
snapshot record
clear nosuch
""")
STOPPED = ("a session that is stopped", STARTED[1] + "stop\n", """
stop
stop s
stop nosuch
rotate nosuch
""")

# Where Sillage does more than LTTng, or tells apart what LTTng does not: (table, command line).
DIFFERENT = {
    ("nothing", "load nosuch"),  # LTTng 2.13 says nothing of it
    ("a session that was created", "untrack -u --vpid=77"),  # of all; a warning of LTTng's
    ("a session that is started", "enable-channel -u d"),  # possible here
    ("a session that is started", "add-context -u -t vpid"),
}


def run(side, line, directory):
    words = line.replace("OUT", str(directory)).replace("'", "\0").split("\0")
    split = [part for i, text in enumerate(words) for part in ([text] if i % 2 else text.split())]
    # Quoted words belong to the option in front of them.
    joined = []
    for part in split:
        if joined and joined[-1].endswith("="):
            joined[-1] += part
        else:
            joined.append(part)
    return subprocess.run([*side.command, *joined], env=side.environment, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)


def compare(table, sides):
    name, setup, wrong = table
    statuses = []
    for side in sides:
        directory = side.root / "out"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        run(side, "destroy --all", directory)
        (side.root / ".lttngrc").unlink(missing_ok=True)
        for line in setup.strip().splitlines():
            done = run(side, line, directory)
            assert done.returncode == 0, f"{side.name}: {line}: {done.stderr}"
        statuses.append([run(side, line, directory) for line in wrong.strip().splitlines()])
    bad = []
    for line, theirs, ours in zip(wrong.strip().splitlines(), *statuses):
        # LTTng 2.13 dies of some sessions that are not there, but not always.
        if theirs.returncode == -signal.SIGPIPE:
            continue
        if (theirs.returncode == ours.returncode) == ((name, line) in DIFFERENT):
            bad.append(f"{line}: {theirs.returncode} with LTTng, {ours.returncode} with us\n"
                       f"      {theirs.stderr.strip()[:200]}\n      {ours.stderr.strip()[:200]}")
    print(f"{name}: {len(statuses[0])} command lines" + "".join("\n  " + each for each in bad), flush=True)
    return not bad


def main():
    need("lttng", "lttng-sessiond")
    enter_namespace()
    with tempfile.TemporaryDirectory(prefix="sillage-statuses-") as root:
        root = pathlib.Path(root)
        sides = (Side("theirs", ["lttng", "-n"], None, root),
                 Side("ours", [str(BIN.parent / "libexec/lttng"), "-n"], None, root))
        with daemons(*sides):
            fine = [compare(table, sides) for table in (NOTHING, CREATED, STARTED, STOPPED)]
    sys.exit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
