#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The daemon is killed with -9 while the kernel is recorded: the next one goes on, and every event is in the trace or counted.

    adoption_test.py SILLAGE
"""

import collections
import contextlib
import ctypes
import mmap
import os
import random
import select
import signal
import subprocess
import time

import bt2

import recording

KILLS = 200 if os.environ.get("SILLAGE_KERNEL_LONG") else 6
# A system call that nobody else makes with this argument, another run of this test included: what is above MARK is the event's number.
MARK = os.getpid() << 40
MARKED = f"offset >= {MARK} && offset < {MARK + (1 << 40)}"


# The sender's names begin so: other processes do not take them.
NAMES = f"{os.getpid() % 0xffffff:x}_"
PR_SET_NAME = 15
# Arguments of getsid() from here on are questions: nobody has such a process.
QUESTIONS = 1 << 30
BATCH = 50


class Sender:
    """A child that calls lseek(-1, MARK + n) for n = 0, 1 ... and takes another name (NAMES) behind each batch of these."""

    running = []

    def __init__(self):
        self.memory = mmap.mmap(-1, 4096)
        self.parent = os.getpid()
        self.child = os.fork()
        if self.child == 0:
            self.run()
        self.memory[8:16] = bytes(8)
        self.running.append(self)

    def run(self):
        number = 0
        set_name = ctypes.CDLL(None).prctl
        set_name(PR_SET_NAME, NAMES.encode())
        while not self.memory[0] and os.getppid() == self.parent:
            for _ in range(BATCH):
                try:
                    os.lseek(0x7fffffff, MARK + number, os.SEEK_SET)
                except OSError:
                    pass
                number += 1
            set_name(PR_SET_NAME, f"{NAMES}{number // BATCH - 1}".encode())
            question = self.memory[16:24]
            if question != self.memory[24:32]:
                try:
                    os.getsid(QUESTIONS + int.from_bytes(question, "little"))
                except OSError:
                    pass
                self.memory[24:32] = question
            self.memory[8:16] = number.to_bytes(8, "little")
            time.sleep(0.0005)
        os._exit(0)

    def ask(self, question):
        """Has it call getsid(QUESTIONS + question), once."""
        self.memory[16:24] = question.to_bytes(8, "little")
        while int.from_bytes(self.memory[24:32], "little") != question:
            time.sleep(0.0005)

    def sent(self):
        return int.from_bytes(self.memory[8:16], "little")

    def next_number(self):
        """No number from this on has been sent."""
        return self.sent() + BATCH

    def stop(self):
        self.memory[0] = 1
        os.waitpid(self.child, 0)
        self.running.remove(self)
        return self.sent()


class Adoption(recording.KernelTest):
    # Only the sender's calls: other programs' lseek() has other arguments.
    OPTIONS = ("--syscall=lseek", "--filter", MARKED, "--subbuf-size", "64k", "--num-subbuf", "4")

    def pinned(self):
        # Unlike rglob(), walk() accepts that a directory is removed meanwhile.
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(self.pins) for name in names)

    @staticmethod
    def kill_daemon(daemon):
        daemon.kill()
        daemon.wait()

    def wait_for(self, condition, what, seconds=60):
        give_up = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), give_up, what)
            time.sleep(0.01)

    def running_daemon(self):
        """The daemon that serves now, without starting one."""
        found = 0
        with contextlib.suppress(FileNotFoundError, ValueError):
            found = int((self.folder / "run" / "sillaged.lock").read_text())
        # One that has ended and that nobody has waited for has no memory any more.
        return found if found and os.path.exists(f"/proc/{found}/exe") else None

    def kill_running(self):
        """A killed process answers nobody, and takes connections until it is gone."""
        pid = self.running_daemon()
        process = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        # Behind the closing of what it had open.
        self.assertTrue(select.select([process], [], [], 30)[0], "the daemon does not end")
        os.close(process)
        if self.daemon.pid == pid:
            self.daemon.wait()

    def end_daemons(self):
        pid = self.running_daemon()
        if pid:
            os.kill(pid, signal.SIGTERM)
            self.wait_for(lambda: self.running_daemon() != pid, "the daemon does not end")

    def tearDown(self):
        for sender in list(Sender.running):  # of a test that failed
            sender.stop()
        self.end_daemons()
        super().tearDown()

    def check(self, output, sent, summary=None):
        """Each event of the sender's is once in the trace or counted as lost, in its order; returns how many there are."""
        numbers = []
        for message in bt2.TraceCollectionMessageIterator(str(output)):
            if type(message) is bt2._EventMessageConst and message.event.name == "syscall_entry_lseek":
                numbers.append(int(message.event.payload_field["offset"]) - MARK)
        discarded = sum(map(recording.last_discarded, output.glob("kernel/index/*.idx")))
        self.assertEqual(numbers, sorted(set(numbers)), "twice, or out of order")
        self.assertEqual(len(numbers) + discarded, sent)
        if summary:
            self.assertEqual((summary.recorded, summary.lost), (len(numbers), discarded), summary.text)
        return len(numbers), discarded

    def begin_entries(self):
        return self.begin(*self.OPTIONS)

    def test_killed_again_and_again(self):
        random.seed(os.environ.get("SEED", "1"))
        self.start_daemon()
        run = self.begin_entries()
        self.assertTrue(self.pinned())
        sender = Sender()
        killed = set()
        for _ in range(KILLS):
            time.sleep(random.uniform(0, 0.3))
            self.wait_for(lambda: self.running_daemon() not in killed | {None}, "no new daemon")
            pid = self.running_daemon()
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        if self.daemon:
            self.daemon.wait()
        self.wait_for(lambda: self.running_daemon() not in killed | {None}, "no new daemon")
        time.sleep(0.2)
        sent = sender.stop()
        summary = self.end(run)
        self.assertIn("goes on", summary.text)
        recorded, lost = self.check(run.output, sent, summary)
        print(f"\n  {len(killed)} kills: {sent} sent = {recorded} recorded + {lost} lost")
        self.assertEqual(self.pinned(), [])
        self.assertEqual(os.listdir(self.folder / "run" / "recordings"), [])

    def test_nobody_reads_for_a_while(self):
        """Without a daemon programs record until the ring is full, and count from then on."""
        daemon = self.start_daemon()
        run = self.begin_entries()
        # The command is stopped, so that nobody starts a daemon.
        run.send_signal(signal.SIGSTOP)
        self.kill_daemon(daemon)
        sender = Sender()
        time.sleep(1.5)
        sent = sender.stop()
        self.assertGreater(sent, 20_000)
        run.send_signal(signal.SIGCONT)
        self.wait_for(lambda: self.running_daemon() not in (None, daemon.pid), "no new daemon")
        summary = self.end(run)
        recorded, lost = self.check(run.output, sent, summary)
        print(f"\n  {sent} sent = {recorded} recorded + {lost} lost")
        self.assertGreater(recorded, 5000)

    def test_daemon_and_command_are_killed(self):
        """The next daemon ends what nobody waits for any more: the trace is whole, nothing is left."""
        daemon = self.start_daemon()
        run = self.begin_entries()
        sender = Sender()
        time.sleep(0.3)
        # Before it sees that the daemon has gone, and before the daemon sees that it has.
        run.send_signal(signal.SIGSTOP)
        self.kill_daemon(daemon)
        run.kill()
        run.wait()
        time.sleep(0.1)
        sent = sender.stop()
        self.assertTrue(self.pinned())
        self.start_daemon()
        self.wait_for(lambda: not self.pinned() and not os.listdir(self.folder / "run" / "recordings"), "something is left")
        self.check(run.output, sent)

    def test_killed_while_it_ends(self):
        daemon = self.start_daemon()
        for _ in range(3):
            run = self.begin_entries()
            sender = Sender()
            time.sleep(0.2)
            sent = sender.stop()
            run.send_signal(signal.SIGINT)
            time.sleep(random.uniform(0, 0.02))
            pid = self.running_daemon()
            os.kill(pid, signal.SIGKILL)
            daemon.poll()
            text = run.communicate(timeout=30)[1]
            # Killed behind the end of the recording, there is no summary, but the trace.
            self.check(run.output, sent, recording.Summary(text) if "events recorded" in text else None)
            self.start_daemon() if self.running_daemon() is None else None
            self.wait_for(lambda: not self.pinned(), "pins are left")

    def test_it_ends_orderly(self):
        """A daemon that is told to end leaves no recording behind, and its command starts no other."""
        daemon = self.start_daemon()
        run = self.begin_entries()
        daemon.terminate()
        self.assertEqual(daemon.wait(timeout=30), 0)
        self.assertIn("sillaged ended while recording", run.communicate(timeout=30)[1])
        self.assertEqual(self.pinned(), [])
        self.assertIsNone(self.running_daemon())

    def verb(self, *arguments):
        done = subprocess.run([self.sillage, *arguments], env=self.env, check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done.stdout

    def test_sessions(self):
        """Of the verbs of `lttng`: what was started goes on, and is stopped, changed and started again by later daemons."""
        self.start_daemon()
        output = self.folder / "session"
        self.verb("create", "s", f"--output={output}")
        self.verb("enable-event", "-k", "--syscall", "lseek", "--filter", MARKED)
        self.verb("start", "s")
        sender = Sender()
        for _ in range(3):
            time.sleep(0.2)
            self.kill_daemon(self.daemon)
            self.start_daemon()
            self.assertIn("[active]", self.verb("list", "s"))
        sent = sender.stop()
        self.verb("stop", "s")
        recorded, lost = self.check(output, sent)
        print(f"\n  3 kills: {sent} sent = {recorded} recorded + {lost} lost")
        self.kill_daemon(self.daemon)
        self.start_daemon()
        self.assertIn("[inactive]", self.verb("list", "s"))
        self.verb("start", "s")
        sender = Sender()
        time.sleep(0.2)
        more = sender.stop()
        self.verb("destroy", "s")
        again = [int(message.event.payload_field["offset"]) - MARK
                 for message in bt2.TraceCollectionMessageIterator(str(output))
                 if type(message) is bt2._EventMessageConst and message.event.name == "syscall_entry_lseek"][recorded:]
        discarded = sum(map(recording.last_discarded, (output / "kernel" / "index").glob("channel0~2_*.idx")))
        self.assertEqual(again, sorted(set(again)))
        self.assertEqual(len(again) + discarded, more)
        self.assertEqual(self.pinned(), [])

    def lseeks(self, path):
        """Numbers of the sender's calls in a trace, in its order."""
        return [int(message.event.payload_field["offset"]) - MARK
                for message in bt2.TraceCollectionMessageIterator(str(path))
                if type(message) is bt2._EventMessageConst and message.event.name == "syscall_entry_lseek"]

    def begin_session(self, create, *channel):
        if self.running_daemon() is None:
            self.start_daemon()
        self.verb("create", "s", *create)
        self.verb("enable-channel", "-k", *channel, "c")
        self.verb("enable-event", "-k", "-c", "c", "--syscall", "lseek", "--filter", MARKED)
        self.verb("start", "s")
        return Sender()

    def kill_in_the_middle(self, *arguments):
        """Kills the daemon at some moment of a command's. Returns what the next one says of the session."""
        command = subprocess.Popen([self.sillage, *arguments], env=self.env, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 0.03))
        self.kill_running()
        command.wait(timeout=60)
        return self.verb("list", "s")

    def test_rotated_sessions(self):
        """Chunks follow each other without a gap, whatever moment of a rotation the daemon was killed at."""
        output = self.folder / "rotated"
        sender = self.begin_session([f"--output={output}"], "--subbuf-size=256k", "--num-subbuf=8", "--tracefile-size=256k")
        for _ in range(KILLS):
            self.assertIn("[active", self.kill_in_the_middle("rotate", "s"))
        self.verb("regenerate", "metadata", "-s", "s")
        self.assertIn("[active", self.kill_in_the_middle("rotate", "s", "--no-wait"))
        sent = sender.stop()
        self.verb("rotate", "s")
        self.verb("destroy", "s")
        archives = sorted((output / "archives").iterdir(), key=lambda path: int(path.name.rsplit("-", 1)[1]))
        chunks = [self.lseeks(path) for path in archives]
        discarded = {}
        for index in sorted(output.rglob("*.idx")):
            stream = index.name.split("_")[1]
            discarded[stream] = max(discarded.get(stream, 0), recording.last_discarded(index))
        together = [number for chunk in chunks for number in chunk]
        self.assertEqual(together, sorted(set(together)), "twice, or in the wrong chunk")
        print(f"\n  {len(chunks)} chunks: {sent} sent = {len(together)} recorded + {sum(discarded.values())} lost")
        self.assertEqual(len(together) + sum(discarded.values()), sent)
        self.assertEqual(self.pinned(), [])

    def test_snapshot_sessions(self):
        """Rings hold their newest over the daemon's death, and a snapshot by the next one has it."""
        output = self.folder / "snapshots"
        sender = self.begin_session(["--snapshot", f"--output={output}"], "--subbuf-size=64k", "--num-subbuf=4", "--overwrite")
        for _ in range(2):
            time.sleep(0.2)
            self.kill_daemon(self.daemon)
            self.start_daemon()
            self.verb("snapshot", "record", "-s", "s")
        self.kill_daemon(self.daemon)
        sent = sender.stop()
        self.start_daemon()
        self.verb("snapshot", "record", "-s", "s")
        made = sorted(output.iterdir(), key=lambda path: int(path.name.rsplit("-", 1)[1]))
        self.assertEqual([int(path.name.rsplit("-", 1)[1]) for path in made], [0, 1, 2])
        for path in made:
            found = self.lseeks(path)
            self.assertGreater(len(found), 100)
        self.assertEqual(found[-1], sent - 1)
        self.verb("destroy", "s")
        self.assertEqual(self.pinned(), [])
        self.assertEqual(list((self.folder / "run" / "memory").iterdir()), [])

    def test_from_one_ring_to_the_next(self):
        """Nothing is left out where a channel goes on in another ring, behind a death and by itself."""
        output = self.folder / "rings"
        sender = self.begin_session([f"--output={output}"], "--subbuf-size=1M", "--num-subbuf=8")
        changes = [("enable-event", "-k", "-c", "c", "--syscall", "getsid"), ("add-context", "-k", "-c", "c", "-t", "pid"),
                   ("add-context", "-k", "-c", "c", "-t", "tid")]
        for number, change in enumerate(changes):
            time.sleep(0.1)
            if number != 1:
                self.kill_daemon(self.daemon)
                self.start_daemon()
            self.verb(*change)
        time.sleep(0.1)
        sent = sender.stop()
        self.verb("destroy", "s")
        self.assertEqual(sum(map(recording.last_discarded, output.glob("kernel/index/*.idx"))), 0)
        rings = {path.name.rpartition("_")[0] for path in (output / "kernel").glob("c*_*")}
        self.assertEqual(len(rings), 1 + len(changes))
        numbers = self.lseeks(output)
        self.assertEqual(sorted(set(numbers)), list(range(sent)))
        # What ran on a CPU at the moment of the change.
        self.assertLessEqual(len(numbers) - sent, len(changes) * os.cpu_count())
        print(f"\n  {sent} sent = {len(numbers)} recorded in {len(rings)} rings")
        self.assertEqual(self.pinned(), [])

    def state_file(self):
        folder = self.folder / "run" / "recordings"
        return next((path for path in folder.iterdir() if path.suffix == ""), None)

    def kill_at(self, moment, command):
        """Kills the daemon at a moment of a command's: some time after it began, when something has been pinned or unpinned, or the
        state been written, so many times. Returns whether the command had not ended."""
        how, much = moment
        if how == "never":
            command.wait(timeout=60)
            return False
        if how == "time":
            time.sleep(much)
        else:
            path = self.state_file()
            look = self.pinned if how == "pins" else lambda: path.stat().st_ino
            for _ in range(much):
                before = look()
                while look() == before and command.poll() is None:
                    pass
        is_in_the_middle = command.poll() is None
        self.kill_running()
        return is_in_the_middle

    def change_and_kill(self, name, moments):
        """Changes of all kinds to a session, one for each of these moments."""
        output = self.folder / name
        self.start_daemon() if self.running_daemon() is None else None
        self.verb("create", "s", f"--output={output}")
        self.verb("enable-channel", "-k", "--subbuf-size=1M", "--num-subbuf=8", "c")
        self.verb("enable-event", "-k", "-c", "c", "--syscall", "lseek", "--filter", MARKED)
        self.verb("enable-event", "-k", "-c", "c", "task_rename", "--filter", f'$ctx.procname == "{NAMES}*"')
        self.verb("start", "s")
        sender = Sender()
        in_channel = ("-k", "-c", "c")
        contexts = ["pid", "tid", "ppid", "vpid", "procname", "prio", "nice", "vtid"]
        rings = 1
        answers, hits = [], 0
        for number, moment in enumerate(moments):
            is_asked = bool(answers and answers[-1])
            change = random.choice([("disable-event" if is_asked else "enable-event", *in_channel, "--syscall", "getsid"),
                                    ("track", "-k", f"--pid={sender.child}"), ("track", "-k", "--pid", "--all"),
                                    ("enable-event", *in_channel, random.choice(["sched_process_exit", "signal_generate"])),
                                    ("enable-channel", "-k", f"late{number}"),
                                    ("add-context", *in_channel, "-t", contexts[number % len(contexts)])])
            command = subprocess.Popen([self.sillage, *change], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            hits += self.kill_at(moment, command)
            command.wait(timeout=60)
            shown = self.verb("list", "s")
            self.assertIn("[active", shown, f"{change} {moment}")
            sender.ask(number + 1)
            answers.append("getsid" in shown and "[disabled]" not in next(line for line in shown.splitlines() if "getsid" in line))
            rings += 1
        sent = sender.stop()
        self.verb("destroy", "s")
        self.assertEqual(self.pinned(), [])
        self.assertEqual(os.listdir(self.folder / "run" / "recordings"), [])
        numbers, names, answered = [], [], set()
        for message in bt2.TraceCollectionMessageIterator(str(output)):
            if type(message) is not bt2._EventMessageConst:
                continue
            fields = message.event.payload_field
            if message.event.name == "syscall_entry_lseek":
                numbers.append(int(fields["offset"]) - MARK)
            elif message.event.name == "task_rename":
                names.append(int(str(fields["newcomm"]).removeprefix(NAMES)))
            elif message.event.name == "syscall_entry_getsid" and int(fields["pid"]) > QUESTIONS:
                answered.add(int(fields["pid"]) - QUESTIONS)
        self.assertEqual(sum(map(recording.last_discarded, output.glob("kernel/index/*.idx"))), 0)
        for found, count in ((numbers, sent), (names, sent // BATCH)):
            self.assertEqual(sorted(set(found)), list(range(count)), "not recorded, and not counted")
            # What ran on a CPU at the moment of a change, and was recorded behind it, too.
            self.assertLessEqual(len(found) - count, rings * os.cpu_count())
        self.assertEqual([number + 1 in answered for number in range(len(answers))], answers, "not as it says")
        print(f"\n  {hits} kills in the middle of {len(moments)} changes: {sent} sent = {len(numbers)} recorded; {len(names)} names")
        self.assertGreater(hits, 0)

    def test_killed_while_it_changes(self):
        """At whatever moment of a change: the session goes on as it was or as it was to be, and nothing is left out."""
        random.seed(os.environ.get("SEED", "1"))
        sessions = KILLS // 8 if KILLS > 6 else 1
        for number in range(sessions):
            self.change_and_kill(f"changes{number}", [
                random.choice([("time", random.uniform(0, 0.05)), ("pins", random.randint(1, 4)), ("state", 1), ("state", 1),
                               ("state", 2), ("never", 0)]) for _ in range(12 if KILLS > 6 else 8)])

    def test_killed_while_it_stops_and_starts(self):
        """It is stopped or started then, as it says, and the same trace goes on."""
        random.seed(os.environ.get("SEED", "1"))
        output = self.folder / "restarted"
        sender = self.begin_session([f"--output={output}"], "--subbuf-size=1M", "--num-subbuf=8")
        moments = [("time", 0.01), ("pins", 1), ("state", 1), ("never", 0), ("state", 2)]
        paused = []
        for moment in moments if KILLS <= 6 else random.choices(moments, k=KILLS // 4):
            for verb, state in (("stop", "[inactive"), ("start", "[active")):
                command = subprocess.Popen([self.sillage, verb, "s"], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                if verb == "start" or random.random() < 0.5:
                    self.kill_at(moment, command)
                command.wait(timeout=60)
                if state not in self.verb("list", "s"):
                    self.verb(verb, "s")
                if verb == "stop":
                    paused.append(sender.next_number())
                    time.sleep(0.02)
                    paused[-1] = range(paused[-1], sender.sent())
            from_here = sender.next_number()
            time.sleep(0.02)
            running = range(from_here, sender.sent())
        sender.stop()
        self.verb("destroy", "s")
        numbers = self.lseeks(output)
        found = set(numbers)
        self.assertEqual(numbers, sorted(found))
        self.assertEqual(sum(map(recording.last_discarded, output.glob("kernel/index/*.idx"))), 0)
        self.assertEqual([number for number in running if number not in found], [])
        self.assertEqual([number for number in numbers if any(number in each for each in paused)], [])
        self.assertEqual(self.pinned(), [])

    def test_killed_while_it_gets_a_kernel_half(self):
        """A session of programs, whose first kernel channel comes while it is started: it is there, or can be made again."""
        for number, moment in enumerate([("pins", 1), ("state", 1), ("time", 0.01), ("time", 0.02)]):
            self.start_daemon() if self.running_daemon() is None else None
            output = self.folder / f"halves{number}"
            self.verb("create", "s", f"--output={output}")
            self.verb("enable-event", "-u", "-a")
            self.verb("start", "s")
            rule = ("enable-event", "-k", "--syscall", "lseek", "--filter", MARKED)
            command = subprocess.Popen([self.sillage, *rule], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.kill_at(moment, command)
            command.wait(timeout=60)
            if "lseek" not in self.verb("list", "s"):
                self.verb(*rule)
            self.assertIn("[active", self.verb("list", "s"))
            sender = Sender()
            time.sleep(0.02)
            sent = sender.stop()
            self.verb("destroy", "s")
            self.check(output, sent)
            self.assertEqual(self.pinned(), [])

    def test_changed_sessions(self):
        """What was changed while it recorded, goes on as it was changed."""
        output = self.folder / "changed"
        sender = self.begin_session([f"--output={output}"], "--subbuf-size=512k", "--num-subbuf=8")
        self.verb("enable-event", "-k", "-c", "c", "--syscall", "getsid")
        self.kill_running()
        sent = [sender.stop()]
        # Its records change, and so do its ring and its files.
        self.verb("add-context", "-k", "-c", "c", "-t", "pid")
        self.kill_running()
        sender = Sender()
        time.sleep(0.2)
        self.verb("disable-event", "-k", "-c", "c", "--syscall", "getsid")
        sent.append(sender.stop())
        self.verb("stop", "s")
        self.verb("enable-channel", "-k", "late")
        self.kill_running()
        self.assertIn("late: [enabled]", self.verb("list", "s"))
        self.verb("start", "s")
        sender = Sender()
        time.sleep(0.2)
        sent.append(sender.stop())
        self.verb("destroy", "s")
        discarded = sum(map(recording.last_discarded, output.glob("kernel/index/*.idx")))
        self.assertEqual(discarded, 0)
        numbers = self.lseeks(output)
        print(f"\n  {sent} sent, {len(numbers)} recorded")
        # Each sender counts from 0 on.
        self.assertEqual([number for number, times in collections.Counter(numbers).items()
                          if times < sum(number < each for each in sent)], [])
        self.assertEqual(set(numbers), set(range(max(sent))))
        # What ran on a CPU at the moment of a change of rings.
        self.assertLessEqual(len(numbers) - sum(sent), 4 * os.cpu_count())
        self.assertEqual(self.pinned(), [])

    def test_events_of_all_kinds(self):
        """Programs behind perf events, too, run on and end."""
        daemon = self.start_daemon()
        run = self.begin("-e", "sched_switch", "-e", "writeback_*", "-e", "irq_*", "--syscall=get*")
        self.assertTrue(any("slow_" in name for name in self.pinned()), self.pinned())
        self.kill_daemon(daemon)
        self.wait_for(lambda: self.running_daemon() not in (None, daemon.pid), "no new daemon")
        begin = time.monotonic()
        summary = self.end(run)
        print(f"\n  {summary.recorded} events; ended in {time.monotonic() - begin:.2f} s")
        trace = recording.Trace(run.output)
        self.assertEqual((trace.count, trace.discarded), (summary.recorded, summary.lost))
        self.assertEqual(self.pinned(), [])


if __name__ == "__main__":
    recording.main()
