#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records every_call under strace, and compares each system call in the trace with strace's line for it.

usage: compare_with_strace.py RECORD_SYSCALLS EVERY_CALL TABLE    TABLE: src/kernel/syscalls_ARCHITECTURE.txt

The same run is seen by both. Numbers, pointers, results, strings and members of structures that both have must be
equal; what strace shows that the trace does not have is not looked at, so the number of values compared is checked, too.
Exits 77 if this machine has no BPF (SILLAGE_REQUIRE_KERNEL=1: fails).
"""
import errno
import os
import pathlib
import re
import resource
import socket
import subprocess
import sys
import tempfile

import bt2

CANNOT = 77
BYTES = 16
# What LTTng calls arguments.
RENAMED = {"clone": {"clone_flags": "flags", "parent_tidptr": "parent_tid", "child_tidptr": "child_tid"},
           "epoll_ctl": {"op": "op_enum"}}
# Members that strace shows in a form of its own, compared in special_cases().
OTHER_MEMBERS = {"events", "data"}
# Arguments that strace shows as sets, or in another order than the kernel has them.
OTHER_ARGUMENTS = {"sched_getaffinity": {"user_mask_ptr"}, "sched_setaffinity": {"user_mask_ptr"},
                   "rt_sigprocmask": {"nset", "oset"}, "rt_sigpending": {"uset"}, "rt_sigtimedwait": {"uthese"},
                   "signalfd4": {"user_mask"}, "futex": {"uaddr2", "val3"},
                   "clone": {"clone_flags", "newsp", "parent_tidptr", "child_tidptr", "tls"}}
# babeltrace2 up to 2.0.4 shows the last string that was not empty for one that is.
SHOWS_EMPTY = tuple(map(int, re.findall(r"\d+", bt2.__version__)[:3])) > (2, 0, 4)


class Pointer(int):
    """A number that strace wrote in hexadecimal."""


class Parser:
    """strace's notation of values: numbers, "text", {name=value}, [values], name(values)."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def peek(self, size=1):
        return self.text[self.at:self.at + size]

    def skip(self):
        while True:
            while self.peek() == " ":
                self.at += 1
            if self.peek(2) != "/*":
                return
            self.at = self.text.index("*/", self.at) + 2

    def values(self, end):
        """Comma-separated values up to `end`; each as (name or None, value)."""
        found = []
        while True:
            self.skip()
            if self.peek() == end:
                self.at += 1
                return found
            if self.peek() == ",":
                self.at += 1
                continue
            name = re.compile(r"([A-Za-z_]\w*)=").match(self.text, self.at)
            if name:
                self.at = name.end()
            found.append((name.group(1) if name else None, self.value()))

    def value(self):
        self.skip()
        letter = self.peek()
        if letter == '"' or self.peek(2) == '@"':
            self.at += letter == "@"
            literal = re.compile(r'"((?:[^"\\]|\\.)*)"(\.\.\.)?').match(self.text, self.at)
            self.at = literal.end()
            raw = literal.group(1).encode("latin-1").decode("unicode_escape").encode("latin-1")
            return b"@" + raw if letter == "@" else raw
        if letter in "{[":
            self.at += 1
            items = self.values("}" if letter == "{" else "]")
            result = {n: v for n, v in items if n} if letter == "{" else [v for _, v in items]
            if self.peek(2) == "=>":
                self.at += 2
                return (result, self.value())
            return self.rest(result)
        call = re.compile(r"([A-Za-z_]\w*)\(").match(self.text, self.at)
        if call:
            self.at = call.end()
            return [v for _, v in self.values(")")]
        word = re.compile(r"[^,\s\])}]+").match(self.text, self.at)
        if not word:
            raise ValueError(self.text[self.at:self.at + 40])
        self.at = word.end()
        return self.rest(number(word.group(0)))

    def rest(self, value):
        """`a => b`: what it was and what it became; `a | b`: skipped."""
        self.skip()
        if self.peek(2) == "=>":
            self.at += 2
            return (value, self.value())
        return value


