#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files of sessions: what `save` writes is what LTTng's writes and its schema allows; each side loads the other's files,
and saves the same again.

session_files_test.py BIN_DIRECTORY: of the build, which has sillage, sillaged and both tours.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

from scripts_test import BIN, SKIPPED, Side, enter_namespace, events

SCHEMA = pathlib.Path("/usr/share/xml/lttng/session.xsd")

# DIR is a directory of the side's own.
SESSIONS = """
    create whole -o DIR/whole
    enable-channel -u --subbuf-size=64k --num-subbuf=8 --overwrite --read-timer=200 mine
    enable-channel -u --blocking-timeout=inf --monitor-timer=5000 waiting
    enable-event -u -c mine tour:* --exclude=tour:detail,tour:none --loglevel=TRACE_INFO
    enable-event -u -c mine tour:step --filter index>=3&&text=="o<&d"
    enable-event -u -c waiting -a --loglevel-only=CRIT
    enable-event -u -c waiting tour:step
    disable-event -u -c waiting *
    add-context -u -c mine -t vpid -t procname -t vtid -t ip -t pthread_id
    disable-channel -u waiting
    track -u --vpid=12,13
    track -u --vuid=root,5
    untrack -u --vgid --all
    create process -o DIR/process --shm-path=DIR/shm
    enable-channel -u --buffers-pid channel0
    enable-event -u -c channel0 tour:step
    create running -o DIR/running
    enable-event -u tour:step
    start
    create flight --snapshot -o DIR/flight
    enable-event -u tour:step
    create turning -o DIR/turning
    enable-event -u tour:step
    enable-rotation --timer=10s --size=10M
    create quiet --no-output
    create empty -o DIR/empty"""
NAMES = ("empty", "flight", "process", "quiet", "running", "turning", "whole")


def canonical(path, root, enables_channels):
    """A file's content without the order of elements, paths of a side, and empty domains of loggers."""
    def form(element):
        if element.tag == "channel" and enables_channels:
            element.find("enabled").text = "true"
        if element.tag == "domain" and element.findtext("type") in ("JUL", "LOG4J", "LOG4J2", "PYTHON"):
            return None
        children = sorted(filter(None, (form(child) for child in element)), key=repr)
        text = "" if children or not (element.text or "").strip() else element.text.replace(str(root), "DIR")
        if element.tag == "shared_memory_path":
            text = re.sub(r"-\d{8}-\d{6}$", "-NOW", text)
        return (element.tag, text, children)
    return form(ET.parse(path).getroot())


