#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What goes into a running recording by request: texts, and the kernel's state once more; memory maps as /proc has them.

    requests_test.py SILLAGE
"""

import fcntl
import os
import struct
import subprocess
import sys
import termios
import time

import recording

STATE = "lttng_statedump_"


class Requests(recording.KernelTest):
    def wait_until_read(self, fifo):
        with open(os.open(fifo, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0) as file:
            give_up = time.monotonic() + 30
            while struct.unpack("i", fcntl.ioctl(file, termios.FIONREAD, bytes(4)))[0]:
                self.assertLess(time.monotonic(), give_up, "nobody reads texts")
                time.sleep(0.001)

    def test_texts(self):
        """echo TEXT > PATH, as with LTTng's /proc/lttng-logger."""
        self.start_daemon()
        path = self.folder / "run" / "logger"
        run = self.begin("-e", "lttng_logger", "-e", "sched_process_exit")
        subprocess.run(["sh", "-c", 'echo "first text" > "$0"; printf "%s\\n" b c > "$0"', path], check=True, timeout=60)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(f"line {i}" for i in range(1000)) + "\n")
        # Behind all others: what is written behind a text without an end, before that is read, goes on with it.
        self.wait_until_read(path)
        subprocess.run(["sh", "-c", 'printf end > "$0"', path], check=True, timeout=60)
        self.wait_until_read(path)
        summary = self.end(run)
        trace = recording.Trace(run.output, lambda name: name == "lttng_logger")
        texts = [event.fields for event in trace.events]
        self.assertEqual(texts, [{"msg": text} for text in ["first text", "b", "c", *(f"line {i}" for i in range(1000)), "end"]])
        self.assertEqual((summary.recorded, summary.lost), (trace.count, 0))
        # Nobody records: nobody waits.
        subprocess.run(["sh", "-c", 'echo again > "$0"', path], check=True, timeout=60)

    def test_text_in_no_recording_that_wants_none(self):
        self.start_daemon()
        run = self.begin("-e", "sched_process_exit")
        subprocess.run(["sh", "-c", 'echo text > "$0"', self.folder / "run" / "logger"], check=True, timeout=60)
        self.end(run)
        self.assertEqual(recording.Trace(run.output, lambda name: name == "lttng_logger").events, [])

    def regenerate(self):
        return subprocess.run([self.sillage, "regenerate", "statedump"], env=self.env, capture_output=True, text=True,
                              timeout=60, check=False)

    def begin_with_state(self, *options):
        """As begin(), with the state dump."""
        run = self.start([self.sillage, "record", "-k", "-e", "sched_process_exit", "-o", self.new_trace(), *options],
                         env=self.env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        run.output, run.said = run.args[run.args.index("-o") + 1], []
        for line in run.stderr:
            run.said.append(line)
            if "Recording" in line:
                return run
        self.fail("sillage record does not start:\n" + "".join(run.said))

    def test_state_once_more(self):
        self.start_daemon()
        run = self.begin_with_state()
        sleeper = self.start(["sleep", "60"])
        done = self.regenerate()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("in 1 recording", done.stdout)
        self.end(run)
        trace = recording.Trace(run.output, lambda name: name.startswith(STATE))
        names = [event.name for event in trace.events]
        for name in ("start", "end"):
            self.assertEqual(names.count(STATE + name), 2)
        # It began after the first, and is in the second.
        found = [event for event in trace.events
                 if event.name == STATE + "process_state" and event.fields["tid"] == sleeper.pid]
        self.assertEqual(len(found), 1)
        self.assertGreater(names.count(STATE + "file_descriptor"), 2)

    def test_nothing_to_regenerate(self):
        self.assertIn("cannot reach sillaged", self.regenerate().stderr)
        self.start_daemon()
        run = self.begin("-e", "sched_process_exit")  # without the state
        done = self.regenerate()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--no-statedump", done.stderr)
        self.end(run)

    def test_memory_maps(self):
        self.start_daemon()
        sleeper = self.start([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"],
                             stdout=subprocess.PIPE)
        sleeper.stdout.readline()
        run = self.begin_with_state("--statedump-maps", "--subbuf-size", "4M")
        with open(f"/proc/{sleeper.pid}/maps", encoding="utf-8") as file:
            lines = [line.split() for line in file if "[vsyscall]" not in line]
        self.end(run)
        trace = recording.Trace(run.output, lambda name: name == STATE + "vm_map")
        ours = [(event.fields["start"], event.fields["end"], event.fields["inode"], event.fields["pgoff"])
                for event in trace.events if event.fields["pid"] == sleeper.pid]
        theirs = []
        for place, _, offset, _, inode, *_ in lines:
            start, end = (int(number, 16) for number in place.split("-"))
            # Of memory without a file the kernel shows no offset.
            theirs.append((start, end, int(inode), int(offset, 16)))
        self.assertEqual([entry[:3] for entry in ours], [entry[:3] for entry in theirs])
        self.assertEqual([entry for entry in ours if entry[2]], [entry for entry in theirs if entry[2]])
        self.assertGreater(len(ours), 10)


if __name__ == "__main__":
    recording.main()