def number(word):
    if word == "NULL":
        return Pointer(0)
    try:
        if word.lower().startswith("0x"):
            return Pointer(int(word, 16))
        if re.fullmatch(r"-?0[0-7]+", word):
            return int(word, 8)
        return int(word)
    except ValueError:
        return None


def strace_calls(path):
    """(pid, name, values, result) of each line; values None where it could not be read."""
    open_calls = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        pid, text = line.split(maxsplit=1)
        if text.startswith(("+++", "---")):
            continue
        if text.endswith("<unfinished ...>"):
            open_calls[pid] = text[:-len("<unfinished ...>")]
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>", text)
        if resumed:
            text = open_calls.pop(pid) + text[resumed.end():]
        match = re.match(r"(\w+)\(", text)
        parser = Parser(text)
        parser.at = match.end()
        try:
            values = [value for _, value in parser.values(")")]
            tail = text[parser.at:]
        except (ValueError, IndexError, AttributeError):
            values, tail = None, text[text.rindex(") "):]
        result = re.search(r"=\s+(-?\w+|\?)(?:\s+(E\w+))?", tail)
        value = number(result.group(1)) if result.group(1) != "?" else None
        if value == -1 and result.group(2):
            value = -getattr(errno, result.group(2))
        yield int(pid), match.group(1), values, value


def plain(field):
    """A field of bt2 as Python's own types."""
    if isinstance(field, bt2._StructureFieldConst):
        return {name: plain(value) for name, value in field.items()}
    if isinstance(field, bt2._ArrayFieldConst):
        return [plain(value) for value in field]
    if isinstance(field, bt2._StringFieldConst):
        return str(field).encode("utf-8", "surrogateescape")
    return int(field)


def trace_calls(path):
    """(tid, name, fields of entry, fields of exit) in order, calls that nobody left included."""
    pending, calls = {}, []
    for message in bt2.TraceCollectionMessageIterator(str(path)):
        if type(message) is not bt2._EventMessageConst:
            continue
        event = message.event
        match = re.fullmatch(r"(compat_)?syscall_(entry|exit)_(\w+)", event.name)
        if not match:
            continue
        name = (match.group(1) or "") + match.group(3)
        tid = int(event.common_context_field["tid"])
        fields = {name: plain(value) for name, value in event.payload_field.items()}
        if match.group(2) == "entry":
            pending[tid] = [tid, name, fields, {}]
            calls.append(pending[tid])
        elif tid in pending and pending[tid][1] == name:
            pending.pop(tid)[3].update(fields)
    return calls


def arguments_of(name):
    """Names of a call's arguments, as the kernel's tracefs tells them."""
    name = name.removeprefix("compat_").removesuffix("_time32")
    path = pathlib.Path("/sys/kernel/tracing/events/syscalls/sys_enter_" + name + "/format")
    if not path.exists():
        return []
    fields = re.findall(r"^\tfield:.*?(\w+);", path.read_text(), re.MULTILINE)
    return [f for f in fields if not f.startswith("common_") and f != "__syscall_nr"]


