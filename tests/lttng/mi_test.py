#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The machine interface: what each verb answers with --mi=xml is valid by LTTng's schema 4.3, where it fails, too, and
says what a program looks for.

mi_test.py BIN_DIRECTORY: of the build, which has sillage, sillaged and lttng_tour.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

from scripts_test import BIN, SKIPPED, Side

SCHEMA = pathlib.Path(__file__).parent / "mi-lttng-4.3.xsd"
SPACE = {"mi": "https://lttng.org/xml/ns/lttng-mi"}

# Command lines, whether they succeed, and texts at paths of the answer.
CASES = """
    version | | version/name=Sillage version/license=MIT
    create one -o DIR/one | | session/name=one session/path=DIR/one session/enabled=false session/trace_format=CTF_1_8
    create one -o DIR/two | fails |
    enable-channel -u --subbuf-size=64k --num-subbuf=8 --overwrite mine,other | | \
        channels/channel/name=mine channels/channel/attributes/subbuffer_size=65536 \
        channels/channel/attributes/overwrite_mode=OVERWRITE channels/channel/success=true
    enable-channel -u mine | fails |
    enable-channel -u --auto-reclaim-memory=older-than:5ms giving | | \
        channels/channel/attributes/reclaim_policy/periodic/age_threshold=5000
    reclaim-memory -u giving | | reclaim_channels/channel/name=giving reclaim_channels/channel/reclaimed_subbuffers=0
    reclaim-memory -u nothing | fails |
    disable-channel -u other | | channels/channel/enabled=false channels/channel/success=true
    disable-channel -u nothing | fails |
    enable-event -u -c mine tour:*,b:* --exclude=tour:detail --loglevel=INFO --filter index>1 | | \
        events/event/name=tour:* events/event/loglevel=TRACE_INFO events/event/loglevel_type=RANGE \
        events/event/filter_expression=index>1 events/event/exclusions/exclusion=tour:detail events/event/success=true
    enable-event -u -c mine tour:step --loglevel-only=CRIT | | events/event/loglevel_type=SINGLE
    enable-event -u -c mine tour:x --filter 1+ | fails | events/event/success=false
    disable-event -u -c mine b:* | | channel/name=mine channel/events/event/name=b:*
    disable-event -u -c mine c:* | fails | channel/events/event/success=false
    add-context -u -c mine -t vpid -t procname -t vuid | | contexts/context/type=VPID contexts/context/symbol=vpid \
        contexts/context/success=true
    add-context -u -c mine -t vpid | fails | contexts/context/success=false
    add-context --list | | contexts/context/type=PID
    track -u --vpid=1,2 --vuid=root | | process_attr_trackers/vpid_process_attr_tracker/process_attr_values/vpid/type/id=1
    track -u --vuid=nobody-at-all | fails | \
        process_attr_trackers/vuid_process_attr_tracker/process_attr_values/vuid/type/name=nobody-at-all
    track -u --pid=x | fails |
    untrack -u --vpid=2 | | process_attr_trackers/vpid_process_attr_tracker/process_attr_values/vpid/success=true
    untrack -u --vgid --all | | process_attr_trackers/vgid_process_attr_tracker/process_attr_values/vgid/type/all=true
    list one | | sessions/session/domains/domain/type=UST sessions/session/domains/domain/buffer_type=PER_UID \
        sessions/session/domains/domain/channels/channel/events/event/name=tour:*
    status | | sessions/session/name=one
    list nobody | fails |
    list one -c mine | | sessions/session/domains/domain/channels/channel/name=mine
    list one --domain | | sessions/session/domains/domain/type=UST
    untrack -u --vuid=root | |
    track -u --vpid --vuid --vgid --all | |
    start | | sessions/session/enabled=true
    start | fails |
    list -u | | domains/domain/pids/pid/events/event/name=tour:step
    list -u -f | | domains/domain/pids/pid/events/event/event_fields/event_field/name=index
    list | | sessions/session/enabled=true
    stop | | sessions/session/enabled=false
    save one -o DIR/saved | | save/session/name=one save/path=DIR/saved
    save one -o DIR/saved | fails |
    destroy one | | sessions/session/name=one
    destroy one | fails |
    load one -i DIR/saved --override-name=new --override-url=DIR/new | | load/session/name=one load/overrides/name=new \
        load/overrides/url=DIR/new
    load -i DIR/nothing | fails |
    set-session new | | sessions/session/name=new
    set-session nobody | fails |
    create two --trace-format=ctf-2 -o DIR/two | | session/trace_format=CTF_2
    destroy --all | |
    create flight --snapshot -o DIR/flight | | session/name=flight
    enable-event -u tour:step | |
    snapshot record | fails |
    start | |
    snapshot add-output --name=other --max-size=2M DIR/other | | snapshot_action/name=add-output \
        snapshot_action/output/snapshot/id=2 snapshot_action/output/snapshot/max_size=2097152
    snapshot list-output | | snapshot_action/output/session/snapshots/snapshot/name=other
    snapshot record --name=x DIR/third | | snapshot_action/output/snapshot/name=x
    snapshot del-output other | | snapshot_action/output/snapshot/ctrl_url=DIR/other
    snapshot del-output other | fails |
    clear | | sessions/session/name=flight
    rotate | fails |
    destroy | |
    create chunks -o DIR/chunks | |
    enable-event -u tour:step | |
    start | |
    rotate | | rotation/session_name=chunks rotation/state=COMPLETED
    rotate --no-wait | | rotation/state=ONGOING
    enable-rotation --timer=10s --size=1G | | \
        rotation_schedule_results/rotation_schedule_result/rotation_schedule/periodic/time_us=10000000 \
        rotation_schedule_results/rotation_schedule_result/rotation_schedule/size_threshold/bytes=1073741824
    enable-rotation --size=1G | fails | rotation_schedule_results/rotation_schedule_result/success=false
    list chunks | | sessions/session/name=chunks
    disable-rotation --timer --size | | rotation_schedule_results/rotation_schedule_result/success=true
    regenerate metadata | | regenerate_action/name=metadata
    regenerate statedump | | regenerate_action/name=statedump
    destroy | | sessions/session/name=chunks
    create kernel -o DIR/kernel | | session/name=kernel
    enable-event -k --probe=do_exit+0x10 place | | events/event/type=PROBE \
        events/event/attributes/probe_attributes/symbol_name=do_exit events/event/attributes/probe_attributes/offset=16
    enable-event -k --probe=0xffffffff81000010 there | | \
        events/event/attributes/probe_attributes/address=18446744071578845200
    enable-event -k --function=do_exit ends | | events/event/type=FUNCTION \
        events/event/attributes/probe_attributes/symbol_name=do_exit
    enable-event -k --userspace-probe=PROGRAM:main begin | | events/event/type=USERSPACE_PROBE events/event/name=begin
    enable-event -k --userspace-probe=elf:PROGRAM:main again | | events/event/success=true
    enable-event -k --userspace-probe=sdt:PROBES:demo:values sdt | | events/event/name=sdt
    enable-event -k --userspace-probe=PROGRAM:main begin | fails | events/event/success=false
    enable-event -k --syscall openat --filter dfd>1.5 | | events/event/type=SYSCALL events/event/filter_expression=dfd>1.5
    add-context -k -t prio | | contexts/context/type=PRIO
    track -k --pid=1,2 | | process_attr_trackers/pid_process_attr_tracker/process_attr_values/pid/type/id=2
    disable-event -k --userspace-probe begin | | channel/events/event/name=begin
    list kernel | | sessions/session/domains/domain/type=KERNEL \
        sessions/session/domains/domain/channels/channel/events/event/type=USERSPACE_PROBE \
        sessions/session/domains/domain/channels/channel/events/event/attributes/probe_attributes/offset=16
    destroy kernel | |
    list -k -f | | domains/domain/type=KERNEL domains/domain/events/event/name=sched_switch \
        domains/domain/events/event/event_fields/event_field/name=next_comm
    list -k --syscall | | domains/domain/events/event/name=openat domains/domain/events/event/type=SYSCALL"""


