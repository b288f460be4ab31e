# SPDX-License-Identifier: MIT
"""F04, F08 with buffers in files (create --shm-path): program, daemon and holder are killed with -9, and what is in the
buffers' files is in the trace or in what lttng-crash extracts, each event once; a file that is made shorter ends its channel alone.

    f04_buffers_in_files_test.py BIN PRODUCER [long]
"""

import os
import pathlib
import random
import re
import signal
import shutil
import struct
import subprocess
import sys
import time
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from killed_daemons import BIN, LONG, PRODUCER, Daemons, main, run, sillage_test

# Packets every some ms, and room for all that is sent while nobody reads.
ROOM = ["--subbuf-size=16k", "--num-subbuf=64"]


class BuffersInFiles(Daemons):
    def setUp(self):
        super().setUp()
        self.buffers = self.folder / "buffers"

    def create(self, *options, channel=()):
        self.start_daemon()
        self.command("create", "s", f"--shm-path={self.buffers}", *options)
        self.command("enable-channel", "-u", "c", "-s", "s", *channel)
        self.command("enable-event", "-u", "*", "-s", "s", "-c", "c")
        self.command("start", "s")

    def rings(self):
        return sorted(self.buffers.rglob("*.ring"))

    def kill(self, producer):
        """All of them, as when the machine stops: the holder first, so that nobody can go on."""
        for pid in self.holders():
            os.kill(pid, signal.SIGKILL)
        self.kill_daemon()
        time.sleep(0.1)  # events that only the files have
        producer.kill()
        producer.wait()

    def crash(self, *arguments, status=0, name="lttng-crash"):
        command = [BIN.parent / "libexec/lttng-crash"] if name == "lttng-crash" else [BIN / "sillage", "crash"]
        done = subprocess.run([*command, *map(str, arguments)], env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def cut_torn(self):
        """What the next daemon does, too: a packet that the last one was killed in the middle of is none."""
        for index in self.trace.rglob("*.idx"):
            data = index.parent.parent / index.stem
            entries = index.read_bytes()[24:]
            entries = entries[:len(entries) // 72 * 72]
            end = 0
            if entries:
                offset, bits = struct.unpack_from(">QQ", entries, len(entries) - 72)
                end = offset + bits // 8
            head = data.read_bytes()[end:]
            whole = len(head) >= 64 and struct.unpack_from("<Q", head, 56)[0] // 8 <= len(head)
            if head and not whole:
                os.truncate(data, end)

    def both(self, *paths):
        """Of each thread the events of several traces: what one CPU's buffer still has may be older than what another's gave
        to the trace."""
        found = {}
        for path in paths:
            for who, sequences in self.numbers(path).items():
                found.setdefault(who, []).extend(sequences)
        return {who: sorted(sequences) for who, sequences in found.items()}

    def check_all_there(self, found):
        for who, (begun, done) in enumerate(run.read_accounts(self.accounts)):
            there = found.get(who, [])
            self.assertEqual(there, list(range(len(there))), f"thread {who}: not each event once")
            self.assertGreaterEqual(len(there), done, f"thread {who}: events that it had sent are missing")
            self.assertLessEqual(len(there), begun, f"thread {who}: events that it never sent")

    def test_killed_each_event_is_once_in_trace_or_extract(self):
        for kind in ("uid", "pid") if LONG else ("uid",):
            with self.subTest(kind):
                self.create(f"--output={self.trace}", channel=[*ROOM, f"--buffers-{kind}"])
                producer = self.produce()
                time.sleep(random.uniform(0.1, 0.3))
                self.assertEqual(len(self.rings()), 1)
                for folder in [self.buffers / os.listdir(self.buffers)[0], self.rings()[0].parent]:
                    self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
                self.assertEqual(self.rings()[0].stat().st_mode & 0o777, 0o600)
                self.kill(producer)
                before = {path: path.read_bytes() for path in self.buffers.rglob("*") if path.is_file()}
                said = self.crash(self.buffers, "-x", self.folder / "extract")
                self.assertRegex(said, r"^[1-9][0-9]* events in [1-9][0-9]* packets of 1 traces written to ")
                self.cut_torn()
                self.check_all_there(self.both(self.trace, self.folder / "extract"))
                self.assertEqual(before, {path: path.read_bytes() for path in before}, "crash writes nothing there")
                self.check_viewer()
                if kind == "uid":
                    self.check_hostile(self.rings()[0].parent)
                self.check_next_daemon_leaves_them()
                for folder in (self.buffers, self.trace, self.folder / "extract"):
                    shutil.rmtree(folder)
                self.accounts.unlink()

    def check_viewer(self):
        events = len(run.EVENT.findall(subprocess.run(["babeltrace2", self.folder / "extract"], check=True,
                                                      capture_output=True).stdout))
        self.assertEqual(len(self.crash(self.buffers).splitlines()), events, "babeltrace2 shows it, too")
        self.assertEqual(self.crash("-e", "echo shown:", self.buffers).split()[0], "shown:")
        self.crash("-e", "/nonexistent/viewer", self.buffers, status=1)
        self.assertIn("is there: choose another", self.crash("-x", self.folder / "extract", self.buffers, status=1))
        self.assertIn("there are no buffers", self.crash("-x", self.folder / "none", self.folder / "extract",
                                                         status=1, name="crash"))

    def check_hostile(self, folder):
        """Whatever stands in the files: a sentence, a place in a file, or fewer events; never more, never a signal."""
        copy = self.folder / "hostile"
        for number in range(60 if LONG else 12):
            shutil.copytree(folder, copy)
            victim = random.choice([path for path in copy.iterdir() if path.name != "trace"])
            data = bytearray(victim.read_bytes())
            at = random.randrange(random.choice([128, 512, 4096, len(data)]))
            kind = random.choice(["flip", "word", "cut", "longer"])
            if kind == "cut":
                os.truncate(victim, at)
            elif kind == "longer":
                os.truncate(victim, len(data) + random.choice([1, 4096, 1 << 40]))
            else:
                data[at:at + (1 if kind == "flip" else 8)] = random.randbytes(1 if kind == "flip" else 8)
                victim.write_bytes(data)
            done = subprocess.run([BIN / "sillage", "crash", copy, "-x", self.folder / "out"], capture_output=True,
                                  text=True, env=self.environment)
            self.assertIn(done.returncode, (0, 1), f"{number}: {victim.name} {kind} {at}: {done.stderr}")
            self.assertNotIn("Sanitizer", done.stderr)
            if done.returncode == 1:
                self.assertRegex(done.stderr, r"/hostile/\S+(@\d+)?: \S", f"{victim.name} {kind} {at}")
            else:
                # Not babeltrace2, which ends itself where a counter says that it has lost 2^64 - 1 events.
                read = subprocess.run([BIN / "sillage", "read", self.folder / "out"], capture_output=True, check=False)
                self.assertIn(read.returncode, (0, 1), read.stderr)
            shutil.rmtree(self.folder / "out", ignore_errors=True)
            shutil.rmtree(copy)

    def check_next_daemon_leaves_them(self):
        """Without the holder nobody goes on; the buffers stay, and are in nobody's way."""
        self.start_daemon()
        self.wait_for(self.is_served, "no daemon")
        self.assertEqual(len(self.rings()), 1)
        self.command("destroy", "s")
        self.assertEqual(len(self.rings()), 1)
        os.kill(self.running_daemon(), signal.SIGTERM)
        self.wait_for(lambda: self.running_daemon() is None, "the daemon does not end")

    def test_flight_recorder_newest_events_are_in_the_extract(self):
        self.create("--snapshot", channel=["--subbuf-size=4k", "--num-subbuf=8"])
        producer = self.produce()
        time.sleep(0.3)
        self.kill(producer)
        self.crash(self.buffers, "-x", self.folder / "extract")
        found = self.numbers(self.folder / "extract")
        # What a thread wrote on another CPU may be overwritten, or there still, so gaps say nothing.
        for there in found.values():
            self.assertEqual(there, sorted(set(there)))
        # Of one of them at least: a thread that had to wait may have been written over by the other one.
        self.assertTrue(any(there[-1] + 1 in range(done, begun + 1) for who, (begun, done) in
                            enumerate(run.read_accounts(self.accounts)) for there in [found.get(who, [-1])]), "up to the last one")

    def test_daemon_alone_is_killed_the_next_one_goes_on(self):
        self.create(f"--output={self.trace}", channel=ROOM)
        producer = self.produce()
        self.kill_daemon()
        self.start_daemon()
        self.end_program(3000)
        self.assertEqual(producer.wait(), 0)
        self.command("stop", "s")
        self.assertEqual(len(self.rings()), 1, "until the session is destroyed")
        self.command("destroy", "s")
        self.check_all_there(self.numbers(self.trace))
        self.assertEqual(os.listdir(self.buffers), [], "removed with the session")

    def stop_says_so(self):
        done = subprocess.run([BIN / "sillage", "stop", "s"], env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("was made shorter by another program", done.stderr)

    def test_file_made_shorter_ends_its_channel_alone(self):
        self.create(f"--output={self.trace}", channel=ROOM)
        self.command("create", "other", f"--output={self.folder / 'other'}")
        self.command("enable-event", "-u", "*", "-s", "other")
        self.command("start", "other")
        # A sanitizer in the program would tell of its end in its own way.
        options = os.environ.get("ASAN_OPTIONS", "") + ":handle_sigbus=0"
        with unittest.mock.patch.dict(self.environment, ASAN_OPTIONS=options):
            producer = self.produce()
        daemon = self.running_daemon()
        # One after the other, as the daemon reads and counts at any time.
        for size in (4096, 0):
            for path in [*self.rings(), *self.buffers.rglob("*.ledger")]:
                os.truncate(path, size)
            time.sleep(0.3)
        self.wait_for(lambda: producer.poll() is not None, "the program writes what is not there: it ends, as LTTng's do")
        self.assertEqual(producer.returncode, -signal.SIGBUS)
        self.stop_says_so()
        self.command("destroy", "s")
        self.command("destroy", "other")
        self.assertEqual(self.running_daemon(), daemon, "the daemon lives")
        self.assertGreater(sum(map(len, self.numbers(self.folder / "other").values())), 0)
        self.numbers(self.trace)
        self.assertEqual(os.listdir(self.buffers), [])

    def test_file_made_shorter_while_nobody_reads(self):
        self.create(f"--output={self.trace}", channel=ROOM)
        producer = self.produce()
        self.wait_for(lambda: any(path.stat().st_size for path in self.trace.rglob("c_*")), "nothing is written")
        self.kill_daemon()
        producer.kill()
        producer.wait()
        os.truncate(self.rings()[0], 0)
        self.start_daemon()
        self.wait_for(self.is_served, "no daemon")
        self.stop_says_so()
        self.command("destroy", "s")
        self.assertNotEqual(self.numbers(self.trace), {})
        self.assertEqual(os.listdir(self.buffers), [])

    def test_links_and_others_directories_are_refused(self):
        self.start_daemon()
        self.buffers.mkdir()
        for name, make in {"link": lambda path: path.symlink_to(self.folder), "open": lambda path: path.mkdir(0o755)}.items():
            said = self.command("create", name, "--no-output", f"--shm-path={self.buffers}")
            path = re.search(r"Shared memory path set to (\S+)", said).group(1)
            make(pathlib.Path(path))
            self.command("enable-event", "-u", "*", "-s", name)
            self.command("start", name, check=False)
            done = subprocess.run([BIN / "sillage", "start", name], env=self.environment, capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, r"another directory|cannot open directory")
            self.command("destroy", name)
            self.assertTrue(os.path.lexists(path), "what is not ours stays")


assert sillage_test
main()
