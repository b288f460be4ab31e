#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs tell which objects lie where, as /proc and readelf have it; with that `sillage read` and babeltrace2 find functions and
lines, as addr2line does.

state_dump_test.py BIN_DIRECTORY PROGRAMS
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "daemon"))
from sillage_test import Sandbox, check, read_trace  # noqa: E402

PROGRAMS = pathlib.Path(sys.argv[2]).resolve()


def output_of(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True,
                          errors="replace").stdout


class Program:
    """A program of this test that does what it is told."""

    def __init__(self, box, path, prefix=()):
        self.process = box.start([*prefix, path], stdout=subprocess.PIPE)
        self.path = path

    def tell(self, *lines):
        answers = []
        for line in lines:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answers.append(self.process.stdout.readline().strip())
        check(all(answer.endswith("done") for answer in answers), f"{lines}: {answers}")
        return answers

    def pid(self):
        return self.process.pid

    def maps(self):
        return pathlib.Path(f"/proc/{self.process.pid}/maps").read_text()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Box(Sandbox):
    def start(self, command, **options):
        options.setdefault("stdin", subprocess.PIPE)
        process = subprocess.Popen(list(map(str, command)), env=self.environment, text=True, **options)
        self.processes.append(process)
        return process

    @contextlib.contextmanager
    def session(self, *rules, contexts=("vpid", "ip")):
        """A session of all events, or of these rules, with these contexts; gives the trace's path."""
        path = self.root / f"trace{len(os.listdir(self.root))}"
        self.sillage("create", "dump", "-o", path)
        for rule in rules or ("*",):
            self.sillage("enable-event", "-u", rule)
        for context in contexts:
            self.sillage("add-context", "-u", "-t", context)
        self.sillage("start")
        yield path
        self.sillage("destroy")


def fields_of(line):
    """Name, context vpid and fields of a line; the bytes of build ids as one text."""
    name = re.search(r"(\w+:\w+): \{", line).group(1)
    line = re.sub(r"build_id = \[(.*?) \]",
                  lambda found: "build_id = " + "".join(f"{int(each, 16):02x}" for each in re.findall(r"= 0x(\w+)", found.group(1))), line)
    fields = {key: text or number for key, text, number in re.findall(r'(\w+) = (?:"([^"]*)"|([-\w]+))', line)}
    return name, int(fields["vpid"]), fields


def objects_of(lines, vpid):
    """By base: what the dump of a process says of each object."""
    objects, is_complete = {}, False
    for line in lines:
        name, of, fields = fields_of(line)
        if of != vpid or not name.startswith("lttng_ust_statedump:"):
            continue
        base = int(fields["baddr"], 16) if "baddr" in fields else None
        if name.endswith(":bin_info"):
            objects[base] = fields
        elif base is not None:
            objects[base].update(fields)
        is_complete = is_complete or name.endswith(":end")
    check(is_complete, "the dump has an end")
    return objects


def truth_of(maps):
    """By base: path, bytes, kind, build id and debug link of the objects with code in /proc/PID/maps, as readelf has them."""
    truth = {}
    starts = {}
    for line in maps.splitlines():
        words = line.split(maxsplit=5)
        if len(words) < 6 or not words[5].startswith("/"):
            continue
        path = words[5].replace(" (deleted)", "")
        if words[2] == "00000000":
            starts[path] = int(words[0].split("-")[0], 16)
        if "x" not in words[1] or path not in starts or not pathlib.Path(path).exists():
            continue
        text = output_of("readelf", "-hlnW", path)
        loads = [(int(address, 16), int(size, 16)) for address, size in re.findall(r"LOAD +0x\w+ 0x(\w+) 0x\w+ 0x\w+ 0x(\w+)", text)]
        is_fixed = "EXEC (" in text
        base = min(address for address, _ in loads) + (0 if is_fixed else starts[path])
        build_id = re.search(r"Build ID: (\w+)", text)
        link = re.findall(r"\[ +\w+\]  (\S+)", output_of("readelf", "-p", ".gnu_debuglink", path)) if ".gnu_debuglink" in output_of("readelf", "-SW", path) else []
        truth[base] = (path, max(address + size for address, size in loads) - min(address for address, _ in loads),
                       0 if is_fixed else 1, build_id.group(1) if build_id else None, link[0] if link else None)
    return truth