class MachineInterface(unittest.TestCase):
    side = None

    def test_every_verb_is_valid_by_lttngs_schema(self):
        side = self.side
        program = subprocess.Popen([side.program], env=side.environment, text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self.addCleanup(program.wait)
        self.addCleanup(program.stdout.close)
        self.addCleanup(program.stdin.close)
        self.assertEqual(program.stdout.readline(), "ready\n")
        answer_file = side.root / "answer.xml"
        probes = str(pathlib.Path(side.program).with_name("kernel_probe_program"))
        for case in CASES.replace("DIR", str(side.root)).replace("PROGRAM", side.program).replace("PROBES", probes).strip().splitlines():
            line, outcome, texts = (part.strip() for part in case.split("|"))
            if (" -k" in line or line.split()[1:2] == ["kernel"]) and not os.access("/sys/kernel/tracing/events", os.R_OK):
                continue
            with self.subTest(line=line):
                done = subprocess.run([*side.command, "--mi=xml", *line.split()], env=side.environment,
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode != 0, outcome == "fails", done.stdout + done.stderr)
                if not done.stdout:
                    self.assertEqual(outcome, "fails")
                    continue
                answer_file.write_text(done.stdout)
                check = subprocess.run(["xmllint", "--noout", "--schema", str(SCHEMA), str(answer_file)],
                                       capture_output=True, text=True, check=False)
                self.assertEqual(check.returncode, 0, check.stderr + done.stdout[:2000])
                answer = ET.fromstring(done.stdout)
                self.assertEqual(answer.findtext("mi:success", None, SPACE), "false" if outcome else "true")
                for text in texts.split():
                    path, value = text.split("=", 1)
                    found = [each.text for each in answer.findall("mi:output/mi:" + path.replace("/", "/mi:"), SPACE)]
                    self.assertIn(value, found, done.stdout[:4000])


def main():
    if not shutil.which("xmllint"):
        print("xmllint is not installed")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="sillage-mi-") as root:
        side = Side("ours", [str(BIN.parent / "libexec/lttng"), "-n"], str(BIN / "lttng_tour"), pathlib.Path(root))
        MachineInterface.side = side
        try:
            assert side.start_daemon([str(BIN / "sillaged")]), "sillaged does not start"
            result = unittest.main(argv=sys.argv[:1] + sys.argv[2:], exit=False).result
        finally:
            if side.daemon and side.daemon.poll() is None:
                side.stop_daemon()
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
