# SPDX-License-Identifier: MIT
"""sillage.control with a daemon of its own; traces are counted by babeltrace2, saved sessions read as XML.

control_test.py BIN_DIRECTORY
"""

import ast
import inspect
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "daemon"))
os.environ.pop("LD_PRELOAD", None)  # a sanitizer's, for this process alone

from sillage import control  # pylint: disable=wrong-import-position
from sillage_test import Sandbox, check, read_trace  # pylint: disable=wrong-import-position


class Program:
    """A program with tracepoints tour:step, tour:detail and tour:alarm that emits when told to."""

    def __init__(self, box):
        self.process = subprocess.Popen([str(box.bin / "lttng_tour")], env=box.environment, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        box.processes.append(self.process)
        self.process.stdout.readline()

    def emit(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def refused(request, kind, words):
    try:
        request()
    except control.Error as error:
        check(error.kind == kind and words in error.message and str(error) == error.message, f"{error.kind}: {error}")
        return
    check(False, f"not refused: {words}")


def steered(client, box, program):
    session = client.create("py", output_path=box.root / "py")
    check(session.path == str(box.root / "py") and session.state == control.State.CREATED, session)
    channel = client.enable_channel("py", "c", subbuf_bytes=65536, subbuf_count=8, switch_timer_ns=1_000_000_000,
                                    reclaim_age_ns=3_000_000_000)
    check(channel.options.subbuf_bytes == 65536 and channel.options.switch_timer_ns == 10**9, channel)
    check(channel.options.reclaim_age_ns == 3 * 10**9, channel)
    check(client.enable_rule("py", "tour:*", channel="c", exclusions=["tour:alarm"], level=6).is_new, "a new rule")
    client.add_context("py", "procname", channel="c")
    client.track("py", "vpid", program.process.pid)
    client.start("py")
    program.emit(50)
    check(client.disable_rules("py", "tour:*", channel="c") == 1, "one rule is off")
    program.emit(9)
    check(client.reclaim_memory("py", "c", older_than_ns=10**15) == 0, "nothing is that old")
    refused(lambda: client.reclaim_memory("py", "nosuch"), "not-found", "does not exist")
    stopped = client.stop("py")
    shown = client.session("py")
    (domain,) = shown.domains
    (rule,) = domain.channels[0].rules
    check((rule.name, rule.levels, rule.is_enabled) == ("tour:*", control.Levels.AT_LEAST_AS_SEVERE, False), rule)
    check(domain.inclusion_sets[0].values[0].number == program.process.pid, domain)
    check("tour:*" in repr(shown) and shown == client.sessions()[0], repr(shown))
    ended = client.destroy("py")
    lines = read_trace(box.root / "py")
    check(len(lines) == ended.statistics.events == stopped.statistics.events == 50, f"{len(lines)} events, {ended}")
    check(all("tour:step" in line and 'procname = "lttng_tour"' in line for line in lines), lines[0])


def snapshots_rotation_files(client, box, program):
    client.create("fly", mode="snapshot", output_path=box.root / "fly")
    client.enable_rule("fly", "tour:step")
    client.start("fly")
    program.emit(7)
    snapshot = client.record_snapshot("fly", path=box.root / "shot")
    check(snapshot.events == len(read_trace(box.root / "shot")) == 7, snapshot)
    output = client.add_snapshot_output("fly", box.root / "more", name="more", max_bytes=1 << 20)
    check(client.remove_snapshot_output("fly", output.id) == output, output)
    client.destroy("fly")

    client.create("cut", output_path=box.root / "cut", trace_format="ctf-1.8", buffers_path=box.root / "shm")
    check(client.session("cut").buffers_path.startswith(f"{box.root}/shm/cut-20"), "buffers in files")
    client.enable_rule("cut", "tour:step")
    client.schedule_rotation("cut", period_ns=3600 * 10**9, bytes=1 << 30)
    check(client.session("cut").rotation == control.RotationSchedule(period_ns=3600 * 10**9, bytes=1 << 30), "a schedule")
    client.cancel_rotation("cut", period=True, bytes=True)
    client.start("cut")
    program.emit(3)
    check(len(read_trace(client.rotate("cut"))) == 3, "a chunk")
    program.emit(2)
    client.clear("cut")
    client.save("cut", box.root / "cut.lttng")
    name = xml.etree.ElementTree.parse(box.root / "cut.lttng").getroot().find("./{*}session/{*}name")
    check(name is not None and name.text == "cut", "a file of LTTng's")
    client.remove_rules("cut")
    check(client.session("cut").domains[0].channels[0].rules == [], "no rule")
    client.destroy("cut", wait=False)
    (box.root / "cut").rename(box.root / "was")
    (loaded,) = client.load(box.root / "cut.lttng", replace=True)
    check(loaded.state == control.State.STARTED and loaded.domains[0].channels[0].rules[0].name == "tour:step", loaded)
    client.destroy("cut")


def why_and_who(client, box, program):
    client.create("why", mode="no-output")
    client.enable_rule("why", "tour:stepp")
    client.start("why")
    findings = client.why_empty("why")
    check(findings.unmatched[0].nearest == ["tour:step"] and findings.programs == 1, findings)
    check(findings.watched_ns is None and findings.session.owner_uid == os.geteuid(), findings)
    watched = client.why_empty("why", watch=0.1)
    check(watched.watched_ns >= 1e8 and [(each.channel, each.happened) for each in watched.counts] == [("channel0", 0)], watched)
    refused(lambda: client.why_empty("why", watch=301), "invalid-argument", "300 seconds at most")
    client.destroy("why")
    (listed,) = client.programs(with_fields=True)
    check(listed.pid == program.process.pid, listed)
    fields = {event.name: [field.name for field in event.fields] for event in listed.events}
    check("index" in fields["tour:step"], fields)
    check(client.daemon().programs == 1, client.daemon())


def errors(client):
    client.create("right", mode="no-output")
    refused(lambda: client.start("wright"), "not-found", "did you mean right?")
    refused(lambda: client.create("right", mode="no-output"), "already-exists", "exists")
    refused(lambda: client.enable_rule("right", "a:b", filter="x >"), "invalid-argument", "")
    refused(lambda: client.enable_channel("right", "c", read_timer_ns=-1), "invalid-argument", "below 0")
    for wrong in (lambda: client.create("x", mode="flying"), lambda: client.track("right", "shoe")):
        try:
            wrong()
        except ValueError as error:
            check("is none of" in str(error), error)
        else:
            check(False, "a word that is none")
    try:
        client.enable_channel("right", "c", colour="red")
    except AttributeError:
        pass
    else:
        check(False, "an option that there is not")
    client.destroy("right")


def written(annotation):
    """A type as the stub writes it, of what the module says of a member."""
    text = re.sub(r"\bList\b", "list", annotation.strip().replace("sillage._control.", ""))
    return re.sub(r"Optional\[(\w+)\]", r"\1 | None", text)


def stub_agrees():
    """What control.pyi says is what there is: names, members with their types, arguments and which have defaults."""
    stub = ast.parse(pathlib.Path(control.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    said = {node.name: node for node in stub.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    check(set(said) | {"FOREVER"} == set(control.__all__), set(said) ^ set(control.__all__))
    for name, node in said.items():
        about = getattr(control, name)
        if isinstance(node, ast.FunctionDef):
            same_arguments(node, about)
            continue
        members = {each.target.id: ast.unparse(each.annotation) for each in node.body if isinstance(each, ast.AnnAssign)}
        if hasattr(about, "__members__"):
            check(set(members) == {*about.__members__, "__members__"}, f"{name}: {set(members)}")
        elif hasattr(about, "_fields"):
            there = {field: written(getattr(about, field).fget.__doc__.split("->")[-1]) for field in about._fields}
            check(members == there, f"{name}: {members} != {there}")
            check(list(members) == list(about._fields), name)
        elif about is control.Client:
            methods = {each.name: each for each in node.body}
            there = {each for each in vars(about) if not each.startswith("_")}
            check(set(methods) == there, set(methods) ^ there)
            for method, one in methods.items():
                same_arguments(one, getattr(about, method))


def same_arguments(node, function):
    there = inspect.signature(function).parameters
    options = [each.name for each in there.values() if each.kind is each.VAR_KEYWORD]
    by_place = {each.name: each.default is not each.empty for each in there.values() if each.kind is each.POSITIONAL_OR_KEYWORD}
    by_name = {each.name: each.default is not each.empty for each in there.values() if each.kind is each.KEYWORD_ONLY}
    if options:
        by_name.update((field, True) for field in control.ChannelOptions._fields if field not in by_place)
    first = len(node.args.args) - len(node.args.defaults)
    check({each.arg: place >= first for place, each in enumerate(node.args.args)} == by_place, f"{node.name}: {by_place}")
    check({each.arg: default is not None for each, default in zip(node.args.kwonlyargs, node.args.kw_defaults)} == by_name,
          f"{node.name}: {by_name}")


def deadline(client):
    pid = client.daemon().pid
    client.change_deadline(0.2)
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    refused(client.sessions, "timeout", "does not answer")
    waited = time.monotonic() - begin
    os.kill(pid, signal.SIGCONT)
    client.change_deadline(60)
    check(0.2 <= waited < 5 and client.daemon().pid == pid, waited)


def main():
    stub_agrees()
    with Sandbox() as box:
        os.environ.update(SILLAGE_RUNTIME_DIR=str(box.runtime), HOME=str(box.root))
        os.environ["PATH"] = f"{box.bin}:{os.environ['PATH']}"
        refused(lambda: control.connect(starts_daemon=False), "not-found", "cannot reach sillaged")
        client = control.connect()
        program = Program(box)
        steered(client, box, program)
        snapshots_rotation_files(client, box, program)
        why_and_who(client, box, program)
        errors(client)
        deadline(client)
        check(client.sessions() == [], client.sessions())
        program.end()
    print("ok")


if __name__ == "__main__":
    main()
