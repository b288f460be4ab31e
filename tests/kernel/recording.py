# SPDX-License-Identifier: MIT
"""What the tests of kernel recordings share: a daemon of their own, recordings, their events as babeltrace2 reads them."""

import collections
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import bt2

Event = collections.namedtuple("Event", "name time cpu context fields")
REQUIRED = os.environ.get("SILLAGE_REQUIRE_KERNEL") == "1"
# How much slower than a real machine this one is: an emulated one needs more time for the same load.
SLOWNESS = float(os.environ.get("SILLAGE_SLOWNESS", "1"))
READY_SECONDS = 30 * SLOWNESS
TRACEFS = "/sys/kernel/tracing"
PINS = pathlib.Path("/sys/fs/bpf/sillage")
# The kernel says so of anything it did wrong on a program's behalf.
KERNEL_COMPLAINTS = re.compile(r"end trace|BUG:|Oops|WARNING:|soft lockup|rcu.*stall")


def complaints():
    """How often the kernel has complained since it booted, or None where that is not to be read."""
    done = subprocess.run(["dmesg"], capture_output=True, text=True, errors="replace", check=False)
    return len(KERNEL_COMPLAINTS.findall(done.stdout)) if done.returncode == 0 else None


def plain(field):
    """A field as Python's own type: dict, list, int, float or str."""
    if isinstance(field, bt2._StructureFieldConst):
        return {name: plain(value) for name, value in field.items()}
    if isinstance(field, bt2._ArrayFieldConst):
        return [plain(value) for value in field]
    if isinstance(field, bt2._StringFieldConst):
        return str(field)
    if isinstance(field, bt2._VariantFieldConst):
        return plain(field.selected_option)
    return float(field) if isinstance(field, bt2._RealFieldConst) else int(field)


def kernel_or_skip():
    """Ends the test program where the kernel cannot be recorded, as a skip unless it must be possible."""
    missing = None
    if os.geteuid() != 0:
        missing = "not root"
    elif not os.path.exists("/sys/kernel/btf/vmlinux"):
        missing = "no /sys/kernel/btf/vmlinux"
    if missing:
        print("kernel events cannot be recorded here: " + missing)
        sys.exit(1 if REQUIRED else 77)


def threads_of_init():
    """Threads of process 1. In a virtual machine whose agent that is, the kernel may run no tracer's program for them,
    and show no switches from them to anybody: such machines prove nothing about them."""
    return {int(name) for name in os.listdir("/proc/1/task")}


def last_discarded(index):
    """What the last packet of a stream says by its entry in LTTng's index: the sixth number."""
    data = index.read_bytes()
    size, = struct.unpack_from(">I", data, 12)
    return struct.unpack_from(">Q", data, len(data) - size + 40)[0] if len(data) > 16 else 0


def discarded_in(path):
    return sum(map(last_discarded, pathlib.Path(path).glob("kernel/index/*.idx")))


def counts(path):
    """How many events babeltrace2 finds in a trace, without Python's looking at each, and how many were discarded."""
    done = subprocess.run(["babeltrace2", str(path), "--component=sink.utils.counter", "--params=step=+0"], capture_output=True,
                          text=True, check=True)
    found = re.search(r"(\d+) Event message", done.stdout)
    return int(found.group(1)) if found else 0, discarded_in(path)


class Trace:
    """The messages of a trace: `events` in order of time, their `count`, and how many were `discarded`.

    Packets count what their stream has discarded up to their end. babeltrace2 makes messages of the differences, so
    that it cannot tell of what was discarded up to the end of the first."""

    def __init__(self, path, wanted=lambda name: True):
        self.events, self.count = [], 0
        told = 0
        for message in bt2.TraceCollectionMessageIterator(str(path)):
            if type(message) is bt2._EventMessageConst:
                self.count += 1
                event = message.event
                if wanted(event.name):
                    context = {} if event.common_context_field is None else plain(event.common_context_field)
                    # The clock counts ns since boot; its origin is the time of day.
                    self.events.append(Event(event.name, message.default_clock_snapshot.value,
                                             int(event.packet.context_field["cpu_id"]), context,
                                             {} if event.payload_field is None else plain(event.payload_field)))
            elif type(message) is bt2._DiscardedEventsMessageConst:
                told += message.count or 0
        self.discarded = discarded_in(path)
        assert told <= self.discarded, (told, self.discarded)


