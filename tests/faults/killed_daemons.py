# SPDX-License-Identifier: MIT
"""What the tests of F04 share: a daemon of their own that is killed with -9, programs that are recorded meanwhile.

    f04_..._test.py BIN PRODUCER [long]
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

for folder in ("accounting", "daemon"):
    sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / folder))
import run  # noqa: E402,F401  (tests/accounting/run.py)
import sillage_test  # noqa: E402  (tests/daemon)

BIN, PRODUCER = pathlib.Path(sys.argv[1]), sys.argv[2]
LONG = "long" in sys.argv[3:]
KILLS = 5 if LONG else 2


def only_long(test):
    """A test whose kind of kill a shorter one shows, too: a run of its own has time for it."""
    return unittest.skipUnless(LONG, "in the long run")(test)


def scaled(events):
    """So many events in the long run, a third of them in the short one."""
    return events if LONG else events // 3


class Daemons(unittest.TestCase):
    def setUp(self):
        random.seed(os.environ.get("SEED", "4"))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sillage-f04-"))
        self.runtime = self.folder / "run"
        self.runtime.mkdir(0o700)
        self.environment = dict(os.environ, SILLAGE_RUNTIME_DIR=str(self.runtime), LTTNG_HOME=str(self.folder))
        self.trace, self.accounts = self.folder / "trace", self.folder / "accounts"
        self.killed = set()

    def tearDown(self):
        pid = self.running_daemon()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            self.wait_for(lambda: self.running_daemon() is None, "the daemon does not end")
        # One that still holds something sees that nobody can reach it any more.
        shutil.rmtree(self.folder, ignore_errors=True)
        self.wait_for(lambda: not self.holders(), "the holder does not end")

    def wait_for(self, condition, what, seconds=60):
        give_up = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), give_up, what)
            time.sleep(0.005)

    def running_daemon(self):
        found = sillage_test.daemon_pid(self.runtime)
        return found if found and os.path.exists(f"/proc/{found}/exe") else None

    def is_served(self):
        """Whether commands reach a daemon: one that is being killed closes its sockets last."""
        return sillage_test.is_served(self.runtime / "control.sock")

    def holders(self):
        """Of this test's runtime directory: their command line names their socket."""
        socket = str(self.runtime / "hold.sock").encode()
        return [pid for pid, line in sillage_test.command_lines().items() if socket in line]

    def kill_daemon(self):
        self.wait_for(lambda: self.running_daemon() not in self.killed | {None}, "no new daemon")
        pid = self.running_daemon()
        os.kill(pid, signal.SIGKILL)
        self.killed.add(pid)
        self.wait_for(lambda: self.running_daemon() not in (pid, None) or not self.is_served(), "it cannot be killed")

    def start_daemon(self):
        subprocess.run([BIN / "sillaged", "--daemonize", "--auto-exit"], env=self.environment, check=True)

    def has_sent(self):
        # The file is there before it has its size.
        return self.accounts.exists() and self.accounts.stat().st_size != 0 and any(self.done())

    def begin(self, options, arguments, rseq="1"):
        command = [BIN / "sillage", "record", "-o", self.trace, *options, "--", PRODUCER, self.accounts, *arguments]
        record = subprocess.Popen(command, env=dict(self.environment, SILLAGE_RSEQ=rseq), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        self.wait_for(lambda: record.poll() is not None or self.has_sent(), "nothing is sent")
        return record

    # Two threads, 20,000 events a second at most; until they are told that it is over.
    PACED = ["threads=2", "pause_us=1000", "batch=10", "events=0"]

    def end_program(self, least=0):
        """
        Ends the program that begin() or produce() started, when each of its threads has sent so many events, and some more since now;
        None: at once.
        """
        if least is not None:
            before = self.done()
            self.wait_for(lambda: all(now >= max(least, then + 100) for now, then in zip(self.done(), before)), "the program does not go on")
        with open(self.accounts, "r+b") as file:
            file.seek(4)
            file.write(b"\1")

    def command(self, *arguments, check=True):
        done = subprocess.run([BIN / "sillage", *arguments], env=self.environment, capture_output=True, text=True)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def produce(self):
        producer = subprocess.Popen([PRODUCER, self.accounts, *self.PACED],
                                    env=dict(self.environment, SILLAGE_REGISTER_TIMEOUT_MS="5000"))
        self.wait_for(lambda: self.has_sent() and len(self.done()) == 2 and all(self.done()), "nothing is sent")
        return producer

    def numbers(self, path):
        """Of each thread the events that a trace has, in the order of babeltrace2."""
        found = {}
        text = subprocess.run(["babeltrace2", "--no-delta", path], check=True, capture_output=True).stdout
        for who, sequence, check in run.EVENT.findall(text):
            self.assertEqual(int(check, 16), run.checksum(int(who), int(sequence)))
            found.setdefault(int(who), []).append(int(sequence))
        return found

    def done(self):
        """How many events each thread has sent."""
        return [done for _, done in run.read_accounts(self.accounts)]


def main():
    unittest.main(argv=sys.argv[:1], verbosity=1)
