#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recordings come and go, the daemon is killed: nothing of them stays behind, in the kernel or in the daemon.

    sessions_test.py SILLAGE
"""

import ctypes
import os
import pathlib
import platform
import re
import signal
import struct
import subprocess
import time

import recording

SYS_BPF = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
NEXT_ID = {"programs": 11, "maps": 12, "links": 31}
SESSIONS = 1000 if os.environ.get("SILLAGE_KERNEL_LONG") else 25


def objects(kind):
    """The ids of all BPF programs, maps or links of the kernel."""
    libc = ctypes.CDLL(None, use_errno=True)
    ids, last = set(), 0
    while True:
        attributes = ctypes.create_string_buffer(struct.pack("<II", last, 0) + bytes(112))
        if libc.syscall(SYS_BPF, NEXT_ID[kind], attributes, 120) != 0:
            return ids
        last = struct.unpack_from("<II", attributes.raw)[1]
        ids.add(last)


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


class Sessions(recording.KernelTest):
    OPTIONS = ("-e", "sched_switch", "-e", "irq_*", "--context", "procname", "--subbuf-size", "64k", "--num-subbuf", "4")

    def mine(self, before):
        """Objects that came since `before`; other processes' may come and go meanwhile."""
        return {kind: objects(kind) - before[kind] for kind in NEXT_ID}

    def settles(self, condition, seconds=60):
        """The kernel frees what nobody holds any more after a grace period."""
        give_up = time.monotonic() + seconds
        while not condition() and time.monotonic() < give_up:
            time.sleep(0.1)
        return condition()

    def owned_by(self, pid):
        """Ids of the programs, maps and links whose descriptors a process holds."""
        found = {"prog_id": set(), "map_id": set(), "link_id": set()}
        for path in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
            try:
                text = path.read_text()
            except OSError:
                continue
            for key, ids in found.items():
                ids.update(int(number) for number in re.findall(rf"^{key}:\s+(\d+)", text, re.MULTILINE))
        return {"programs": found["prog_id"], "maps": found["map_id"], "links": found["link_id"]}

    def test_sessions_leave_nothing(self):
        daemon = self.start_daemon().pid
        for _ in range(3):
            self.record(self.OPTIONS, ["true"])
        before = (descriptors(daemon), threads(daemon), resident_kib(daemon))
        seen = {kind: set() for kind in NEXT_ID}
        for _ in range(SESSIONS):
            run = self.begin(*self.OPTIONS)
            for kind, ids in self.owned_by(daemon).items():
                seen[kind] |= ids
            self.end(run)
        self.assertGreaterEqual(len(seen["programs"]), SESSIONS)
        self.assertGreaterEqual(len(seen["maps"]), SESSIONS)
        self.assertTrue(self.settles(lambda: not any(seen[kind] & objects(kind) for kind in NEXT_ID)),
                        {kind: len(seen[kind] & objects(kind)) for kind in NEXT_ID})
        after = (descriptors(daemon), threads(daemon), resident_kib(daemon))
        print(f"\n  descriptors, threads, KiB: {before} before, {after} after {SESSIONS} recordings")
        self.assertLessEqual(after[:2], before[:2])
        self.assertLess(after[2] - before[2], 4096 + 16 * SESSIONS)

    def test_kill_leaves_what_is_pinned(self):
        """The daemon and the command killed, what is pinned on purpose stays; behind the next daemon's start, nothing."""
        daemon = self.start_daemon()
        run = self.begin(*self.OPTIONS)
        held = self.owned_by(daemon.pid)
        self.assertTrue(held["programs"] and held["maps"] and held["links"], held)
        run.send_signal(signal.SIGSTOP)
        daemon.kill()
        daemon.wait()
        run.kill()
        run.wait()
        self.assertTrue(self.pins.exists())
        self.assertEqual(held["links"] - objects("links"), set())
        pinned = subprocess.run(["find", self.pins, "-type", "f"], capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual({re.sub(r"[0-9]+$", "", pathlib.Path(path).name) for path in pinned},
                         {"ring", "reader", "wakeup", "excluded", "turn_", "link_", "slow_"})
        self.start_daemon()
        self.assertTrue(self.settles(lambda: not any(held[kind] & objects(kind) for kind in NEXT_ID)),
                        {kind: len(held[kind] & objects(kind)) for kind in NEXT_ID})
        self.assertFalse(self.pins.exists())
        self.assertEqual(list((self.folder / "run" / "recordings").iterdir()), [])

    def test_the_command_is_killed(self):
        daemon = self.start_daemon().pid
        run = self.begin(*self.OPTIONS)
        held = self.owned_by(daemon)
        run.kill()
        run.wait()
        self.assertTrue(self.settles(lambda: not any(held[kind] & objects(kind) for kind in NEXT_ID)),
                        {kind: len(held[kind] & objects(kind)) for kind in NEXT_ID})


class Rights(recording.KernelTest):
    def test_without_rights(self):
        os.chmod(self.folder, 0o755)
        home = self.folder / "home"
        home.mkdir()
        os.chmod(home, 0o777)
        (home / "run").mkdir(mode=0o700)
        os.chown(home / "run", 65534, 65534)
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "SILLAGE_RUNTIME_DIR": str(home / "run")}
        done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", self.sillage, "record",
                               "-k", "-e", "sched_switch", "-o", home / "trace", "--", "true"], env=environment,
                              capture_output=True, text=True, timeout=60, check=False)
        print("\n  " + done.stderr.strip())
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "CAP_|root|capabilit")
        self.assertLessEqual(len(done.stderr.strip().splitlines()), 2)


if __name__ == "__main__":
    recording.main()
