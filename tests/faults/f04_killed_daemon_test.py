#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""F04: the daemon is killed with -9 while programs are recorded; the next one goes on with their rings.

    f04_killed_daemon_test.py BIN PRODUCER [long]

Every event that the programs sent is in the trace once, or counted as lost, whenever the daemon was killed: babeltrace2's
output is compared with the producer's own accounts (tests/accounting).
"""

import os
import random
import signal
import socket
import subprocess
import time

import killed_daemons
from killed_daemons import BIN, KILLS, Daemons, only_long, run, scaled


class Killed(Daemons):
    def compare(self, name, summary):
        facts = run.compare(name, self.accounts, self.trace, summary, self.folder / "errors")
        print(f"\n  {len(self.killed)} kills: {facts}", end="", flush=True)
        self.assertEqual(list((self.runtime / "recordings").iterdir()), [])
        self.assertFalse((self.runtime / "refused").exists(), summary)
        return facts

    def kill_under_load(self, name, options, arguments, events, rseq="1"):
        record = self.begin(options, arguments, rseq)
        for _ in range(KILLS):
            time.sleep(random.uniform(0, 0.3))
            self.kill_daemon()
        self.end_program(scaled(events))
        summary = record.communicate(timeout=90)[0]
        self.assertEqual(record.returncode, 0, summary)
        self.assertIn("goes on", summary)
        return self.compare(name, summary)

    def test_rings_are_large_enough(self):
        """Nothing at all is lost."""
        facts = self.kill_under_load("f04", [], self.PACED, 30000)
        self.assertIn("lost 0", facts)

    FAST = ["threads=4", "pause_us=1000", "batch=60", "events=0"]

    def test_rings_are_full(self):
        self.kill_under_load("f04", run.SMALL, self.FAST, 90000)

    @only_long
    def test_oldest_is_overwritten(self):
        self.kill_under_load("f04", [*run.SMALL, "--overwrite"], self.FAST, 90000)

    @only_long
    def test_rings_of_processes_that_come_and_go(self):
        """Who starts while there is no daemon is recorded from the next one on, and then to the last event."""
        record = self.begin(["--buffers", "process"],
                            ["processes=4", "threads=2", "kills=1000000", "pause_us=2000", "batch=20"])
        for _ in range(KILLS):
            time.sleep(random.uniform(0, 0.2))
            self.kill_daemon()
        self.wait_for(lambda: len(self.done()) > 800, "processes do not come and go")
        self.end_program(None)
        summary = record.communicate(timeout=90)[0]
        self.assertEqual((record.returncode, run.lost_of(summary)), (0, 0), summary)
        accounts = run.read_accounts(self.accounts)
        found = [[] for _ in accounts]
        text = subprocess.run(["babeltrace2", "--no-delta", self.trace], check=True, capture_output=True).stdout
        for who, sequence, check in run.EVENT.findall(text):
            self.assertEqual(int(check, 16), run.checksum(int(who), int(sequence)))
            found[int(who)].append(int(sequence))
        for (begun, done), sequences in zip(accounts, found):
            if sequences:
                self.assertEqual(sequences, list(range(sequences[0], sequences[-1] + 1)))
                self.assertTrue(done <= sequences[-1] + 1 <= begun, (begun, done, sequences[-1]))
        read, whole = sum(map(len, found)), sum(1 for each in found if each and each[0] == 0)
        print(f"\n  {len(self.killed)} kills: {read} events, {whole} of {len(found)} threads whole", end="", flush=True)
        self.assertEqual(run.recorded_of(summary), read)
        self.assertGreater(whole, 10)

    @only_long
    def test_without_restartable_sequences(self):
        self.kill_under_load("f04", [], self.PACED, 30000, rseq="0")

    def test_nobody_reads_for_a_while(self):
        """What is sent while there is no daemon is in the rings."""
        record = self.begin([], self.PACED)
        record.send_signal(signal.SIGSTOP)  # it would start another one
        self.kill_daemon()
        time.sleep(scaled(900) / 1000)
        self.assertEqual(len(self.holders()), 1)
        record.send_signal(signal.SIGCONT)
        self.end_program(scaled(10000))
        summary = record.communicate(timeout=60)[0]
        self.assertIn("lost 0", self.compare("f04", summary))

    def test_command_is_killed_too(self):
        """The next daemon completes what nobody waits for any more."""
        record = self.begin([], self.PACED)
        record.send_signal(signal.SIGSTOP)
        self.kill_daemon()
        record.kill()
        record.wait()
        self.end_program(4000)
        record.communicate()  # the program has its standard output, too
        self.start_daemon()
        self.wait_for(lambda: not list((self.runtime / "recordings").iterdir()), "the recording is not ended")
        self.wait_for(lambda: not self.holders(), "the holder does not end")
        sent = sum(self.done())
        self.assertIn(f"read {sent}", self.compare("f04", f"events recorded {sent}\nevents lost 0"))

    def test_told_to_end(self):
        """SIGTERM completes the trace; nothing is left for another daemon."""
        record = self.begin([], self.PACED)
        pid = self.running_daemon()
        os.kill(pid, signal.SIGTERM)
        self.end_program()
        text = record.communicate(timeout=60)[0]
        self.assertIn("sillaged ended while recording", text)
        self.assertIn(self.running_daemon(), (pid, None), "another daemon goes on")
        self.wait_for(lambda: self.running_daemon() is None, "the daemon does not end")
        self.assertEqual(list((self.runtime / "recordings").iterdir()), [])
        subprocess.run(["babeltrace2", self.trace], check=True, stdout=subprocess.DEVNULL)

    def test_damaged_journal(self):
        """It is refused with a sentence, and put aside; what was written is there."""
        record = self.begin([], self.PACED)
        record.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        self.kill_daemon()
        journal = next((self.runtime / "recordings").glob("*.journal"))
        with open(journal, "r+b") as file:
            file.seek(9)
            file.write(b"x")
        record.kill()
        self.end_program()
        record.communicate()
        daemon = subprocess.run([BIN / "sillaged", "--daemonize", "--auto-exit"], env=self.environment, check=True,
                                capture_output=True, text=True)
        self.assertIn("ended with the daemon that was killed", daemon.stderr)
        self.assertTrue((self.runtime / "refused" / journal.name).exists())
        subprocess.run(["babeltrace2", self.trace], check=True, stdout=subprocess.DEVNULL)


class Sessions(Daemons):
    """The same of sessions that the verbs of `lttng` steer."""

    def make(self, *channel):
        self.command("create", "s", f"--output={self.trace}")
        self.command("enable-channel", "-u", "c", *channel)
        self.command("enable-event", "-u", "accounting:*", "-c", "c", "--filter", "sequence >= 0")
        self.command("enable-event", "-u", "other:*", "-c", "c")
        self.command("disable-event", "-u", "other:*", "-c", "c")

    def lost(self):
        listed = self.command("list", "s")
        return int(listed.split("Discarded events:")[1].split()[0])

    def test_session_goes_on(self):
        self.make()
        before = self.command("list", "s")
        self.kill_daemon()
        self.assertEqual(self.command("list", "s"), before)
        self.command("start", "s")
        started = self.command("list", "s")
        producer = self.produce()
        for _ in range(KILLS):
            time.sleep(random.uniform(0, 0.3))
            self.kill_daemon()
            self.assertEqual(self.command("list", "s").replace("other", ""), started.replace("other", ""))
        self.end_program(scaled(30000))
        self.assertEqual(producer.wait(), 0)
        self.command("stop", "s")
        lost = self.lost()
        self.kill_daemon()
        self.assertIn("inactive", self.command("list", "s"))
        self.command("destroy", "s")
        summary = f"events recorded {sum(self.done()) - lost}\nevents lost {lost}"
        facts = run.compare("f04", self.accounts, self.trace, summary, self.folder / "errors")
        print(f"\n  {len(self.killed)} kills: {facts}", end="", flush=True)
        self.assertEqual(lost, 0)
        self.assertEqual(list((self.runtime / "recordings").iterdir()) + list((self.runtime / "sessions").iterdir()), [])

    @only_long
    def test_changed_and_started_again_by_the_next_daemon(self):
        self.make("--buffers-uid")
        self.command("start", "s")
        producer = self.produce()
        self.kill_daemon()
        self.command("enable-event", "-u", "more:*", "-c", "c")
        self.command("stop", "s")
        self.kill_daemon()
        self.command("start", "s")
        self.kill_daemon()
        self.command("add-context", "-u", "-c", "c", "-t", "vtid")
        self.kill_daemon()
        self.assertIn("vtid", self.command("list", "s"))
        # The program comes to the next daemon by itself.
        self.end_program(max(self.done()) + 10000)
        self.assertEqual(producer.wait(), 0)
        self.command("destroy", "s")
        text = subprocess.run(["babeltrace2", "--no-delta", self.trace], check=True, capture_output=True).stdout
        found = [(int(who), int(sequence)) for who, sequence, _ in run.EVENT.findall(text)]
        self.assertEqual(len(found), len(set(found)))
        self.assertTrue(b"vtid" in text)
        for who in (0, 1):
            self.assertEqual(max(sequence for each, sequence in found if each == who), self.done()[who] - 1)

    def test_killed_between_transitions(self):
        """A verb was carried out or was not: never half."""
        verbs = [("create", "s", f"--output={self.trace}"), ("enable-channel", "-u", "c", "-s", "s"),
                 ("enable-event", "-u", "a:b", "-c", "c", "-s", "s"), ("start", "s"), ("stop", "s"), ("destroy", "s")]
        for verb in verbs:
            self.command("list")
            running = subprocess.Popen([BIN / "sillage", *verb], env=self.environment, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, 0.02))
            self.kill_daemon()
            running.wait(timeout=60)
            # The second time it is done, or says that it had been.
            self.command(*verb, check=False)
            self.command("list", "s", check=False)
        self.assertEqual(list((self.runtime / "sessions").iterdir()) + list((self.runtime / "recordings").iterdir()), [])
        self.assertFalse((self.runtime / "refused").exists())

    def test_damaged_state(self):
        self.make()
        self.kill_daemon()
        (self.runtime / "sessions" / "s").write_bytes(b"damaged")
        daemon = subprocess.run([BIN / "sillaged", "--daemonize", "--auto-exit"], env=self.environment, check=True,
                                capture_output=True, text=True)
        self.assertIn("the state of a session cannot be used", daemon.stderr)
        self.assertEqual((self.runtime / "refused" / "s").read_bytes(), b"damaged")
        self.make()


class ServiceManager(Daemons):
    """What systemd does for a service with FileDescriptorStoreMax=, done by this process."""

    def setUp(self):
        super().setUp()
        self.kept = {}
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(self.folder / "notify"))
        self.manager.setblocking(False)

    def take_messages(self):
        while True:
            try:
                text, descriptors, _, _ = socket.recv_fds(self.manager, 4096, 4)
            except BlockingIOError:
                return
            fields = dict(line.split("=", 1) for line in text.decode().split("\n"))
            if "FDSTORE" in fields:
                self.kept[fields["FDNAME"]] = descriptors[0]
            else:
                os.close(self.kept.pop(fields["FDNAME"]))

    def start_service(self):
        self.take_messages()
        names = list(self.kept)
        # Out of the way of their numbers there.
        passed = [os.dup2(self.kept[name], 200 + i, inheritable=True) for i, name in enumerate(names)]

        def place():
            for i, descriptor in enumerate(passed):
                os.dup2(descriptor, 3 + i, inheritable=True)

        environment = dict(self.environment, SILLAGE_FDSTORE="1", NOTIFY_SOCKET=str(self.folder / "notify"),
                           LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
        service = subprocess.Popen(["sh", "-c", f"LISTEN_PID=$$ exec {BIN}/sillaged --foreground --auto-exit"],
                                   env=environment, preexec_fn=place, close_fds=False)
        for descriptor in passed:
            os.close(descriptor)
        self.wait_for(self.is_served, "it does not come up")
        return service

    def test_rings_are_passed_to_the_next_start(self):
        service = self.start_service()
        record = self.begin([], self.PACED)
        for _ in range(3 if killed_daemons.LONG else 1):
            time.sleep(0.2)
            record.send_signal(signal.SIGSTOP)  # the manager starts it, not the command
            service.kill()
            service.wait()
            service = self.start_service()
            record.send_signal(signal.SIGCONT)
            time.sleep(0.2)
        self.end_program(scaled(20000))
        summary = record.communicate(timeout=60)[0]
        self.assertEqual(self.holders(), [])
        facts = run.compare("f04", self.accounts, self.trace, summary, self.folder / "errors")
        print(f"\n  {facts}", end="", flush=True)
        self.assertIn("lost 0", facts)
        service.terminate()
        self.assertEqual(service.wait(timeout=30), 0)
        self.take_messages()
        self.assertEqual(self.kept, {})


if __name__ == "__main__":
    killed_daemons.main()
