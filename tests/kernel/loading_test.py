#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""While thousands of programs are loaded into the kernel the daemon answers others, and lets go of what nobody wants any more.

    loading_test.py SILLAGE
"""

import os
import pty
import re
import signal
import socket
import struct
import subprocess
import time

import recording

ALL = ("-e", "*", "--subbuf-size", "64k", "--num-subbuf", "4")
# A request to the control socket, as a command sends it: version 1 of the protocol, VersionRequest.
VERSION_REQUEST = b"\x08\x01\x12\x00"


class Loading(recording.KernelTest):
    def programs(self, pid):
        """How many BPF programs a process holds."""
        held = 0
        for path in os.listdir(f"/proc/{pid}/fd"):
            try:
                held += "bpf-prog" in os.readlink(f"/proc/{pid}/fd/{path}")
            except OSError:
                pass
        return held

    def load_everything(self, **options):
        return self.start([self.sillage, "record", "-k", "--no-statedump", "-o", self.new_trace(), *ALL], env=self.env,
                          stdout=subprocess.DEVNULL, **options)

    def wait_for(self, condition, what, seconds=60):
        give_up = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), give_up, what)
            time.sleep(0.02)

    def answer_time(self):
        """Seconds from connecting to the daemon to its answer to "who are you"."""
        begin = time.monotonic()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "run" / "control.sock"))
            connection.sendall(struct.pack("<I", len(VERSION_REQUEST)) + VERSION_REQUEST)
            self.assertTrue(connection.recv(4))
        return time.monotonic() - begin

    def test_others_are_answered(self):
        """In the best of three rounds: a machine that is busy otherwise delays anybody."""
        daemon = self.start_daemon().pid
        run = self.load_everything(stderr=subprocess.PIPE, text=True)
        self.wait_for(lambda: self.programs(daemon) > 100, "nothing is loaded")
        rounds, loaded = [], self.programs(daemon)
        while len(rounds) < 3 and run.poll() is None:
            times = sorted(self.answer_time() for _ in range(100))
            rounds.append(times[98])
        loaded = self.programs(daemon) - loaded
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
        print(f"\n  {loaded} programs meanwhile; p99 of 100 answers, in ms: {[round(p99 * 1e3, 1) for p99 in rounds]}")
        self.assertGreater(loaded, 0)
        self.assertLess(min(rounds), 0.05)

    def test_the_command_leaves(self):
        for leave in (signal.SIGKILL, signal.SIGINT):
            daemon = self.start_daemon()
            run = self.load_everything(stderr=subprocess.PIPE, text=True)
            self.wait_for(lambda: self.programs(daemon.pid) > 50, "nothing is loaded")
            run.send_signal(leave)
            said = run.communicate(timeout=60)[1]
            if leave == signal.SIGINT:
                self.assertIn("interrupted", said)
            self.wait_for(lambda: self.programs(daemon.pid) == 0, "programs that nobody wants are kept")
            self.wait_for(lambda: not (self.folder / f"trace{self.traces}").exists(), "an empty trace is kept")
            # As if nothing had been.
            self.assertGreater(self.record(("-e", "sched_switch"), ["true"])[1].recorded, 0)
            daemon.terminate()
            self.assertEqual(daemon.wait(timeout=30), 0)

    def test_the_daemon_ends_while_it_loads(self):
        daemon = self.start_daemon()
        run = self.load_everything(stderr=subprocess.PIPE, text=True)
        self.wait_for(lambda: self.programs(daemon.pid) > 50, "nothing is loaded")
        daemon.terminate()
        self.assertEqual(daemon.wait(timeout=30), 0)
        run.communicate(timeout=60)
        self.assertNotEqual(run.returncode, 0)

    def test_progress_is_shown(self):
        self.start_daemon()
        terminal, end = pty.openpty()
        run = self.load_everything(stderr=end)
        os.close(end)
        said = b""
        while said.count(b"Loading") < 3:
            said += os.read(terminal, 4096)
        run.send_signal(signal.SIGINT)
        shown = [int(done) for done, _ in re.findall(rb"Loading programs into the kernel: (\d+) of (\d+)", said)]
        self.assertEqual(shown, sorted(set(shown)))
        run.wait(timeout=60)
        os.close(terminal)


if __name__ == "__main__":
    recording.main()
