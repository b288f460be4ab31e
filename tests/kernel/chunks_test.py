#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Snapshots and rotation of the kernel's events while they are recorded: calls whose arguments say their number are in a
snapshot without a gap, and in all chunks together exactly once.

    chunks_test.py SILLAGE
"""

import ctypes
import os
import platform
import subprocess
import threading
import time

import recording

GETSID = {"x86_64": 124, "aarch64": 156}.get(platform.machine(), 0)
LIBC = ctypes.CDLL(None)
BASE = 100000


class Chunks(recording.KernelTest):
    def lttng(self, *arguments, status=0):
        done = subprocess.run([self.sillage, *map(str, arguments)], env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def begin_session(self, *options):
        self.start_daemon()
        self.lttng("create", "k", *options)
        self.lttng("enable-channel", "-k", "--subbuf-size=256k", "--num-subbuf=8", "c")
        self.lttng("enable-event", "-k", "-c", "c", "--syscall", "getsid",
                   f"--filter=$ctx.pid == {os.getpid()}")
        self.lttng("start")
        self.sent, self.stopping = 0, False
        self.load = threading.Thread(target=self.call_all_the_time)
        self.load.start()

    def call_all_the_time(self):
        # One CPU has them in order.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        while not self.stopping:
            LIBC.syscall(GETSID, BASE + self.sent)
            self.sent += 1
            # Enough to be in the way; reading the traces is what takes time.
            if self.sent % 50 == 0:
                time.sleep(0.002)

    def end_load(self):
        self.stopping = True
        self.load.join()
        return self.sent

    def tearDown(self):
        if hasattr(self, "load"):
            self.end_load()
        super().tearDown()

    def numbers(self, path):
        trace = recording.Trace(path)
        self.assertEqual(trace.discarded, 0)
        found = [event.fields["pid"] - BASE for event in trace.events
                 if event.name == "syscall_entry_getsid" and event.fields["pid"] >= BASE]
        return found, [event.name for event in trace.events]

    def test_snapshots_under_load(self):
        path = self.folder / "snapshots"
        self.begin_session("--snapshot", "-o", path)
        before = []
        for _ in range(4):
            before.append(self.sent)
            self.lttng("snapshot", "record")
        total = self.end_load()
        self.lttng("stop")
        self.lttng("snapshot", "record", "--name=last")
        self.lttng("destroy")
        for number, sent in enumerate(before):
            found, names = self.numbers(next(path.glob(f"snapshot-1-*-{number}")))
            self.assertEqual(found, list(range(found[0], found[-1] + 1)), "no gap")
            self.assertGreaterEqual(found[-1], sent - 1, "what was sent before is there")
            self.assertIn("lttng_statedump_start", names)
            self.assertIn("lttng_statedump_process_state", names)
            self.assertIn("lttng_statedump_end", names)
        found, _ = self.numbers(next(path.glob("last-*")))
        self.assertEqual(found, list(range(found[0], total)))

    def test_rotation_under_load(self):
        path = self.folder / "rotated"
        self.begin_session("-o", path)
        archives = [self.lttng("rotate").split("readable at ")[1].strip() for _ in range(6)]
        self.lttng("regenerate", "statedump", "-s", "k")
        total = self.end_load()
        self.lttng("regenerate", "metadata", "-s", "k")
        archives.append(self.lttng("destroy").split("readable at ")[1].splitlines()[0])
        chunks = [self.numbers(archive) for archive in archives]
        together = [number for found, _ in chunks for number in found]
        self.assertEqual(together, list(range(total)), f"{len(together)} of {total}")
        starts = sum(names.count("lttng_statedump_start") for _, names in chunks)
        self.assertEqual(starts, 2, "at the start, and once more")


if __name__ == "__main__":
    recording.main()
