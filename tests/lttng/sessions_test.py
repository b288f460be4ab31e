# SPDX-License-Identifier: MIT
"""Sessions that are steered while they record: what is on is recorded, exactly, and nothing else."""

import contextlib
import os
import re
import subprocess
import threading
import time
import xml.etree.ElementTree

from sillage_test import Sandbox, check, read_trace, wait_until

MI = "{https://lttng.org/xml/ns/lttng-mi}"


class Tour:
    """A running tour program."""

    def __init__(self, box, *prefix):
        self.process = subprocess.Popen([*prefix, str(box.bin / "lttng_tour")], env=box.environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        box.processes.append(self.process)

    def __enter__(self):
        check(self.process.stdout.readline() == "ready\n", "a program that is ready")
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def emit(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        check(self.process.stdout.readline() == "done\n", "an answer of the program")


def lttng(box, *arguments, status=0):
    """Runs the command under its other name."""
    done = subprocess.run([str(box.bin.parent / "libexec/lttng"), *map(str, arguments)], env=box.environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    # LTTng's numbers of refusals are exit_statuses_test.py's: here any is one.
    check(done.returncode == status or status == 1 < done.returncode,
          f"lttng {arguments}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def events(path, name):
    """The values of `index` of an event, in the order of the trace."""
    return [int(line.split("index = ")[1].split()[0].rstrip(",")) for line in read_trace(path) if f"tour:{name}:" in line]


def rules_come_and_go(box):
    path = box.root / "rules"
    with Tour(box) as tour:
        lttng(box, "create", "rules", "-o", path)
        lttng(box, "enable-event", "-u", "tour:step")
        tour.emit(5)  # not started: not recorded
        lttng(box, "start")
        tour.emit(10)
        lttng(box, "enable-event", "-u", "tour:detail,tour:alarm")
        tour.emit(10)
        lttng(box, "disable-event", "-u", "tour:step")
        lttng(box, "disable-event", "-u", "--remove", "tour:alarm")
        tour.emit(10)
        lttng(box, "enable-event", "-u", "tour:step")
        tour.emit(10)
        lttng(box, "destroy")
        tour.emit(10)
    check(events(path, "step") == [*range(5, 25), *range(35, 45)], events(path, "step"))
    check(events(path, "detail") == list(range(15, 45)), events(path, "detail"))
    check(events(path, "alarm") == list(range(15, 25)), events(path, "alarm"))


def trace_is_whole_when_stopped_and_goes_on(box):
    path = box.root / "stops"
    with Tour(box) as tour:
        lttng(box, "create", "stops", "-o", path)
        lttng(box, "enable-event", "-u", "tour:*", "--loglevel=INFO")
        for round_ in range(1, 4):
            lttng(box, "start")
            _, error = lttng(box, "start", status=1)
            check("Tracing already started for session stops" in error, error)
            tour.emit(7)
            lttng(box, "stop")
            lttng(box, "stop", status=1)
            tour.emit(2)
            wanted = [9 * k + i for k in range(round_) for i in range(7)]
            check(events(path, "step") == wanted and events(path, "alarm") == wanted, f"round {round_}")
            check(events(path, "detail") == [], "DEBUG is below INFO")
        lttng(box, "destroy", "--no-wait")
    wait_until(lambda: "stops" not in box.sillage("list")[0], "the end of the session")


def channels_and_contexts_come_late(box):
    path = box.root / "late"
    with Tour(box) as tour:
        lttng(box, "create", "late", "-o", path)
        lttng(box, "enable-event", "-u", "tour:step")
        lttng(box, "start")
        tour.emit(10)
        lttng(box, "enable-channel", "-u", "other", "--buffers-pid", "--subbuf-size=64k")
        lttng(box, "enable-event", "-u", "-c", "other", "tour:detail")
        tour.emit(10)
        lttng(box, "add-context", "-u", "-c", "channel0", "-t", "procname")
        tour.emit(10)
        lttng(box, "disable-channel", "-u", "other")
        tour.emit(10)
        shown, _ = lttng(box, "list", "late")
        check("- other: [disabled]" in shown and "Discarded events: 0" in shown, shown)
        lttng(box, "destroy")
    check(events(path, "step") == list(range(40)), events(path, "step"))
    check(events(path, "detail") == list(range(10, 30)), events(path, "detail"))
    lines = [line for line in read_trace(path) if "tour:step:" in line]
    check(sum('procname = "lttng_tour"' in line for line in lines) == 20, "the context from then on")
    check(len(list((path / "ust/pid").iterdir())) == 1, "a channel of the process")


def one_buffer_serves_all_cpus(box):
    path, programs, count = box.root / "one", 4, 20000
    lttng(box, "create", "one", "-o", path)
    lttng(box, "enable-channel", "-u", "c", "--buffer-allocation=per-channel", "--subbuf-size=64k")
    lttng(box, "enable-event", "-u", "-c", "c", "tour:step")
    lttng(box, "start")
    with contextlib.ExitStack() as stack:
        tours = [stack.enter_context(Tour(box)) for _ in range(programs)]
        emitting = [threading.Thread(target=tour.emit, args=(count,)) for tour in tours]
        for thread in emitting:
            thread.start()
        for thread in emitting:
            thread.join()
    lttng(box, "stop")
    shown, _ = lttng(box, "list", "one")
    lost = int(shown.split("Discarded events: ")[1].split()[0])
    lttng(box, "destroy")
    lines = read_trace(path)
    check(len(lines) + lost == programs * count, f"{len(lines)} recorded, {lost} lost, of {programs * count}")
    check(all("{ buffer_id = " in line and "cpu_id" not in line for line in lines), lines[0])
    # As many streams as writers that met, whatever the number of CPUs; of few events only the first.
    streams = [file.name for file in path.glob("ust/uid/*/64-bit/c_*")]
    check("c_0" in streams and set(streams) <= {"c_0", "c_1", "c_2", "c_3"}, streams)


def sessions_do_not_meet(box):
    with Tour(box) as one, Tour(box) as two:
        for name in ("a", "b"):
            lttng(box, "create", name, "-o", box.root / name)
            lttng(box, "enable-event", "-u", "tour:step" if name == "a" else "tour:alarm")
            lttng(box, "start", name)
        lttng(box, "track", "-u", "-s", "b", f"--vpid={two.process.pid}")
        one.emit(10)
        two.emit(3)
        lttng(box, "untrack", "-u", "-s", "b", f"--vpid={two.process.pid}")
        two.emit(3)
        lttng(box, "destroy", "a")
        lttng(box, "track", "-u", "-s", "b", "--vpid", "--all")
        one.emit(10)
        lttng(box, "destroy", "--all")
    check(sorted(events(box.root / "a", "step")) == sorted([*range(10), *range(6)]), "all programs in a")
    check(events(box.root / "b", "alarm") == [0, 1, 2, *range(10, 20)], events(box.root / "b", "alarm"))


def processes_are_known_by_their_own_numbers(box):
    """By the user and group that a process has in its user namespace, not by those that it has outside."""
    prefix = ["unshare", "--user", "--map-user=7", "--map-group=8"]
    if subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return
    path = box.root / "numbers"
    with Tour(box) as plain, Tour(box, *prefix) as spaced:
        lttng(box, "create", "numbers", "-o", path)
        lttng(box, "enable-event", "-u", "tour:step")
        lttng(box, "start")
        expected = 0
        for number, (options, is_plain, is_spaced) in enumerate((
                (["--vuid=7"], False, True), (["--vuid=0"], True, True), (["--vgid=8"], False, True),
                (["--vuid", "--vgid", "--all"], True, True), ([f"--pid={plain.process.pid}"], True, False))):
            lttng(box, "track", "-u", *options)
            for tour, is_in in ((plain, is_plain), (spaced, is_spaced)):
                tour.emit(1 << 2 * number)  # a sum says which rounds it is of
                expected += is_in << 2 * number
        lttng(box, "destroy")
    check(len(events(path, "step")) == expected, (len(events(path, "step")), expected))


def each_rule_says_what_it_met(box):
    lttng(box, "create", "why", "-o", box.root / "why")
    for rule in (["tour:stpe"], ["tour:step", "--filter", "nosuch == 1"], ["tour:alarm", "--filter", "index > 1000"],
                 ["tour:*", "--loglevel-only=EMERG", "--exclude=tour:step"]):
        lttng(box, "enable-event", "-u", *rule)
    check("was never started" in box.sillage("why-empty", "why")[0], "a session that was never started")
    lttng(box, "start")
    check("no program that it is about registered" in box.sillage("why-empty")[0], "nobody came")
    with Tour(box) as tour:
        tour.emit(10)
        # Counters are looked at now and then.
        wait_until(lambda: ", 10 that filters" in box.sillage("why-empty", "why")[0], "a count of what filters rejected")
        text, _ = box.sillage("why-empty", "why")
    for said in ("0 events recorded, 0 lost, 10 that filters did not want", "1 program with",
                 "tour:stpe\n      matches no event that programs registered; did you mean tour:step",
                 "its filter cannot match tour:step of lttng_tour", "matches 1 event of a program: tour:alarm",
                 "not of its log level: ", "excluded: tour:step"):
        check(said in text, f"{said!r} in\n{text}")
    lttng(box, "destroy")


def what_rules_meet_is_counted(box):
    """While somebody watches, and beside what the session records: whose trace is as if nobody did."""
    path = box.root / "watched"
    lttng(box, "create", "watched", "-o", path)
    for rule in (["tour:step", "--filter", "index % 4 == 1"], ["tour:detail", "--filter", "index < 0"], ["tour:alarm"],
                 ["tour:nothing"], ["tour:*", "--loglevel-only=CRIT", "--filter", 'text == "odd"']):
        lttng(box, "enable-event", "-u", *rule)
    stop, emitted = threading.Event(), 0

    def emit():
        nonlocal emitted
        while not stop.is_set():
            tour.emit(100)
            emitted += 100
            time.sleep(0.005)  # the disk is not what is tested

    def check_counts(text):
        found = dict(re.findall(r"^    (tour:\S+)(?:  with .*)?\n(?:      .*\n)*?      in [\d.]+ s: (.*)$", text, re.MULTILINE))
        happened, wanted, unwanted = map(int, re.fullmatch(
            r"happened (\d+) times, (\d+) as wanted, (\d+) not as its filter wants", found["tour:step"]).groups())
        # The events of one thread, of which nothing is left out: each fourth, whichever the first is.
        check(happened == wanted + unwanted > 0 and abs(happened - 4 * wanted) < 8, text)
        check(re.fullmatch(r"happened \d+ times, 0 as wanted, \d+ not as its filter wants", found["tour:detail"]), text)
        check(re.fullmatch(r"happened \d+ times", found["tour:alarm"]), text)
        check(found["tour:nothing"] == found["tour:*"] == "did not happen", text)
        check("its filter cannot match tour:alarm of lttng_tour" in text or "was never started" in text, text)

    with Tour(box) as tour:
        emitter = threading.Thread(target=emit)
        emitter.start()
        check_counts(box.sillage("why-empty", "--watch=1")[0])
        stop.set()
        emitter.join()
        stop.clear()
        lttng(box, "start")
        before = emitted
        emitter = threading.Thread(target=emit)
        emitter.start()
        check_counts(box.sillage("why-empty", "-w", "watched")[0])
        stop.set()
        emitter.join()
        check("--watch` counts" in box.sillage("why-empty")[0], "what there is to know more")
        wait_until(lambda: "events that filters did not want\n    tour:step" in box.sillage("why-empty")[0], "a count of the channel's")
    lttng(box, "destroy")
    check(events(path, "step") == list(range(before + 1, emitted, 4)), f"{before} to {emitted}")
    check(events(path, "alarm") == list(range(before, emitted)), f"{before} to {emitted}")
    check("watched" not in lttng(box, "list")[0], "nothing is left")


def failures_change_nothing(box):
    lttng(box, "create", "f", "-o", box.root / "f")
    lttng(box, "enable-event", "-u", "tour:step")
    before, _ = lttng(box, "list", "f")
    for message, *arguments in (("Session name already exists", "create", "f"),
                                ("UST event already enabled", "enable-event", "-u", "tour:step"),
                                ("did you mean tour:step?", "disable-event", "-u", "tour:stp"),
                                ("did you mean channel0?", "disable-channel", "-u", "chanel0"),
                                ("did you mean vpid?", "add-context", "-u", "-t", "pid"),
                                ("globbing pattern", "enable-event", "-u", "tour:step", "-x", "a"),
                                ("Session name not found", "start", "g"),
                                ("at least two", "enable-channel", "-u", "x", "--overwrite", "--num-subbuf=1"),
                                ("of the user domain", "enable-channel", "-k", "x", "--buffer-allocation=per-channel"),
                                ("non-snapshot session", "snapshot", "record"),
                                ("needs to be started once", "rotate"),
                                ("must be more than 0", "enable-rotation", "--timer=0"),
                                ("output", "snapshot", "add-output")):
        _, error = lttng(box, *arguments, status=1)
        check(message in error, f"{arguments}: {error}")
    check(lttng(box, "list", "f")[0] == before, "something changed")
    _, error = lttng(box, "enable-channel", "-u", "channel0", status=4)
    check("UST channel already exist" in error, error)
    lttng(box, "destroy", "f")
    check(not (box.root / "f").exists(), "never started: nothing on disk")


def machine_interface(box):
    def ask(*arguments, status=0):
        text, _ = lttng(box, "--mi=xml", *arguments, status=status)
        return xml.etree.ElementTree.fromstring(text)
    answer = ask("create", "m", "-o", box.root / "m")
    check(answer.findtext(f"{MI}output/{MI}session/{MI}name") == "m", "the session's name")
    ask("enable-event", "-u", "tour:*", "-x", "tour:alarm", "--loglevel-only=INFO")
    listed = ask("list", "m")
    channel = listed.find(f".//{MI}channel")
    check(channel.findtext(f"{MI}name") == "channel0", "its channel")
    check(channel.findtext(f"{MI}attributes/{MI}subbuffer_size") == "524288", "its size")
    check(channel.findtext(f".//{MI}exclusion") == "tour:alarm", "the exclusion")
    check(channel.findtext(f".//{MI}loglevel") == "TRACE_INFO", "the level")
    check(ask("start").findtext(f"{MI}success") == "true", "success")
    check(ask("start", status=1).findtext(f"{MI}success") == "false", "failure")
    check(ask("destroy").findtext(f".//{MI}path") == str(box.root / "m"), "the path")


def commands_from_all_sides(box):
    """Many sessions, each steered by a thread of its own, over one program that emits all the time."""
    stop = threading.Event()
    times = []

    def steer(number):
        name = f"t{number}"
        for round_ in range(2):
            path = box.root / f"{name}-{round_}"
            for arguments in (("create", name, "-o", path), ("enable-event", "-u", "-s", name, "tour:step"),
                              ("start", name), ("disable-event", "-u", "-s", name, "tour:step"),
                              ("enable-event", "-u", "-s", name, "tour:step"), ("stop", name), ("start", name),
                              ("destroy", name)):
                before = time.monotonic()
                lttng(box, *arguments)
                times.append(time.monotonic() - before)
            values = events(path, "step")
            check(values == sorted(set(values)), "each event once, in order")

    with Tour(box) as tour:
        def emit():
            while not stop.is_set():
                tour.emit(200)
        emitter = threading.Thread(target=emit)
        emitter.start()
        threads = [threading.Thread(target=steer, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stop.set()
        emitter.join()
    times.sort()
    print(f"{len(times)} commands, {1000 * times[len(times) // 2]:.0f} ms at the median, {1000 * times[-1]:.0f} ms at most")


def main():
    for case in (rules_come_and_go, trace_is_whole_when_stopped_and_goes_on, channels_and_contexts_come_late,
                 one_buffer_serves_all_cpus, sessions_do_not_meet, processes_are_known_by_their_own_numbers, each_rule_says_what_it_met,
                 what_rules_meet_is_counted,                  failures_change_nothing, machine_interface, commands_from_all_sides):
        with Sandbox() as box:
            # Sessions keep the daemon; without any it ends by itself.
            os.makedirs(box.root / "home", exist_ok=True)
            box.environment["LTTNG_HOME"] = str(box.root / "home")
            case(box)
            print(f"{case.__name__}: as it should be", flush=True)


if __name__ == "__main__":
    main()
