# SPDX-License-Identifier: MIT
"""The commands of these tests, and a directory that goes with them."""

import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHECK = ROOT / "tools" / "ctf2_check.py"


def check(condition, message):
    if not condition:
        print(f"FAILED: {message}", file=sys.stderr)
        sys.exit(1)


@contextlib.contextmanager
def directory():
    path = pathlib.Path(tempfile.mkdtemp(prefix="sillage-convert-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def run(*command, status=0):
    """Runs a command; returns its standard output and standard error. `status` None: any."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace",
                          timeout=60, check=False)
    check(status is None or done.returncode == status,
          f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-500:]}{done.stderr[-2000:]}")
    return done.stdout, done.stderr


def sillage(*arguments, status=0):
    return run(pathlib.Path(sys.argv[1]) / "sillage", *arguments, status=status)


def text_of(trace, *options, status=0):
    """What `sillage read` prints of a trace."""
    return sillage("read", "--clock-gmt", "--clock-date", *options, trace, status=status)[0]


def convert(source, target, *options, status=0):
    """Converts; returns the notices."""
    return sillage("convert", source, "-o", target, *options, status=status)[1].splitlines()


def check_ctf2(target):
    """That tools/ctf2_check.py finds nothing wrong in the traces below a directory."""
    for metadata in target.rglob("metadata"):
        run(sys.executable, CHECK, metadata.parent)