class SessionFiles(unittest.TestCase):
    maxDiff = 8000
    sides = ()

    def lttng(self, side, *words, status=0):
        done = subprocess.run([*side.command, *map(str, words)], env=side.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        if status is not None:
            self.assertEqual(done.returncode, status, f"{side.name}: {words}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def make(self, side):
        for line in SESSIONS.strip().splitlines():
            self.lttng(side, *(word.replace("DIR", str(side.root)) for word in line.split()))

    def save(self, side, name):
        directory = side.root / name
        message = self.lttng(side, "save", "-o", directory)
        self.assertEqual(message, f"All sessions have been saved successfully in {directory}.\n")
        return directory

    def valid(self, directory):
        for file in sorted(directory.iterdir()):
            done = subprocess.run(["xmllint", "--noout", "--schema", str(SCHEMA), str(file)], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def same(self, one, one_root, other, other_root, enables_channels=False):
        names = sorted(each.stem for each in other.iterdir())
        self.assertEqual(sorted(each.stem for each in one.iterdir()), names)
        self.assertLessEqual(set(NAMES) - {"quiet"}, set(names))
        for name in names:
            forms = [canonical(directory / f"{name}.lttng", root, enables_channels)
                     for directory, root in ((one, one_root), (other, other_root))]
            self.assertEqual(*forms, name)

    def test_each_side_loads_the_others_files(self):
        saved = {}
        for side in self.sides:
            self.make(side)
            saved[side.name] = self.save(side, "saved")
            self.valid(saved[side.name])
        theirs, ours = self.sides
        self.same(saved["theirs"], theirs.root, saved["ours"], ours.root)
        for side in self.sides:
            self.lttng(side, "destroy", "-a")
        for side, other in ((theirs, ours), (ours, theirs)):
            # The one that runs goes on where the file says: we do not write over a trace.
            shutil.rmtree(other.root / "running")
            if side is theirs:  # which loads no session without output, not even its own
                (saved["ours"] / "quiet.lttng").unlink()
            self.assertIn("All sessions have been loaded successfully", self.lttng(side, "load", "-i",
                                                                                    saved[other.name]))
            again = self.save(side, "again")
            self.valid(again)
            # LTTng 2.13 loads disabled channels as enabled ones.
            self.same(again, other.root, saved[other.name], other.root, enables_channels=side is theirs)
            self.lttng(side, "stop", "running")
            self.lttng(side, "destroy", "-a")

    def test_started_session_records_once_loaded(self):
        counts = []
        for side in self.sides:
            self.lttng(side, "create", "going", "-o", side.root / "first")
            self.lttng(side, "enable-event", "-u", "tour:*", "--exclude=tour:detail", "--filter", "$ctx.procname!=\"x\"")
            self.lttng(side, "start")
            self.lttng(side, "save", "going", "-o", side.root / "going")
            self.lttng(side, "destroy")
            message = self.lttng(side, "load", "going", "-i", side.root / "going" / "going.lttng",
                                 f"--override-url={side.root}/second", "--override-name=new")
            self.assertEqual(message, "Session going has been loaded successfully\nSession name overridden with new\n"
                             f"Session output url overridden with {side.root}/second\n")
            side.run("emit 10", side.root)
            self.lttng(side, "destroy", "new")
            counts.append(events(side.root / "second"))
        self.assertEqual(counts[0], counts[1])
        self.assertGreater(len(counts[1]), 10)

    def test_loaded_where_its_trace_is(self):
        """LTTng writes over that trace. Here it stays, and the session records beside it."""
        side = self.sides[1]
        self.lttng(side, "create", "twice", "-o", side.root / "twice")
        self.lttng(side, "enable-event", "-u", "tour:step")
        self.lttng(side, "save", "twice", "-o", side.root / "saved-twice")
        for count, path in ((3, "twice"), (4, "twice-2"), (5, "twice-3")):
            self.lttng(side, "start", "twice")
            side.run(f"emit {count}", side.root)
            self.lttng(side, "destroy", "twice")
            self.assertEqual(len(events(side.root / path)), count)
            said = self.lttng(side, "load", "twice", "-i", side.root / "saved-twice")
            self.assertIn(f"there is a trace in {side.root}/twice: session twice records to {side.root}/twice-", said)
        self.lttng(side, "destroy", "twice")

    def test_files_are_replaced_by_force_alone(self):
        side = self.sides[1]
        self.lttng(side, "create", "once", "-o", side.root / "once")
        self.lttng(side, "enable-event", "-u", "tour:step")
        file = side.root / ".lttng/sessions/once.lttng"
        self.assertEqual(self.lttng(side, "save", "once"), "Session once saved successfully.\n")
        self.assertEqual(file.stat().st_mode & 0o007, 0)
        before = file.read_text()
        self.lttng(side, "enable-event", "-u", "tour:alarm")
        self.assertIn("Session file already exists", self.lttng(side, "save", "once", status=1))
        self.assertEqual(file.read_text(), before)
        self.lttng(side, "save", "--force", "once")
        self.assertIn("tour:alarm", file.read_text())
        self.assertEqual([each.name for each in file.parent.iterdir()], ["once.lttng"])
        # The session is there: it is replaced by force alone, and stays as it is otherwise.
        file.write_text(before)
        self.assertIn("Session name already exists", self.lttng(side, "load", "once", status=1))
        self.assertIn("tour:alarm", self.lttng(side, "list", "once"))
        self.lttng(side, "load", "-f", "once")
        self.assertNotIn("tour:alarm", self.lttng(side, "list", "once"))
        # A running one, too: what it recorded is complete.
        self.lttng(side, "start", "once")
        side.run("emit 10", side.root)
        self.lttng(side, "load", "-f", "once", f"--override-url={side.root}/elsewhere")
        self.assertEqual(len(events(side.root / "once")), 10)
        self.assertIn("[inactive]", self.lttng(side, "list", "once"))
        self.lttng(side, "destroy", "once")
        file.unlink()

    def test_bad_files_say_where_and_change_nothing(self):
        side = self.sides[1]
        bad = side.root / "bad.lttng"
        whole = ("<sessions>\n<session><name>b</name>%s<output><consumer_output><destination><path>/tmp/b</path>"
                 "</destination></consumer_output></output></session>\n</sessions>")
        channel = ("<domains><domain><type>UST</type><buffer_type>PER_UID</buffer_type><channels><channel>"
                   "<name>c</name>\n%s</channel></channels></domain></domains>")
        for text, message in (("hm", "bad.lttng:1: "),
                              (whole % "<wrong/>", "bad.lttng:2: <wrong> cannot stand in <session>"),
                              ("<!DOCTYPE a [<!ENTITY b SYSTEM '/etc/passwd'>]>" + whole % "&b;", "document type"),
                              (whole % channel % "<subbuffer_count>0</subbuffer_count>", "1 to 65536 sub-buffers"),
                              (whole % channel % "<contexts><context><type>NOTHING</type></context></contexts>",
                               "Unknown context type nothing"),
                              (whole % channel % ("<name>c</name><events>" + "<event><name>a</name></event>" * 2 +
                                                  "</events>"), "already enabled")):
            bad.write_text(text)
            self.assertIn(message, self.lttng(side, "load", "-i", bad, status=1))
        self.assertIn("no available recording session", self.lttng(side, "list"))
        self.assertIn("Session file not found", self.lttng(side, "load", "nobody", status=1))
        self.assertIn("Invalid input path", self.lttng(side, "load", "-i", "/nonexistent", status=1))
        self.assertIn("cannot be used", self.lttng(side, "load", "--override-name=a", status=1))

    def test_daemon_loads_what_is_in_auto(self):
        ours = self.sides[1]
        side = Side("auto", ours.command, ours.program, ours.root)
        auto = side.root / ".lttng/sessions/auto"
        auto.mkdir(parents=True)
        for name, started in (("going", "true"), ("waiting", "false"), ("foreign", "false")):
            (auto / f"{name}.lttng").write_text(
                f"<sessions><session><name>{name}</name><domains><domain><type>UST</type>"
                "<buffer_type>PER_UID</buffer_type><channels><channel><name>c</name><events><event><name>tour:step</name>"
                f"</event></events></channel></channels></domain></domains><started>{started}</started><output>"
                f"<consumer_output><destination><path>{side.root}/{name}</path></destination></consumer_output></output>"
                "</session></sessions>")
        (auto / "foreign.lttng").chmod(0o666)
        (auto / "damaged.lttng").write_text("<sessions>")
        self.assertTrue(side.start_daemon([str(BIN / "sillaged")]))
        try:
            shown = self.lttng(side, "list")
            self.assertIn("going [active]", shown)
            self.assertIn("waiting [inactive]", shown)
            self.assertNotIn("foreign", shown)
            side.run("emit 4", side.root)
            self.lttng(side, "destroy", "-a")
            self.assertEqual(len(events(side.root / "going")), 4)
        finally:
            side.stop_daemon()

    def test_kernel_sessions(self):
        side = self.sides[1]
        self.lttng(side, "create", "kernel", "-o", side.root / "kernel")
        self.addCleanup(self.lttng, side, "destroy", "kernel", status=None)
        if "Error" in self.lttng(side, "enable-event", "-k", "sched_switch", "--filter", "prev_prio < 100", status=None):
            self.assertNotEqual(os.environ.get("SILLAGE_REQUIRE_KERNEL"), "1", "no kernel events here")
            self.skipTest("no kernel events here")
        self.lttng(side, "enable-event", "-k", "--syscall", "open*,close")
        self.lttng(side, "add-context", "-k", "-t", "pid", "-t", "callstack-kernel", "-t", "perf:cpu:page-faults")
        directory = side.root / "kernel-saved"
        self.lttng(side, "save", "kernel", "-o", directory)
        self.valid(directory)
        self.lttng(side, "load", "-f", "-i", directory)
        self.lttng(side, "save", "kernel", "-o", side.root / "kernel-again")
        self.assertEqual((directory / "kernel.lttng").read_text(),
                         (side.root / "kernel-again/kernel.lttng").read_text())


def main():
    for program in ("lttng", "lttng-sessiond", "babeltrace2", "xmllint", str(BIN / "lttng_ust_tour")):
        if not shutil.which(program):
            print(f"{program} is not installed")
            sys.exit(SKIPPED)
    enter_namespace()
    with tempfile.TemporaryDirectory(prefix="sillage-files-") as root:
        root = pathlib.Path(root)
        theirs = Side("theirs", ["lttng", "-n"], str(BIN / "lttng_ust_tour"), root)
        ours = Side("ours", [str(BIN.parent / "libexec/lttng"), "-n"], str(BIN / "lttng_tour"), root)
        SessionFiles.sides = (theirs, ours)
        if not SCHEMA.exists() or not theirs.start_daemon(["lttng-sessiond", "--no-kernel"]):
            print("lttng-sessiond does not start, or has no schema")
            sys.exit(SKIPPED)
        try:
            assert ours.start_daemon([str(BIN / "sillaged")]), "sillaged does not start"
            result = unittest.main(argv=sys.argv[:1] + sys.argv[2:], exit=False, verbosity=2).result
        finally:
            for side in (theirs, ours):
                if side.daemon and side.daemon.poll() is None:
                    side.stop_daemon()
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
