# SPDX-License-Identifier: MIT
"""sillage record and list from end to end: what is recorded, exit status, signals, reasons for an empty trace."""

import os
import pathlib
import signal
import subprocess
import time

from sillage_test import Sandbox, check, lost, read_trace, recorded, wait_until


def records_from_the_first_instruction(box):
    _, summary = box.sillage("record", "-o", box.root / "a", "--", *box.program(1000))
    check(recorded(summary) == 1001 and lost(summary) == 0, summary)
    check(f"Next: sillage read {box.root}/a" in summary, summary)
    lines = read_trace(box.root / "a")
    values = [int(line.split("value = ")[1].split()[0]) for line in lines if "value" in line]
    check(values == list(range(1000)), f"{len(values)} values, first {values[:3]}")
    check('what = "done"' in lines[-1], lines[-1])


def passes_the_status_through(box):
    box.sillage("record", "-o", box.root / "s7", *box.program(1, "exit=7"), status=7)
    box.sillage("record", "-o", box.root / "s9", "sh", "-c", "kill -9 $$", status=128 + 9)
    # Options behind the program are its own, and so is a -- there.
    box.sillage("record", "-o", box.root / "own", "sh", "-c", 'test "$1 $2" = "-- -x"', "sh", "--", "-x")


def says_what_was_asked_wrongly(box):
    file = box.root / "file"
    file.write_text("no program")
    lost_interpreter = box.root / "script"
    lost_interpreter.write_text("#!/no/such/interpreter\n")
    lost_interpreter.chmod(0o700)
    (box.root / "taken/ust").mkdir(parents=True)
    trace = ("record", "-o", box.root / "trace")
    for status, message, arguments in (
            (127, "/no/such/program", (*trace, "/no/such/program")),
            (127, "no-such-program", (*trace, "no-such-program")),
            (126, "Permission denied", (*trace, file)),
            (126, "a directory", (*trace, box.root)),
            (125, "holds a trace", ("record", "-o", box.root / "taken", "true")),
            (125, "Not a directory; choose another", ("record", "-o", file, "true")),
            (125, "sub-buffer", (*trace, "--subbuf-size", "1G", "true")),
            (125, "--subbuf-sze", (*trace, "--subbuf-sze", "4k", "true")),
            (125, "use one of vpid vtid", (*trace, "--context", "foo", "true")),
            (125, "use one of EMERG", (*trace, "--level", "foo", "true")),
            (125, "use ctf-1.8 or ctf-2", (*trace, "--trace-format", "foo", "true")),
            (125, "there is no process 2147483647", (*trace, "-p", 2147483647)),
            (125, "no program stands behind --", (*trace, "--")),
            (125, "there is no command foo", ("foo",)),
            (127, "the interpreter that it names", (*trace, lost_interpreter))):
        _, error = box.sillage(*arguments, status=status)
        check(message in error, f"{arguments}: {error}")


def follows_children_and_leaves_others_alone(box):
    other = box.start(box.program(100000, "pause=1000"))
    _, summary = box.sillage("record", "-o", box.root / "f", *box.program(20, "fork"))
    check(recorded(summary) == 41, summary)
    # A child whose parents are gone: only what it inherited in its environment tells.
    command = " ".join(box.program(5))
    _, summary = box.sillage("record", "-o", box.root / "g", "sh", "-c", f"(setsid {command} &) ; sleep 1")
    check(recorded(summary) == 6, summary)
    _, summary = box.sillage("record", "-o", box.root / "p", "-p", other.pid, "--duration", "300ms")
    check(recorded(summary) > 50, summary)
    other.kill()


def options_reach_the_trace(box):
    path = box.root / "o"
    box.sillage("record", "-o", path, "--buffers", "process", "--context", "vpid", "--context", "procname", "-e",
                "test:*", "-x", "*:text", "--level", "INFO", *box.program(2))
    lines = read_trace(path)
    check(len(lines) == 2 and 'procname = "traced_program"' in lines[0] and "vpid = " in lines[0], lines)
    check(len(list((path / "ust/pid").iterdir())) == 1, "one directory for the process")
    _, summary = box.sillage("record", "-o", box.root / "o2", "--trace-format", "ctf-2", *box.program(2))
    check((box.root / "o2/ust/uid" / str(os.getuid()) / "64-bit/metadata").read_bytes()[0] == 0x1E, summary)
    _, summary = box.sillage("record", "-o", box.root / "o3", "--blocking-timeout", "inf", "--subbuf-size", "4k",
                             "--num-subbuf", "2", *box.program(100000))
    check(recorded(summary) == 100001 and lost(summary) == 0, summary)
    _, summary = box.sillage("record", "-o", box.root / "o4", "--overwrite", "--subbuf-size", "4k", "--num-subbuf",
                             "2", *box.program(100000))
    check(recorded(summary) + lost(summary) == 100001, summary)
    # No -o: LTTng's place.
    box.sillage("record", *box.program(1))
    check(len(list((box.root / "lttng-traces").glob("traced_program-*"))) == 1, "a trace in ~/lttng-traces")


