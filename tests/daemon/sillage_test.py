# SPDX-License-Identifier: MIT
"""A daemon and commands of a test's own: nothing is shared with other tests or with the machine's daemon."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


class Sandbox:
    """Programs of one build with a runtime directory and a place for traces; ends what it started.

    argv: BIN_DIRECTORY of the build, which has sillage, sillaged and traced_program.
    """

    def __init__(self):
        self.bin = pathlib.Path(sys.argv[1])
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sillage-test-"))
        self.runtime = self.root / "run"
        self.runtime.mkdir(mode=0o700)
        self.environment = dict(os.environ, SILLAGE_RUNTIME_DIR=str(self.runtime), HOME=str(self.root))
        self.environment.pop("LTTNG_HOME", None)
        # A machine with one busy CPU may need more than the library's 100 ms to answer.
        self.environment.setdefault("SILLAGE_REGISTER_TIMEOUT_MS", "5000")
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
        self.stop_daemon()
        shutil.rmtree(self.root, ignore_errors=True)

    def program(self, *arguments):
        return [str(self.bin / "traced_program"), *map(str, arguments)]

    def start(self, command, **options):
        process = subprocess.Popen(list(map(str, command)), env=self.environment, text=True,
                                   **{"stdin": subprocess.DEVNULL, **options})
        self.processes.append(process)
        return process

    def start_daemon(self, *options, **more):
        """Returns when its control socket is there."""
        daemon = self.start([self.bin / "sillaged", *options], **more)
        wait_until(lambda: (self.runtime / "control.sock").exists() or daemon.poll() is not None, "a daemon")
        return daemon

    def daemon_pid(self):
        return daemon_pid(self.runtime)

    def stop_daemon(self):
        """Ends the daemon that a command started. The lock file names it as long as its sockets are there."""
        pid = self.daemon_pid()
        if pid and (self.runtime / "control.sock").exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
                wait_until(lambda: not (self.runtime / "control.sock").exists(), "the daemon's end")

    def sillage(self, *arguments, status=0):
        """Runs the command; returns its standard output and standard error."""
        done = subprocess.run([str(self.bin / "sillage"), *map(str, arguments)], env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        check(done.returncode == status, f"sillage {arguments}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr


def cannot(why):
    """Ends the test for want of what it needs of the machine: a skip, unless that must be there (SILLAGE_REQUIRE_KERNEL=1)."""
    print(f"SKIPPED: {why}")
    sys.exit(1 if os.environ.get("SILLAGE_REQUIRE_KERNEL") == "1" else 77)


def check(condition, message):
    if not condition:
        print(f"FAILED: {message}", file=sys.stderr)
        sys.exit(1)


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, f"waited {seconds} s for {what}")
        time.sleep(0.005)


def daemon_pid(runtime):
    """The pid in a daemon's lock file, which may go meanwhile; None without one."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return int((runtime / "sillaged.lock").read_text())
    return None


def is_served(path):
    """Whether somebody takes connections there: a socket has its name a moment before, and after its daemon was killed."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def links(pid):
    """Path under /proc to target, for each file a process has open, but for those that it closes meanwhile."""
    found = {}
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):
        try:
            found[f"{folder}/{name}"] = os.readlink(f"{folder}/{name}")
        except OSError:
            pass
    return found


def command_lines():
    """Of each process: unlike pathlib's glob(), this accepts that processes end while it looks."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                found[int(name)] = file.read()
        except OSError:
            pass
    return found


def recorded(summary):
    return int(re.search(r"events recorded +([\d,]+)", summary).group(1).replace(",", ""))


def lost(summary):
    return int(re.search(r"events lost +([\d,]+)", summary).group(1).replace(",", ""))


def read_trace(path):
    """The lines of a trace as babeltrace2 prints them; fails if it cannot read all of it."""
    done = subprocess.run(["babeltrace2", str(path)], capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, f"babeltrace2 {path}: {done.stderr}")
    return done.stdout.splitlines()
