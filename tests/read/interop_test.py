#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`sillage read` prints what Debian's babeltrace2 prints, byte for byte, of traces that real tracers record here.

interop_test.py BIN_DIRECTORY: of the build, which has sillage, sillaged and traced_program; read_lttng_program where
lttng-ust is installed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "daemon"))
from sillage_test import Sandbox  # pylint: disable=wrong-import-position

BIN = pathlib.Path()
IN_NAMESPACE = "SILLAGE_TEST_NAMESPACE"
TRACES = pathlib.Path(os.environ.get("SILLAGE_TRACES", HERE.parent.parent.parent / "shared" / "traces"))
READY_SECONDS = 20
# Each changes another part of what is printed.
OPTIONS = ([], ["--clock-gmt", "--clock-date"], ["--clock-seconds", "--no-delta"], ["--fields=all", "--names=all"],
           ["--fields=loglevel,trace:procname", "--names=none"], ["--clock-cycles", "--names=payload"])


def enter_namespace():
    """Root's LTTng daemon has one place only, /run/lttng: there the test puts an empty directory of its own."""
    if os.geteuid() != 0 or IN_NAMESPACE in os.environ or not shutil.which("unshare"):
        return
    probe = ["unshare", "--mount", "--propagation", "private", "true"]
    if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        script = 'mkdir -p /run/lttng && mount -t tmpfs tmpfs /run/lttng && mount -t tmpfs tmpfs /dev/shm && exec "$@"'
        os.environ[IN_NAMESPACE] = "1"
        os.execvp("unshare", probe[:-1] + ["sh", "-c", script, "sh", sys.executable] + sys.argv)


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, timeout=120, check=False, **options)


class Interop(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="sillage-interop-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def compare(self, trace, least, options=OPTIONS):
        """Compares the text of `trace`, which has at least so many events."""
        for words in options:
            with self.subTest(options=words):
                theirs = run("babeltrace2", *words, trace)
                ours = run(BIN / "sillage", "read", *words, trace)
                self.assertEqual(theirs.returncode, 0, theirs.stderr)
                self.assertEqual(ours.returncode, 0, ours.stderr)
                if ours.stdout != theirs.stdout:  # the first line that differs says enough
                    lines = next((pair for pair in zip(ours.stdout.split(b"\n"), theirs.stdout.split(b"\n"))
                                  if pair[0] != pair[1]), ("one is longer", ""))
                    self.fail(f"sillage read: {lines[0]!r}\nbabeltrace2:  {lines[1]!r}")
                self.assertGreaterEqual(ours.stdout.count(b"\n"), least)

    def need(self, *programs):
        for program in programs:
            if not shutil.which(str(program)):
                self.skipTest(f"{program} is not installed")

    # LTTng-UST

    def lttng(self, *words, check=True):
        done = run("lttng", "-n", *words, env=self.environment)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def start_lttng(self):
        if os.geteuid() == 0 and IN_NAMESPACE not in os.environ and run("pgrep", "-x", "lttng-sessiond").returncode == 0:
            self.skipTest("root's lttng-sessiond runs already, and no mount namespace can be made here")
        self.environment = dict(os.environ, LTTNG_HOME=str(self.directory / "home"), HOME=str(self.directory / "home"))
        (self.directory / "home").mkdir()
        daemon = subprocess.Popen(["lttng-sessiond", "--no-kernel"], env=self.environment, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)

        def stop():
            daemon.terminate()
            daemon.wait(30)
        self.addCleanup(stop)
        give_up = time.monotonic() + READY_SECONDS
        while self.lttng("list", check=False).returncode != 0:
            self.assertIsNone(daemon.poll(), "lttng-sessiond does not start")
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.05)

    def record_lttng(self, name, channel=(), contexts=(), rounds=200):
        trace = self.directory / name
        self.lttng("create", name, f"--output={trace}")
        self.lttng("enable-channel", "-u", "-s", name, *channel, "c")
        self.lttng("enable-event", "-u", "-s", name, "-c", "c", "kinds:*")
        for context in contexts:
            self.lttng("add-context", "-u", "-s", name, "-c", "c", "-t", context)
        self.lttng("start", name)
        done = run(BIN / "read_lttng_program", rounds, env=dict(self.environment, LTTNG_UST_REGISTER_TIMEOUT="-1"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.lttng("stop", name)
        self.lttng("destroy", name)
        return trace

    def test_lttng_ust(self):
        self.need("lttng", "lttng-sessiond", BIN / "read_lttng_program")
        self.start_lttng()
        self.compare(self.record_lttng("plain"), 2 * 200 * 6)
        contexts = ("vpid", "vtid", "procname", "pthread_id")
        self.compare(self.record_lttng("process", ("--buffers-pid",), contexts, rounds=50), 2 * 50 * 6)
        # Small sub-buffers: many packets, most of them closed by the writer.
        self.compare(self.record_lttng("packets", ("--subbuf-size=4k", "--num-subbuf=64"), ("vtid",)), 2 * 200 * 6,
                     OPTIONS[:2])

    # Sillage

    def test_sillage(self):
        for name, options in (("plain", ()), ("process", ("--buffers", "process", "--context", "vpid", "--context", "procname"))):
            with Sandbox() as box:
                trace = box.root / name
                box.sillage("record", "-o", trace, *options, "--", *box.program(500))
                self.compare(trace, 501)

    # perf

    def convert_perf(self, name, *events):
        data, trace = self.directory / f"{name}.data", self.directory / name
        words = [word for one in events for word in ("-e", one)]
        done = run("perf", "record", "-o", data, *words, "--", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do /bin/true; done")
        if done.returncode != 0:
            self.skipTest(f"perf cannot record {events[0]} here: {done.stderr.decode(errors='replace').strip()[-200:]}")
        done = run("perf", "data", "convert", "--all", f"--to-ctf={trace}", "-i", data)
        if b"support" in done.stderr and done.returncode != 0:
            self.skipTest(f"this perf cannot write CTF: {done.stderr.decode(errors='replace').strip()}")
        self.assertEqual(done.returncode, 0, done.stderr)
        return trace

    def test_perf_software_event(self):
        self.need("perf")
        self.compare(self.convert_perf("clock", "page-faults"), 10)

    def test_perf_tracepoints(self):
        self.need("perf")
        self.compare(self.convert_perf("tracepoints", "sched:*", "raw_syscalls:*"), 100)

    # LTTng's kernel tracer, recorded elsewhere

    def test_lttng_kernel(self):
        text = TRACES / "kernel-lttng-small.text.zst"
        if not text.is_file():
            self.skipTest(f"{text} is not there; SILLAGE_TRACES names its folder")
        self.need("zstd")
        expected = run("zstd", "-dc", text).stdout
        ours = run(BIN / "sillage", "read", "--clock-gmt", "--clock-date", TRACES / "kernel-lttng-small")
        self.assertEqual(ours.returncode, 0, ours.stderr)
        self.assertGreater(expected.count(b"\n"), 100_000)
        self.assertTrue(ours.stdout == expected, "the text is not Babeltrace 2.2's")


if __name__ == "__main__":
    enter_namespace()
    BIN = pathlib.Path(sys.argv[1]).resolve()  # Sandbox looks there, too
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