def says_why_nothing_was_recorded(box):
    for arguments, reason in (
            (("-e", "test:nummer", *box.program(1)), "did you mean test:number?"),
            (("--level", "CRIT", *box.program(1)), "not severe enough"),
            (("-x", "*", *box.program(1)), "excluded with -x: test:number, test:text"),
            (("-e", "test:number", *box.program(0)), "never came to one of them"),
            (("true",), "has no tracepoints of its own"),
            (("--duration", "0.05"), "no program with tracepoints ran"),
            (("-p", "1", "--duration", "0.05"), "`sillage list`")):
        name = str(abs(hash(arguments)))
        _, summary = box.sillage("record", "-o", box.root / name, *arguments)
        check("Nothing was recorded" in summary and reason in summary, f"{arguments}: {summary}")


def signals_stop_cleanly(box):
    for number, program in ((signal.SIGINT, ()), (signal.SIGTERM, box.program(100000, "pause=100"))):
        background = box.start(box.program(100000, "pause=1000"))
        path = box.root / f"sig{number}"
        command = box.start([box.bin / "sillage", "record", "-o", path, *program], stderr=subprocess.PIPE,
                            start_new_session=True)
        wait_until(lambda: list(path.glob("ust/uid/*/64-bit/metadata")), "the trace")
        time.sleep(0.3)
        if program:  # it ends its loop by SIGKILL only: the third ^C is one
            for _ in range(3):
                command.send_signal(signal.SIGINT)
        else:
            command.send_signal(number)
        _, summary = command.communicate(timeout=60)
        check(recorded(summary) > 50, summary)
        check(len(read_trace(path)) == recorded(summary), summary)
        background.kill()
    # One that is sent to the command only is passed on, and what the program does about it is recorded too.
    path = box.root / "passed-on"
    command = box.start([box.bin / "sillage", "record", "-o", path, *box.program(10, "wait-signal", "exit=5")],
                        stderr=subprocess.PIPE)
    wait_until(lambda: list(path.glob("ust/uid/*/64-bit/metadata")), "the trace")
    time.sleep(0.2)
    command.send_signal(signal.SIGTERM)
    _, summary = command.communicate(timeout=60)
    check(command.returncode == 5 and recorded(summary) == len(read_trace(path)) == 11, summary)


def killed_command_leaves_a_readable_trace(box):
    path = box.root / "killed"
    command = box.start([box.bin / "sillage", "record", "-o", path, *box.program(100000, "pause=100")])
    wait_until(lambda: list(path.glob("ust/uid/*/64-bit/metadata")), "the trace")
    time.sleep(0.3)
    command.kill()
    command.wait()
    wait_until(lambda: list(path.glob("ust/uid/*/64-bit/channel0_*")) and read_trace(path), "events")
    children = subprocess.run(["pgrep", "-f", str(box.bin / "traced_program")], capture_output=True, text=True)
    for pid in children.stdout.split():
        try:
            if str(box.runtime).encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes():
                os.kill(int(pid), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass  # another test's, which ended meanwhile


def late_daemon_finds_running_programs(box):
    program = box.start(box.program(100000, "pause=1000"))
    box.stop_daemon()
    time.sleep(0.1)
    out, _ = box.sillage("list", "-f")
    check(f"(pid {program.pid})" in out and "value: int32" in out and "INFO" in out, out)
    # And after a daemon was killed in the middle of a recording, with gates still open.
    command = box.start([box.bin / "sillage", "record", "-o", box.root / "l1"], stderr=subprocess.PIPE)
    wait_until(lambda: list((box.root / "l1").glob("ust/uid/*/64-bit/metadata")), "the trace")
    time.sleep(0.2)  # a program whose question is never answered asks again after a second only
    command.send_signal(signal.SIGSTOP)  # it would go on with the next one
    os.kill(box.daemon_pid(), signal.SIGKILL)
    command.kill()
    command.communicate()
    _, summary = box.sillage("record", "-o", box.root / "l2", "--duration", "300ms")
    check(recorded(summary) > 50 and lost(summary) == 0, summary)
    program.kill()


def daemon_ends_by_itself_and_by_signal(box):
    box.stop_daemon()
    daemon = box.start_daemon()
    command = box.start([box.bin / "sillage", "record", "-o", box.root / "d", *box.program(100000, "pause=100",)],
                        stderr=subprocess.PIPE, start_new_session=True)
    wait_until(lambda: list((box.root / "d").glob("ust/uid/*/64-bit/metadata")), "the trace")
    time.sleep(0.2)
    daemon.send_signal(signal.SIGTERM)
    check(daemon.wait(timeout=60) == 0, "the daemon's status")
    check(len(read_trace(box.root / "d")) > 100, "events until the end of the daemon")
    check(command.poll() is None, "the program goes on without the daemon")
    os.killpg(command.pid, signal.SIGKILL)


TESTS = (records_from_the_first_instruction, passes_the_status_through, says_what_was_asked_wrongly,
         follows_children_and_leaves_others_alone, options_reach_the_trace, says_why_nothing_was_recorded,
         signals_stop_cleanly, killed_command_leaves_a_readable_trace, late_daemon_finds_running_programs,
         daemon_ends_by_itself_and_by_signal)

for test in TESTS:
    with Sandbox() as sandbox:
        start = time.monotonic()
        test(sandbox)
        print(f"ok {test.__name__} ({time.monotonic() - start:.1f} s)")