def check_objects(objects, truth):
    told = {base: (fields["path"], int(fields["memsz"]), int(fields["is_pic"]), fields.get("build_id"), fields.get("filename"))
            for base, fields in objects.items() if fields["path"] != "[vdso]"}
    check(told == truth, f"told {told}\nare {truth}")
    for fields in objects.values():
        check((fields["has_build_id"] == "1") == ("build_id" in fields), f"{fields}")
        check((fields["has_debug_link"] == "1") == ("filename" in fields), f"{fields}")


def place_of(line):
    found = re.search(r'debug_info = \{ bin = "(.*?)", func = "(.*?)", src = "(.*?)" \}', line)
    return found.groups() if found else None


def check_places(box, path, *options):
    """Our lines are babeltrace2's, which knows the lines of a few addresses only; returns ours."""
    ours = box.sillage("read", "--debug-info", *options, path)[0].splitlines()
    theirs = output_of("babeltrace2", "--debug-info", *options, path).splitlines()
    check(len(ours) == len(theirs) and ours, f"{path}: {len(ours)} and {len(theirs)} lines")
    for our, their in zip(ours, theirs):
        if their.count('src = ""') == 1:
            our = re.sub(r'src = "[^"]*"', 'src = ""', our, count=1)
        # Of other people's objects, without their symbols, it has no name from the dynamic ones.
        if their.count('func = ""') == 1:
            our = re.sub(r'func = "[^"]*"', 'func = ""', our, count=1)
        check(our == their, f"sillage:     {our}\nbabeltrace2: {their}")
    return ours


def check_resolved(lines, event, name, function, has_full_paths=False):
    """Events of this name are in that function, at the line that addr2line says."""
    lines = [line for line in lines if f" {event}: " in line]
    check(lines, f"no {event}")
    for line in lines:
        place = place_of(line)
        check(place and re.fullmatch(re.escape(name) + r"[+@]0x\w+", place[0]) and place[1].startswith(function + "+0x"), line)
        address = re.split(r"[+@]", place[0])[-1]
        theirs = output_of("addr2line", "-f", "-e", PROGRAMS / name, address).split("\n")
        source = theirs[1].split(" (")[0]
        check((theirs[0], source if has_full_paths else source.split("/")[-1]) == (function, place[2]), f"{theirs}: {line}")


def at_the_start_of_a_program(box):
    for name in ("moving", "fixed", "nameless"):
        with box.session() as path:
            program = Program(box, PROGRAMS / name)
            program.tell("emit", "emit")
            maps = program.maps()
            program.end()
        lines = read_trace(path)
        first = [fields_of(line)[0] for line in lines if fields_of(line)[1] == program.pid()]
        check(first[:2] == ["lttng_ust_statedump:start", "lttng_ust_statedump:procname"], f"{first[:3]}")
        check(first[-3:] == ["lttng_ust_statedump:end", "symbols:program", "symbols:program"], f"{first[-3:]}")
        check(fields_of(lines[1])[2]["procname"] == name, lines[1])
        objects = objects_of(lines, program.pid())
        check_objects(objects, truth_of(maps))
        check("[vdso]" in {fields["path"] for fields in objects.values()}, "the vdso is one of them")
        places = check_places(box, path)
        check_resolved(places, "symbols:program", name, "here")
        full = check_places(box, path, "--debug-info-full-path")
        check_resolved(full, "symbols:program", str(PROGRAMS / name), "here", has_full_paths=True)


def of_a_program_that_runs(box):
    program = Program(box, PROGRAMS / "moving")
    program.tell(f"open {PROGRAMS / 'plugin.so'}", "emit")
    with box.session() as path:
        program.tell("emit", "call", "emit")
        box.sillage("regenerate", "statedump")
        program.tell("emit", "emit")
    with box.session() as again:
        program.tell("emit")
    maps = program.maps()
    program.end()
    for trace, dumps in ((path, 2), (again, 1)):
        lines = read_trace(trace)
        check(sum("lttng_ust_statedump:start" in line for line in lines) == dumps, f"{trace}: not {dumps} dumps")
        check(not any("lttng_ust_lib:" in line for line in lines), "nothing has come or gone")
        check_objects(objects_of(lines, program.pid()), truth_of(maps))
        check_resolved(check_places(box, trace), "symbols:program", "moving", "here")
    check_resolved(check_places(box, path), "symbols:plugin", "plugin.so", "plugin_emit")