class Comparison:
    def __init__(self):
        self.compared, self.names, self.wrong = 0, set(), []

    def equal(self, call, what, ours, theirs):
        if theirs == b"" and isinstance(ours, bytes) and not SHOWS_EMPTY:
            return
        self.compared += 1
        self.names.add(call)
        if ours != theirs:
            self.wrong.append(f"{call}: {what} is {ours!r}, strace says {theirs!r}")

    def numbers(self, call, what, ours, theirs):
        # As many bits as both agree on: strace shows some unsigned, some signed.
        mask = 0xffffffff if -1 << 31 <= ours < 1 << 32 and abs(theirs) < 1 << 32 else (1 << 64) - 1
        self.equal(call, what, ours & mask, theirs & mask)

    def values(self, call, what, ours, theirs):
        if isinstance(theirs, tuple) or theirs is None:
            return
        if isinstance(theirs, int) and isinstance(ours, int):
            self.numbers(call, what, ours, theirs)
        elif isinstance(theirs, bytes) and isinstance(ours, bytes):
            self.equal(call, what, ours, theirs.rstrip(b"\0") if ours != theirs else theirs)
        elif isinstance(theirs, bytes) and isinstance(ours, list):
            self.equal(call, what, bytes(ours), theirs[:len(ours)])
        elif isinstance(theirs, dict) and isinstance(ours, dict):
            for name, value in theirs.items():
                if name in ours and name not in OTHER_MEMBERS:
                    self.values(call, what + "." + name, ours[name], value)
        elif isinstance(theirs, list) and isinstance(ours, list):
            for i, (one, other) in enumerate(zip(ours, theirs)):
                self.values(call, f"{what}[{i}]", one, other)
        elif isinstance(theirs, list) and len(theirs) == 1 and isinstance(ours, int):
            self.values(call, what, ours, theirs[0])

    def either(self, call, what, entry, exit, theirs):
        """strace shows once what the kernel reads and writes: as it was at the entry, or at the exit."""
        results = []
        for ours in (entry, exit):
            if ours is not None:
                results.append(Comparison())
                results[-1].values(call, what, ours, theirs)
        best = min(results, key=lambda result: len(result.wrong))
        self.compared += best.compared
        self.names |= best.names
        self.wrong += best.wrong

    def address(self, call, fields, theirs):
        """A socket address, whose fields stand beside the arguments."""
        self.numbers(call, "family", fields["family"], theirs["sa_family"])
        port = next((fields[name] for name in ("dport", "sport", "port") if name in fields), None)
        for name in ("sin_port", "sin6_port"):
            if name in theirs:
                self.equal(call, name, port.to_bytes(2, "big"), theirs[name])
        if "sin_addr" in theirs:
            self.equal(call, "v4addr", bytes(fields["v4addr"]), theirs["sin_addr"])
        if "sin6_addr" in theirs:
            self.equal(call, "v6addr", b"".join(part.to_bytes(2, "big") for part in fields["v6addr"]),
                       theirs["sin6_addr"])
        if "sun_path" in theirs:
            self.equal(call, "path", fields["path"], theirs["sun_path"])

    def call(self, name, entry, exit, values, result):
        if result is not None and "ret" in exit:
            self.numbers(name, "ret", exit["ret"], result)
        if values is None:
            return
        fields = {**entry, **exit}
        for argument, value in zip(arguments_of(name), values):
            if argument in OTHER_ARGUMENTS.get(name, ()):
                continue
            argument = RENAMED.get(name, {}).get(argument, argument)
            ends = [part for part in (entry, exit) if argument in part]
            if isinstance(value, tuple):  # what it was and what it became
                if argument + "_value" in entry:
                    self.values(name, argument, entry[argument + "_value"], value[0])
                if argument + "_value" in exit:
                    self.values(name, argument, exit[argument + "_value"], value[1])
                continue
            if isinstance(value, dict) and "sa_family" in value:
                self.address(name, fields, value)
            elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], tuple):
                for part, one in zip((entry, exit), value[0]):
                    field = argument + "_value" if argument + "_value" in part else argument
                    if field in part:
                        self.values(name, argument, part[field], one)
            elif isinstance(value, (dict, list)) or (isinstance(value, bytes) and argument + "_value" in fields):
                for field in (argument + "_value", argument):
                    if isinstance(fields.get(field), (bytes, dict, list)):
                        self.either(name, field, entry.get(field), exit.get(field), value)
                        break
            else:
                for part in ends:
                    self.values(name, argument, part[argument], value)


