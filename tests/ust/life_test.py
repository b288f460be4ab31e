#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""LTTng-UST's programs that fork, exec, are killed, load and unload: never hurt by us, and every event accounted for.

life_test.py BIN_DIRECTORY UST_PROGRAMS UST_LIBRARIES
"""

import collections
import mmap
import os
import pathlib
import re
import signal
import struct
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "daemon"))
from sillage_test import Sandbox, check, command_lines, lost, read_trace, recorded, wait_until  # noqa: E402

PROGRAMS, LIBRARIES = pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
PLUGIN = PROGRAMS / "plugin.so"


def life(mode, rounds, *more):
    return [PROGRAMS / "life", PLUGIN, mode, rounds, *more]


def by_sender(path):
    """The numbers that each sender sent, in order."""
    numbers = collections.defaultdict(list)
    for line in read_trace(path):
        match = re.search(r"who = (\d+), n = (\d+)", line)
        if match:
            numbers[int(match.group(1))].append(int(match.group(2)))
    return numbers


def everything_is_accounted_for(box):
    for mode, rounds in (("threads", 5000), ("signals", 100000), ("children", 3000), ("large", 500), ("exec", 1000)):
        path = box.root / mode
        out, summary = box.sillage("record", "--ust-compat", "--subbuf-size", "1M", "-o", path, "--",
                                   *life(mode, rounds))
        sent = sum(int(number) for number in re.findall(r"(?:sent|before) (\d+)", out))
        check(sent >= rounds, f"{mode}: {out}")
        check(recorded(summary) + lost(summary) == sent, f"{mode}: sent {sent}\n{summary}")
        if lost(summary) == 0 and mode not in ("large", "exec"):
            for who, numbers in by_sender(path).items():
                check(numbers == list(range(len(numbers))), f"{mode}: events of {who} are out of order")
        if mode == "children":
            check(recorded(summary) == 5 * rounds, f"{mode}: {summary}")


def root_is_given_up(box):
    """While threads record: their events go on without a gap, and tell whose they were."""
    if os.geteuid() != 0:
        return
    path = box.root / "setuid"
    out, summary = box.sillage("record", "--ust-compat", "--context", "vuid", "-o", path, "--", *life("setuid", 2000))
    check("kept its user" not in out, out)
    check(recorded(summary) == 3 * 2000 and lost(summary) == 0, summary)
    users = collections.defaultdict(list)
    for line in read_trace(path):
        user, who = re.search(r"vuid = (\d+).*who = (\d+)", line).groups()
        users[int(who)].append(int(user))
    for who, list_of in users.items():
        check(list_of == sorted(list_of), f"{who} was root again")
    # Of the two threads, one may have begun or ended on the other side of it.
    check(set(users[0] + users[1]) == {0, 65534} and set(users[2]) == {65534}, f"{ {who: set(users[who]) for who in users} }")


def a_provider_is_unloaded_under_load(box):
    out, summary = box.sillage("record", "--ust-compat", "-o", box.root / "unload", "--", *life("unload", 40))
    check("survived" in out, out)
    check(recorded(summary) > 1000, summary)
    for numbers in by_sender(box.root / "unload").values():
        check(numbers == sorted(set(numbers)), "an event came twice or late")


def killed_at_any_time(box):
    for attempt in range(4):
        path = box.root / f"kill{attempt}"
        count = box.root / f"count{attempt}"
        count.write_bytes(bytes(4096))
        recording = box.start([box.bin / "sillage", "record", "--ust-compat", "-o", path, "--",
                               *life("calm", 10**9, count)], stderr=-1)
        with open(count, "r+b") as file, mmap.mmap(file.fileno(), 4096) as memory:
            wait_until(lambda: struct.unpack("Q", memory[:8])[0] > 1000, "events")
            time.sleep(0.01 * attempt)
            os.kill(next(pid for pid, line in command_lines().items() if is_life(line)), signal.SIGKILL)
            summary = recording.communicate(timeout=60)[1]
            sent = struct.unpack("Q", memory[:8])[0]
        # Four threads: each may have been between its event and its count, or before the event.
        there = recorded(summary) + lost(summary)
        check(sent <= there <= sent + 4, f"sent {sent}, accounted for {there}")
        read_trace(path)


def is_life(line):
    command = line.split(b"\0")
    return command[0] == bytes(PROGRAMS / "life") and b"calm" in command


def wanted_later_and_no_more(box):
    """Recorded twice from outside; the program's child, too, which exists before anybody wants anything."""
    box.environment["LD_LIBRARY_PATH"] = str(LIBRARIES)
    box.start_daemon()
    box.start(life("slowly", 0), start_new_session=True)
    wait_until(lambda: "life:step" in box.sillage("list")[0], "the program")
    ends = []
    for name in ("first", "second"):
        _, summary = box.sillage("record", "-o", box.root / name, "--duration", "700ms")
        check(lost(summary) == 0, summary)
        numbers = by_sender(box.root / name)
        check(set(numbers) == {0, 1}, f"{name}: senders {set(numbers)}")
        for who, list_of in numbers.items():
            check(len(list_of) > 50, f"{name}: {len(list_of)} events of {who}")
            check(list_of == list(range(list_of[0], list_of[0] + len(list_of))), f"{name}: events of {who} are missing")
        ends.append(max(numbers[0]))
        time.sleep(0.3)
    check(ends[1] > ends[0] + 300, "nothing was sent between the recordings")
    os.killpg(box.processes[-1].pid, signal.SIGKILL)


def helper_libraries_record(box):
    """LTTng-UST's own, preloaded as with LTTng: how often each event is there at least, and at most but for libc itself."""
    for helper, provider, least, names in (
            ("libc-wrapper", "lttng_ust_libc", 100, ("malloc", "calloc", "realloc", "free")),
            ("pthread-wrapper", "lttng_ust_pthread", 100,
             ("pthread_mutex_lock_req", "pthread_mutex_lock_acq", "pthread_mutex_unlock")),
            ("cyg-profile", "lttng_ust_cyg_profile", 101, ("func_entry", "func_exit")),
            ("cyg-profile-fast", "lttng_ust_cyg_profile_fast", 101, ("func_entry", "func_exit"))):
        path = box.root / helper
        _, summary = box.sillage("record", "--ust-compat", "-o", path, "--", "env",
                                 f"LD_PRELOAD=liblttng-ust-{helper}.so.1", PROGRAMS / "helped")
        found = collections.Counter(re.findall(provider + r":(\w+):", "\n".join(read_trace(path))))
        check(lost(summary) == 0 and set(found) == set(names), f"{helper}: {dict(found)}")
        for name, count in found.items():
            check(least <= count <= 3 * least, f"{helper}: {name} {count} times")


def main():
    for case in (helper_libraries_record, everything_is_accounted_for, root_is_given_up, a_provider_is_unloaded_under_load, killed_at_any_time,
                 wanted_later_and_no_more):
        begin = time.monotonic()
        with Sandbox() as box:
            case(box)
        print(f"{case.__name__}: {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    main()