def objects_come_and_go(box):
    with box.session() as path:
        program = Program(box, PROGRAMS / "moving")
        for _ in range(3):
            program.tell("emit", f"open {PROGRAMS / 'plugin.so'}", "call")
            maps = program.maps()
            program.tell("close", "emit")
        program.end()
    lines = read_trace(path)
    loads = [fields_of(line)[2] for line in lines if "lttng_ust_lib:load" in line]
    check(len(loads) == 3 and all(load["path"] == str(PROGRAMS / "plugin.so") for load in loads), f"{loads}")
    base = int(loads[-1]["baddr"], 16)
    check(int(loads[-1]["memsz"]) == truth_of(maps)[base][1], f"{loads[-1]}")
    ids = [fields_of(line)[2]["build_id"] for line in lines if "lttng_ust_lib:build_id" in line]
    check(ids == 3 * [truth_of(maps)[base][3]], f"{ids}")
    gone = [fields_of(line)[2]["baddr"] for line in lines if "lttng_ust_lib:unload" in line]
    check(gone == [load["baddr"] for load in loads], f"loaded {loads}, unloaded {gone}")
    order = re.findall(r" (symbols:\w+|lttng_ust_lib:(?:un)?load):", "\n".join(lines))
    check(order == 3 * ["symbols:program", "lttng_ust_lib:load", "symbols:plugin", "lttng_ust_lib:unload", "symbols:program"], f"{order}")
    places = check_places(box, path)
    check_resolved(places, "symbols:plugin", "plugin.so", "plugin_emit")
    check_resolved(places, "symbols:program", "moving", "here")


def children_have_their_own(box):
    with box.session() as path:
        program = Program(box, PROGRAMS / "moving")
        answer = program.tell("emit", "fork", "emit")[1]
        maps = program.maps()
        program.end()
    lines = read_trace(path)
    child = int(answer.split()[0])
    check_objects(objects_of(lines, child), truth_of(maps))
    check_objects(objects_of(lines, program.pid()), truth_of(maps))
    check_resolved(check_places(box, path), "symbols:program", "moving", "here")


def symbols_are_elsewhere(box):
    for name, by in (("moving", "build id"), ("nameless", "debug link"), ("fixed", "debug link")):
        place = box.root / f"stripped-{name}"
        place.mkdir()
        program_path, symbols = place / name, place / f"{name}.debug"
        output_of("objcopy", "--only-keep-debug", PROGRAMS / name, symbols)
        subprocess.run(["objcopy", "--strip-all", *([f"--add-gnu-debuglink={symbols.name}"] if by == "debug link" else []),
                        str(PROGRAMS / name), str(program_path)], check=True, cwd=place)
        with box.session() as path:
            program = Program(box, program_path)
            program.tell("emit")
            check_objects_after = program.maps()
            program.end()
        check_objects(objects_of(read_trace(path), program.pid()), truth_of(check_objects_after))
        if by == "debug link":
            check_resolved(check_places(box, path), "symbols:program", name, "here")
            with open(symbols, "ab") as file:
                file.write(b"x")  # another checksum
        hidden = place / "hidden"
        shutil.move(symbols, hidden)
        ours = [line for line in box.sillage("read", "--debug-info", path)[0].splitlines() if "symbols:program" in line]
        check(all(place_of(line)[2] == "" for line in ours), f"{ours}")
        if by == "debug link":
            shutil.copy(hidden, symbols)
            ours = [line for line in box.sillage("read", "--debug-info", path)[0].splitlines() if "symbols:program" in line]
            check(all(place_of(line)[2] == "" for line in ours), f"its checksum is another: {ours}")
        else:
            build_id = truth_of(check_objects_after)[next(base for base, each in truth_of(check_objects_after).items() if each[0] == str(program_path))][3]
            named = place / "symbols" / ".build-id" / build_id[:2] / f"{build_id[2:]}.debug"
            named.parent.mkdir(parents=True)
            shutil.copy(hidden, named)
            check_resolved(check_places(box, path, f"--debug-info-dir={place / 'symbols'}"), "symbols:program", name, "here")
            # Another program in its place is not asked.
            shutil.copy(PROGRAMS / "fixed", program_path)
            ours = [line for line in box.sillage("read", "--debug-info", path)[0].splitlines() if "symbols:program" in line]
            check(all(place_of(line)[1:] == ("", "") for line in ours), f"{ours}")