def special_cases(calls, problems):
    """What strace shows in another form, or not at all: known from every_call.c."""
    def find(name, **wanted):
        return [(entry, exit) for call, entry, exit in calls
                if call == name and all(entry.get(k) == v for k, v in wanted.items())]

    def expect(what, ours, wanted):
        if ours != wanted:
            problems.append(f"{what}: {ours!r}, expected {wanted!r}")

    entry, exit = find("openat", filename=b"file")[0]
    bits = entry["flags_bits"]
    expect("openat flags", sorted(n for n, v in bits.items() if v and not n.startswith("padding")),
           ["O_CLOEXEC", "O_CREAT", "O_TRUNC", "access"])
    entry, exit = find("ppoll")[0]
    expect("ppoll fds", [f["raw_events"] for f in entry["fds"]], [1, 5, 2])
    expect("ppoll named bits", [f["events"]["POLLIN"] for f in entry["fds"]], [1, 1, 0])
    expect("ppoll ready", [(f["fd"] == entry["fds"][i]["fd"], f["raw_events"]) for i, f in enumerate(exit["fds"])],
           [(True, 1), (True, 4)])
    expect("ppoll lengths", (entry["fds_length"], exit["fds_length"], exit["ret"]), (3, 2, 2))
    entry, exit = find("epoll_ctl", op_enum=1)[0]
    expect("epoll_ctl event", (entry["event"]["data_union"]["u64"], entry["event"]["raw_events"],
                               entry["event"]["events"]["EPOLLIN"], entry["event"]["events"]["EPOLLPRI"]),
           (0x1234567890abcdef, 3, 1, 1))
    entry, exit = find("epoll_pwait")[0]
    expect("epoll_pwait fds", [(f["data_union"]["u64"], f["raw_events"]) for f in exit["fds"]],
           [(0x1234567890abcdef, 1)])
    entry, exit = find("pselect6")[0]
    in_fds, out_fds = (sum(byte << (8 * i) for i, byte in enumerate(entry[name])) for name in ("readfds", "writefds"))
    expect("pselect6 sets", (in_fds.bit_count(), out_fds.bit_count(), len(entry["readfds"]), entry["exceptfds"]),
           (1, 1, (entry["n"] + 7) // 8, []))
    expect("pselect6 sets at exit", (exit["readfds"], exit["writefds"]), (entry["readfds"], entry["writefds"]))
    entry, exit = find("pipe2")[0]
    expect("pipe2 fds", len(set(exit["fildes"])), 2)
    entry, exit = find("socketpair")[0]
    expect("socketpair fds", exit["socket"][1] - exit["socket"][0], 1)
    entry, exit = find("execve", filename=b"/no/such/program")[0]
    expect("execve argv", (entry["argv_value"], entry["argv_value_overflow"]),
           ([b"true", b"first argument", b"second"], 0))
    entry_of_netlink, _ = find("bind", family=socket.AF_NETLINK)[0]
    expect("netlink address", bytes(entry_of_netlink["sa_data"][2:6]), b"\4\3\2\1")
    families = {exit["family"] for entry, exit in find("accept4")}
    expect("accepted families", families, {1, 2, 10})
    paths = {entry["path"] for entry, exit in find("bind", family=socket.AF_UNIX)}
    expect("bound paths", paths, {b"socket", b"@sillage-test"})
    if SHOWS_EMPTY:
        expect("path of another family", entry_of_netlink["path"], b"")
    unreadable = [entry for entry, exit in find("connect") if entry["uservaddr"] == 16]
    expect("unreadable address", [(e["family"], e["v4addr"]) for e in unreadable], [(0, [])])
    entry, exit = [e for e in find("openat") if e[1]["ret"] == -errno.EFAULT][0]
    if SHOWS_EMPTY:
        expect("unreadable path", entry["filename"], b"")
    entry, exit = find("prctl", option=15)[0]
    expect("prctl name", entry["arg2_name"], b"renamed-task")
    entry, exit = find("sendmsg", family=2)[0]
    expect("sendmsg iov", [v["iov_len"] for v in entry["iov"]], [6])
    entry, exit = find("futex", op=265)[0]
    expect("futex op", (entry["op_bits"]["command"], entry["op_bits"]["FUTEX_CLOCK_REALTIME"], entry["uaddr_value"]),
           (9, 1, 17))
    entry, exit = find("mount")[0]
    expect("mount", (entry["dev_name"], entry["dir_name"], entry["type"], exit["ret"]),
           (b"none", b"/no/such/place", b"tmpfs", -errno.ENOENT))
    entry, exit = find("unknown")[0]
    expect("number without a name", (entry["id"], entry["args"], exit["ret"]),
           (1000, [1, 2, 3, 4, 5, 6], -errno.ENOSYS))
    entry, exit = find("rt_sigreturn")[0]
    expect("rt_sigreturn", exit.get("ret"), 0)
    entry, exit = find("writev")[0]
    expect("first bytes of a vector", bytes(entry["vec_bytes"]), b"one")
    entry, exit = find("preadv")[0]
    expect("first bytes read into a vector", bytes(exit["vec_bytes"]), b"one")
    for entry, exit in find("compat_unknown"):
        expect("compat number without a name", (entry["id"], entry["args"][:3], exit["ret"]),
               (999, [1, 2, 3], -errno.ENOSYS))


def main():
    # A descriptor for the program of each call.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    recorder, program, table = sys.argv[1:]
    # What events are called by where the C library's name is another.
    event_names = {"": {}, "compat_": {}}
    for words in map(str.split, pathlib.Path(table).read_text().splitlines()):
        if len(words) > 3 and words[0] in ("32", "64"):
            event_names["compat_" if words[0] == "32" else ""][words[2]] = words[3]
    with tempfile.TemporaryDirectory(prefix="sillage-syscalls-") as name:
        base = pathlib.Path(name)
        (base / "work").mkdir()
        done = subprocess.run(
            [recorder, base / "trace", str(BYTES), "strace", "-f", "-v", "-X", "raw", "-s", "4096", "-o",
             base / "strace", program, base / "work"], stderr=subprocess.PIPE, text=True, check=False)
        print(done.stderr.strip())
        if done.returncode == CANNOT and not os.environ.get("SILLAGE_REQUIRE_KERNEL"):
            return CANNOT
        if done.returncode != 0:
            return 1
        theirs = list(strace_calls(base / "strace"))
        tids = {pid for pid, *_ in theirs}
        ours = {tid: [] for tid in tids}
        for tid, call, entry, exit in trace_calls(base / "trace" / "kernel"):
            if tid in ours:
                ours[tid].append((call, entry, exit))
    comparison, problems = Comparison(), []
    unreadable = 0
    for tid in tids:
        wanted = [(call, values, result) for pid, call, values, result in theirs if pid == tid]
        # strace's own child sets itself up before it is traced: from the last execve that strace saw first.
        calls = ours[tid]
        first = next((i for i in range(len(calls)) if calls[i][0] == wanted[0][0]
                      and len(calls) - i == len(wanted)), None)
        if first is None:
            problems.append(f"thread {tid}: {len(calls)} calls in the trace, {len(wanted)} in strace's output")
            continue
        for (name, entry, exit), (call, values, result) in zip(calls[first:], wanted):
            prefix = "compat_" if name.startswith("compat_") else ""
            if name != prefix + ("unknown" if call.startswith("syscall_") else event_names[prefix].get(call, call)):
                problems.append(f"{name} in the trace, {call} in strace's output")
                break
            unreadable += values is None
            comparison.call(name, entry, exit, values, result)
        special = [c for c in calls[first:]]
        if any(call == "ppoll" for call, *_ in special):
            every = special
    children = [c for tid in tids for c in ours[tid] if c[0] == "execve"]
    special_cases(every + children, problems)
    problems += comparison.wrong
    for problem in problems:
        print("WRONG:", problem)
    print(f"{len(theirs)} calls, {comparison.compared} values of {len(comparison.names)} system calls compared, "
          f"{unreadable} lines not understood, {len(problems)} problems")
    if comparison.compared < 700 or len(comparison.names) < 120 or unreadable > 5:
        print("WRONG: too little was compared")
        return 1
    return 1 if problems else 0


sys.exit(main())