class Summary:
    """What `sillage record` says at its end."""

    def __init__(self, text):
        self.text = text
        self.recorded = self.number("events recorded")
        self.lost = self.number("events lost")

    def number(self, label):
        found = re.search(rf"{label}\s+([\d,]+)", self.text)
        if not found:
            raise AssertionError(f"no '{label}' in:\n{self.text}")
        return int(found.group(1).replace(",", ""))


class KernelTest(unittest.TestCase):
    """A daemon for each test, in a directory that is removed with it. The kernel must have no reason to complain."""

    sillage = None  # path of the command

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sillage-kernel-"))
        (self.folder / "run").mkdir(mode=0o700)
        # The current session's name is in the home directory: other tests have theirs.
        self.env = dict(os.environ, SILLAGE_RUNTIME_DIR=str(self.folder / "run"), LTTNG_HOME=str(self.folder))
        # Where the daemon leaves what outlives it.
        name = str(self.folder / "run").replace("_", "_5f").replace("-", "_2d").replace("/", "-")
        self.pins = PINS / name
        # What a sanitizer keeps back of freed memory is not growth.
        self.env["ASAN_OPTIONS"] = "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
        self.processes = []
        self.complaints = complaints()
        self.daemon = None
        self.traces = 0

    def tearDown(self):
        for process in reversed(self.processes):  # commands first: they would start another daemon
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
        if self.pins.exists():  # a test that failed
            subprocess.run(["rm", "-r", self.pins], check=False)
            subprocess.run(["rmdir", "--ignore-fail-on-non-empty", PINS], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.assertEqual(complaints(), self.complaints, "the kernel complained: see dmesg")

    def start(self, command, **options):
        process = subprocess.Popen([str(word) for word in command], **options)
        self.processes.append(process)
        return process

    def start_daemon(self):
        daemon = self.sillage.with_name("sillaged")
        self.daemon = self.start([daemon, "--foreground"], env=self.env)
        give_up = time.monotonic() + READY_SECONDS
        while "pid" not in subprocess.run([self.sillage, "version"], env=self.env, capture_output=True, text=True,
                                          check=False).stdout:
            self.assertIsNone(self.daemon.poll(), "sillaged ended")
            self.assertLess(time.monotonic(), give_up, "sillaged does not answer")
            time.sleep(0.02)
        return self.daemon

    def new_trace(self):
        self.traces += 1
        return self.folder / f"trace{self.traces}"

    def begin(self, *options, output=None):
        """Begins to record the whole machine; end() ends it."""
        output = output or self.new_trace()
        recording = self.start([self.sillage, "record", "-k", "--no-statedump", "-o", output, *options], env=self.env,
                               stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        lines = []
        for line in recording.stderr:
            lines.append(line)
            if "Recording" in line:
                break
        else:
            self.fail("sillage record does not start:\n" + "".join(lines))
        recording.output, recording.said = output, lines
        return recording

    def end(self, recording, timeout=60):
        recording.send_signal(signal.SIGINT)
        text = "".join(recording.said) + recording.communicate(timeout=timeout * SLOWNESS)[1]
        self.assertEqual(recording.returncode, 0, text)
        return Summary(text)

    def record(self, options, program, timeout=120):
        """Records while a program runs: (directory of the trace, summary)."""
        output = self.new_trace()
        done = subprocess.run([self.sillage, "record", "-k", "--no-statedump", "-o", output, *options, "--", *program],
                              env=self.env, capture_output=True, text=True, timeout=timeout * SLOWNESS, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return output, Summary(done.stderr + done.stdout)


def main():
    """Runs the test program: SILLAGE BUILD_DIRECTORY_FOR_PROGRAMS [TEST...]."""
    kernel_or_skip()
    KernelTest.sillage = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