def files_are_gone(box):
    place = box.root / "gone"
    place.mkdir()
    copy = shutil.copy(PROGRAMS / "moving", place / "a program")
    with box.session() as path:
        program = Program(box, copy)
        os.unlink(copy)
        program.tell("emit")
        program.end()
    build_id = re.search(r"Build ID: (\w+)", output_of("readelf", "-n", PROGRAMS / "moving")).group(1)
    with box.session() as late:
        program = Program(box, shutil.copy(PROGRAMS / "moving", copy))
        os.unlink(copy)
        program.tell("emit")
        program.end()
    for trace in (path, late):
        objects = objects_of(read_trace(trace), program.pid() if trace == late else int(fields_of(read_trace(trace)[0])[1]))
        check(any(each["path"] == str(copy) and each["build_id"] == build_id for each in objects.values()), f"{objects}")


def who_wants_it(box):
    """Patterns that begin with * have it only where there are addresses to resolve."""
    for rules, contexts, is_there in ((("*",), (), False), (("symbols:*",), ("ip",), False), (("*",), ("ip",), True),
                                      (("lttng_ust_statedump:*",), (), True), (("symbols:*", "lttng*"), ("vpid",), True)):
        with box.session(*rules, contexts=contexts) as path:
            program = Program(box, PROGRAMS / "moving")
            program.tell("emit")
            program.end()
        names = set(re.findall(r" (\w+:\w+): ", "\n".join(read_trace(path)))) if any(path.rglob("metadata")) else set()
        check(("lttng_ust_statedump:bin_info" in names) == is_there, f"{rules} {contexts}: {names}")


def the_daemon_is_killed(box):
    """Programs that come to the next one tell their objects as well."""
    with box.session() as path:
        first = Program(box, PROGRAMS / "moving")
        first.tell("emit")
        daemon = box.daemon_pid()
        os.kill(daemon, signal.SIGKILL)
        for process in box.processes:
            if process.pid == daemon:
                process.wait()
        box.sillage("list")
        check(box.daemon_pid() != daemon, "another daemon")
        second = Program(box, PROGRAMS / "moving")
        second.tell("emit")
        first.tell("emit")
        truths = {each.pid(): truth_of(each.maps()) for each in (first, second)}
        first.end()
        second.end()
    lines = read_trace(path)
    for pid, truth in truths.items():
        check_objects(objects_of(lines, pid), truth)
    check_resolved(check_places(box, path), "symbols:program", "moving", "here")


def environment_and_no_proc(box):
    box.environment["LTTNG_UST_WITHOUT_BADDR_STATEDUMP"] = "1"
    with box.session() as path:
        program = Program(box, PROGRAMS / "moving")
        program.tell("emit")
        program.end()
    names = re.findall(r" (\w+:\w+): ", "\n".join(read_trace(path)))
    check(names == ["lttng_ust_statedump:start", "lttng_ust_statedump:procname", "lttng_ust_statedump:end", "symbols:program"], f"{names}")
    del box.environment["LTTNG_UST_WITHOUT_BADDR_STATEDUMP"]
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        return
    with box.session() as path:
        program = Program(box, PROGRAMS / "moving", ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0"'])
        program.tell("emit", f"open {PROGRAMS / 'plugin.so'}", "call", "close", "emit")
        program.end()
    names = re.findall(r" (\w+:\w+): ", "\n".join(read_trace(path)))
    check(names == ["lttng_ust_statedump:start", "lttng_ust_statedump:procname", "lttng_ust_statedump:end",
                    "symbols:program", "symbols:plugin", "symbols:program"], f"{names}")


def main():
    with Box() as box:
        box.start_daemon()
        for case in (at_the_start_of_a_program, of_a_program_that_runs, objects_come_and_go, children_have_their_own,
                     symbols_are_elsewhere, files_are_gone, who_wants_it, environment_and_no_proc, the_daemon_is_killed):
            case(box)
            print(f"{case.__name__}: as it should be", flush=True)


if __name__ == "__main__":
    main()
