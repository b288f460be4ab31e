#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Filters over parts of the kernel's fields and numbers with a fraction: of the same events, recorded with and without
filter, those are in the filtered trace for which an evaluator in Python says so.

    filters_test.py SILLAGE
"""

import ctypes
import os
import pathlib
import platform
import select
import signal
import socket
import subprocess
import sys
import time

import recording

sys.path.append(str(pathlib.Path(__file__).parent.parent / "filters"))
import evaluator  # noqa: E402

LIBC = ctypes.CDLL(None)
# An event, or "call NAME" and the event of one end of it; filters that some of the load's match and some do not.
FILTERS = [
    ("call poll", "syscall_entry_poll", "fds[1].raw_events == 0x4 && timeout_msecs > 0.5"),
    ("call poll", "syscall_entry_poll", "fds[0].events.POLLIN == 1 && fds[2].fd >= 0"),
    ("call poll", "syscall_entry_poll", "!(fds[2].fd < 0) || nfds == 2"),
    ("call select", "syscall_entry_select", "readfds[0] & 8 || readfds[1] != 0"),
    ("call select", "syscall_entry_select", "n * 1.5 - 2 > 10.0"),
    ("call getgroups", "syscall_exit_getgroups", "grouplist_value[1] == 7001 || grouplist_value[3] == 7003"),
    ("call setgroups", "syscall_entry_setgroups", "grouplist_value[2] / 7000.5 >= 1.0"),
    ("call utimensat", "syscall_entry_utimensat", "utimes_value[1].tv_sec == 3 || utimes_value[0].tv_nsec > 8.25"),
    ("call nanosleep", "syscall_entry_nanosleep", "rqtp_value.tv_nsec < 2e3"),
    ("call openat", "syscall_entry_openat", "flags_bits.O_CREAT == 1 && $ctx.prio > 1.5"),
    ("call epoll_wait", "syscall_exit_epoll_wait", "fds[1].data_union.fd > 4 && fds[0].events.EPOLLOUT"),
    ("call execve", "syscall_entry_execve", 'argv_value[1] == "two*"'),
    ("call execve", "syscall_entry_execve", '!(argv_value[2] == "three") || argv_value[0] == argv_value[1]'),
    ("call execve", "syscall_entry_execve", 'argv_value[0] < "p" || argv_value[3] != "x" && $ctx.prio > 1.5'),
    ("event", "sched_process_fork", "vtids[1] == 1 || !vtids[0]"),
    ("event", "sched_process_fork", "vtids[1] != 1"),
    ("event", "inet_sock_set_state", "saddr[3] == 3 && daddr[0] == 127"),
]


def load():
    """What the filters are about."""
    pipes = [os.pipe() for _ in range(2)]
    for timeout in (0, 1):
        for count in (1, 2, 3):
            for events in (select.POLLIN, select.POLLOUT):
                poll = select.poll()
                for fd in [fd for pair in pipes for fd in pair][:count]:
                    poll.register(fd, events)
                poll.poll(timeout)
    for fd in (3, 6, 20):
        # Python's has sets for 1024 descriptors.
        sets = (ctypes.c_uint64 * 16)(1 << fd)
        LIBC.syscall(23, fd + 1, sets, None, None, (ctypes.c_long * 2)())
    for groups in ([], [7000], [7000, 7001], [6000, 6001, 6002, 7003], list(range(7000, 7010))):
        os.setgroups(groups)
        os.getgroups()
    path = f"/tmp/sillage-{os.getpid()}"
    os.close(os.open(path, os.O_CREAT | os.O_RDWR))
    os.close(os.open(path, os.O_RDONLY))
    for times in ((1, 2), (1_000_000_009, 3_000_000_000), (8, 3_000_000_000)):
        os.utime(path, ns=times)
    LIBC.syscall(280, -100, path.encode(), None, 0)
    os.unlink(path)
    for ns in (100, 5000):
        LIBC.syscall(35, (ctypes.c_long * 2)(0, ns), None)
    # None is empty: of an empty text in an array babeltrace2 2.0.4 gives what another event had there.
    for arguments in ([], [b"one"], [b"z", b"two"], [b"two", b"two"], [b"a", b"twofold", b"three"], [b"q", b"-", b"three", b"x"],
                      [b"r" * 300, b"2", b"thre", b"y", b"z"]):
        LIBC.syscall(59, b"/none/such", (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None), None)
    LIBC.syscall(59, b"/none/such", 8, None)
    epoll = select.epoll()
    for _, fd in pipes:
        epoll.register(fd, select.EPOLLOUT)
        epoll.poll(0)
    subprocess.run(["unshare", "--pid", "--fork", "sh", "-c", "/bin/true; /bin/true"], check=True)
    for address in ("127.0.0.1", "127.0.0.3"):
        with socket.create_server((address, 0)) as server:
            with socket.create_connection(server.getsockname(), source_address=(address, 0)):
                pass


def flat(name, value, into):
    """Fields by the names that filters have for them."""
    if isinstance(value, dict):
        for member, each in value.items():
            flat(f"{name}.{member}" if name else member, each, into)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            flat(f"{name}[{index}]", each, into)
    else:
        into[name] = evaluator.signed(value) if isinstance(value, int) else value.encode() if isinstance(value, str) else value
    return into


class Filters(recording.KernelTest):
    def verb(self, *words, status=0):
        done = subprocess.run([self.sillage, *map(str, words)], env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def test_as_the_evaluator_says(self):
        # A rule for each event in the first channel of both, and the other filters on it in further ones.
        channels = [FILTERS[:1]]
        for rule in FILTERS[1:]:
            free = next((each for each in channels if rule[1] not in [name for _, name, _ in each]), None)
            if free is None:
                channels.append(free := [])
            free.append(rule)
        self.start_daemon()
        for session, some in (("all", channels[:1]), ("some", channels)):
            self.verb("create", session, "-o", self.folder / session)
            for number, rules in enumerate(some):
                self.verb("enable-channel", "-k", "-s", session, f"c{number}", "--subbuf-size=256k")
                self.verb("add-context", "-k", "-s", session, "-c", f"c{number}", "-t", "prio", "-t", "pid")
                for kind, name, text in rules:
                    what = ["--syscall", kind.removeprefix("call ")] if kind != "event" else [name]
                    self.verb("enable-event", "-k", "-s", session, "-c", f"c{number}", *what,
                              *(["--filter", text] if session == "some" else []))
            self.verb("start", session)
        child = os.fork()
        if child == 0:
            try:
                time.sleep(0.05)
                load()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        for session in ("some", "all"):
            self.verb("destroy", session)
        events = {session: self.events_by_channel(self.folder / session, child) for session in ("all", "some")}
        for number, rules in enumerate(channels):
            for _, name, text in rules:
                expression = evaluator.parse(text)
                every, some = events["all"].get(("c0", name), []), events["some"].get((f"c{number}", name), [])
                wanted = [event for event in every if evaluator.matches(expression, dict(
                    flat("", event.fields, {}), **{f"$ctx.{key}": value for key, value in event.context.items()}))]
                with self.subTest(text=text, fields=every[:2]):
                    self.assertEqual([event.fields for event in some], [event.fields for event in wanted])
                    self.assertGreater(len(some), 0)
                    self.assertLess(len(some), len(every))

    def events_by_channel(self, path, pid):
        found = {}
        for message in recording.bt2.TraceCollectionMessageIterator(str(path)):
            if type(message) is not recording.bt2._EventMessageConst:
                continue
            event = message.event
            context = recording.plain(event.common_context_field)
            if context["pid"] != pid and not (event.name == "sched_process_fork" and
                                              str(event.payload_field["parent_comm"]) in ("unshare", "sh")):
                continue
            channel = pathlib.Path(str(event.stream.name)).name.rpartition("_")[0]
            found.setdefault((channel, event.name), []).append(
                recording.Event(event.name, 0, 0, context, recording.plain(event.payload_field)))
        return found

    def test_what_no_event_has_is_refused(self):
        self.start_daemon()
        self.verb("create", "k", "-o", self.folder / "trace")
        self.verb("enable-event", "-k", "--syscall", "getsid")
        self.verb("start")
        # The verifier takes the last that is recorded.
        said = self.verb("enable-event", "-k", "--syscall", "execve", "--filter", 'argv_value[63] == argv_value[62] || argv_value[61] == "*x*"')
        self.assertNotIn("syscall_entry_execve:", said)
        self.assertIn("column", self.verb("enable-event", "-k", "--syscall", "execve", "--filter", 'argv_value[64] == "x"', status=106))
        for text in ("fds[0] == 1", "fds.fd == 1", "fds[0].nothing == 1", "nfds[0] == 1", "fds[200].fd == 1",
                     "nfds * 1.5 < timeout_msecs"):
            said = self.verb("enable-event", "-k", "--syscall", "poll", "--filter", text, status=106)
            self.assertIn("column", said)

    def test_texts_at_odd_places_of_a_record(self):
        """Where it begins is a multiple of 4 only: the verifier takes the copies."""
        self.start_daemon()
        output = self.folder / "trace"
        name = pathlib.Path("/proc/self/comm")
        mine = f"{os.getpid():x}_"
        self.verb("create", "k", "-o", output)
        self.verb("enable-event", "-k", "task_rename", "--filter", f'newcomm == "{mine}*" && newcomm != "*b"')
        self.verb("start")
        before = name.read_text()
        for each in ("", "a", "b", "long_one"):
            name.write_text(mine + each)
        name.write_text(before)
        self.verb("destroy")
        trace = recording.Trace(output, lambda name: name == "task_rename")
        self.assertEqual([event.fields["newcomm"] for event in trace.events], [(mine + each)[:15] for each in ("", "a", "long_one")])

    def test_sequences_that_a_record_says_the_place_of(self):
        """The verifier takes them; nothing here causes such events."""
        if not pathlib.Path(recording.TRACEFS, "events/dma/dma_map_sg").exists():
            return  # added in 6.12: on kernels before it there is nothing to be taken
        self.start_daemon()
        self.verb("create", "k", "-o", self.folder / "trace")
        self.verb("enable-event", "-k", "dma_map_sg", "--filter", "phys_addrs[0] == 1 && !(lengths[3] > 4096.5)")
        self.verb("start")
        self.verb("destroy")


if __name__ == "__main__":
    if platform.machine() != "x86_64":
        print("the load's calls have the numbers of x86")
        sys.exit(77)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    recording.main()
