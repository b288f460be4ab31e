#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""F04 of sessions that rotate, are cleared, have their metadata written anew, are in memory, or have limits of their files:
the daemon is killed with -9 at random moments, and the next one goes on with what they are in the middle of.

    f04_kinds_of_sessions_test.py BIN PRODUCER [long]
"""

import random
import struct
import subprocess
import time

import killed_daemons
from killed_daemons import BIN, KILLS, Daemons, run, scaled

EVENTS = scaled(24000)
INDEX_HEAD, INDEX_ENTRY = 16, 72


class Kinds(Daemons):
    def begin_session(self, create=(), channel=("--subbuf-size=1M", "--num-subbuf=16")):
        create = create or [f"--output={self.trace}"]
        self.command("create", "s", *create)
        self.command("enable-channel", "-u", "c", *channel)
        self.command("enable-event", "-u", "accounting:*", "-c", "c")
        self.command("start", "s")
        return self.produce()

    def kill_soon(self):
        """Kills the daemon at some moment; a command starts the next one."""
        time.sleep(random.uniform(0, 0.15))
        self.kill_daemon()
        self.assertIn("[active", self.command("list", "s"))

    def kill_in_the_middle(self, *arguments, within=0.03):
        """Kills the daemon at some moment of a command's, which may have been carried out or not."""
        command = subprocess.Popen([BIN / "sillage", *arguments], env=self.environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, within))
        self.kill_daemon()
        command.wait(timeout=60)
        self.command("list", "s")

    def end_session(self, producer):
        self.end_program(EVENTS)
        self.assertEqual(producer.wait(), 0)
        self.command("stop", "s")
        lost = self.lost()
        self.command("destroy", "s")
        left = [path for name in ("recordings", "sessions", "memory", "refused") for path in (self.runtime / name).glob("*")]
        self.assertEqual(left, [])
        return lost

    def lost(self):
        listed = self.command("list", "s")
        return int(listed.split("Discarded events:")[1].split()[0]) if "Discarded events:" in listed else 0

    def whole(self, found):
        """Whether threads' events are all there, once."""
        self.assertEqual({who: sorted(each) for who, each in found.items()}, {who: list(range(done)) for who, done in enumerate(self.done())})

    def check_chunks(self):
        """Each stands alone, no event is in two of them or in none, and they follow each other."""
        self.assertFalse((self.trace / "ust").exists(), "the last one is an archive, too")
        self.assertEqual([path for path in self.trace.iterdir() if path.name != "archives"], [])
        archives = sorted((self.trace / "archives").iterdir(), key=lambda path: int(path.name.rsplit("-", 1)[1]))
        self.assertEqual([int(path.name.rsplit("-", 1)[1]) for path in archives], list(range(len(archives))))
        chunks = [self.numbers(path) for path in archives]
        together = {}
        for chunk in chunks:
            for who, sequences in chunk.items():
                self.assertGreater(sequences[0], together.get(who, [-1])[-1])
                together.setdefault(who, []).extend(sequences)
        self.whole(together)
        print(f"\n  {len(self.killed)} kills, {len(chunks)} chunks: {sum(map(len, together.values()))} events", end="", flush=True)
        return len(chunks)

    def test_rotated(self):
        producer = self.begin_session()
        for _ in range(2 * KILLS):
            self.kill_in_the_middle("rotate", "s")
        self.command("rotate", "s")
        self.assertEqual(self.end_session(producer), 0)
        self.assertGreaterEqual(self.check_chunks(), 2)

    def test_rotated_by_itself(self):
        producer = self.begin_session()
        self.command("enable-rotation", "-s", "s", "--timer=150ms", "--size=100k")
        for _ in range(KILLS):
            time.sleep(random.uniform(0.1, 0.3))
            self.kill_daemon()
            listed = self.command("list", "s")
            self.assertIn("150000", listed)
        archives = lambda: len(list(self.trace.glob("archives/*")))
        before = archives()
        self.wait_for(lambda: archives() > before + 1, "the schedule does not go on")
        self.assertEqual(self.end_session(producer), 0)
        self.assertGreaterEqual(self.check_chunks(), 3)

    def test_rotated_in_files_of_limited_size(self):
        producer = self.begin_session(channel=["--subbuf-size=4096", "--num-subbuf=512", "--tracefile-size=16384"])
        for _ in range(KILLS):
            self.kill_in_the_middle("rotate", "s")
        self.command("rotate", "s")  # those may have come too late, all of them
        self.assertEqual(self.end_session(producer), 0)
        self.check_chunks()

    def test_cleared(self):
        producer = self.begin_session()
        for _ in range(KILLS):
            before = self.done()
            self.kill_in_the_middle("clear", "s")
        before = self.done()
        self.command("clear", "s")
        self.kill_daemon()
        self.assertEqual(self.end_session(producer), 0)
        found = self.numbers(self.trace)
        for who in (0, 1):
            self.assertEqual(found[who], list(range(found[who][0], self.done()[who])))
            self.assertGreaterEqual(found[who][0], before[who])

    def test_metadata_written_anew(self):
        producer = self.begin_session()
        for _ in range(KILLS):
            self.kill_in_the_middle("regenerate", "metadata", "-s", "s")
        self.command("regenerate", "metadata", "-s", "s")
        self.kill_daemon()
        self.assertEqual(self.end_session(producer), 0)
        self.whole(self.numbers(self.trace))

    def snapshots(self):
        return sorted(self.trace.iterdir(), key=lambda path: int(path.name.rsplit("-", 1)[1]))

    def test_snapshots(self):
        """Rings that hold everything: each snapshot has all from the first event on."""
        producer = self.begin_session(["--snapshot", f"--output={self.trace}"])
        before = []
        for _ in range(KILLS):
            time.sleep(random.uniform(0, 0.2))
            self.kill_daemon()
            before.append(self.done())
            self.command("snapshot", "record", "-s", "s")
        self.command("regenerate", "metadata", "-s", "s")
        self.kill_in_the_middle("snapshot", "record", "-s", "s", "--name=cut", within=0.02)
        self.end_program(EVENTS)
        self.assertEqual(producer.wait(), 0)
        self.command("snapshot", "record", "-s", "s")
        self.command("destroy", "s")
        self.assertEqual([path for path in (self.runtime / "memory").glob("*")], [])
        made = [path for path in self.snapshots() if not path.name.startswith("cut")]
        for path, done in zip(made, before):
            for who, sequences in self.numbers(path).items():
                # All that was sent before; of what a thread sends meanwhile, now on this CPU and now on that, perhaps some.
                self.assertEqual(sequences[:done[who]], list(range(done[who])))
                self.assertEqual(sequences, sorted(set(sequences)))
        self.assertEqual(len(made), KILLS + 1)
        self.whole(self.numbers(made[-1]))

    def test_snapshots_of_the_newest(self):
        """Rings that are written over all the time: per stream, the newest packets without a gap."""
        producer = self.begin_session(["--snapshot", f"--output={self.trace}"],
                                      ["--subbuf-size=4096", "--num-subbuf=4", "--overwrite"])
        for _ in range(KILLS):
            self.kill_soon()
        self.end_program(EVENTS)
        self.assertEqual(producer.wait(), 0)
        self.command("snapshot", "record", "-s", "s")
        self.command("destroy", "s")
        path, = self.snapshots()
        found = self.numbers(path)
        self.end_is_there(found)
        packets = self.packets(path).values()
        for sequences in packets:
            self.assertEqual(sequences, list(range(sequences[0], sequences[0] + len(sequences))))
        # Of one CPU at least: both threads may have run there.
        self.assertGreater(max(sequences[0] for sequences in packets), 0, "as many were written over")

    def end_is_there(self, found):
        """Whether the newest event of all is: those of a thread that ends first may be written over by the other one's."""
        self.assertTrue(any(sequences[-1] == self.done()[who] - 1 for who, sequences in found.items()))

    def packets(self, path):
        """Numbers of the packets of each stream, by the indexes of its files (big-endian, tests/interop knows more)."""
        found = {}
        for index in path.rglob("*.idx"):
            data = index.read_bytes()
            for at in range(INDEX_HEAD, len(data), INDEX_ENTRY):
                stream, number = struct.unpack_from(">QQ", data, at + 56)
                found.setdefault(stream, []).append(number)
        return {stream: sorted(numbers) for stream, numbers in found.items()}

    def test_without_output(self):
        producer = self.begin_session(["--no-output"])
        for _ in range(KILLS):
            self.kill_soon()
        self.command("clear", "s")
        self.kill_daemon()
        self.end_session(producer)

    def test_files_of_limited_size(self):
        """Any number of them: every event is in one."""
        producer = self.begin_session(channel=["--subbuf-size=4096", "--num-subbuf=32", "--tracefile-size=16384"])
        for _ in range(2 * KILLS):
            self.kill_soon()
        lost = self.end_session(producer)
        summary = f"events recorded {sum(self.done()) - lost}\nevents lost {lost}"
        print(f"\n  {len(self.killed)} kills: " + run.compare("f04", self.accounts, self.trace, summary, self.folder / "errors"),
              end="", flush=True)
        for path in self.trace.rglob("c_*_[0-9]*"):
            if path.suffix != ".idx":
                self.assertLessEqual(path.stat().st_size, 16384)

    def test_files_take_each_others_place(self):
        """Three of a stream, the newest packets without a gap, whatever was killed when."""
        producer = self.begin_session(
            channel=["--subbuf-size=4096", "--num-subbuf=32", "--tracefile-size=16384", "--tracefile-count=3"])
        for _ in range(2 * KILLS):
            self.kill_soon()
        self.end_session(producer)
        found = self.numbers(self.trace)
        for who, sequences in found.items():
            self.assertEqual(len(sequences), len(set(sequences)), who)
        self.end_is_there(found)
        for stream, numbers in self.packets(self.trace).items():
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))), stream)
        files = {}
        for path in self.trace.rglob("c_*"):
            if path.suffix != ".idx":
                stream, number = path.name.rsplit("_", 1)
                files.setdefault(stream, []).append(int(number))
                self.assertLessEqual(path.stat().st_size, 16384)
        for numbers in files.values():
            self.assertEqual(sorted(numbers), list(range(len(numbers))))
        self.assertEqual(max(map(len, files.values())), 3, files)


if __name__ == "__main__":
    killed_daemons.main()
