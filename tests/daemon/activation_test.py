# SPDX-License-Identifier: MIT
"""The daemon that is started when somebody connects: sockets passed as systemd passes them, see sd_listen_fds(3)."""

import os
import shutil
import signal
import socket
import subprocess

from sillage_test import Sandbox, check, is_served, links, recorded, wait_until


def listening(path, kind=socket.SOCK_STREAM):
    one = socket.socket(socket.AF_UNIX, kind)
    one.bind(str(path))
    one.listen(8)
    return one


def start_with(box, sockets, pid=None, options=("--foreground",)):
    """The daemon with these sockets as its descriptors 3, 4 ...; `pid` is whom they are said to be for."""
    child = os.fork()
    if child == 0:
        # Above all that may be in the way.
        high = [os.dup2(one.fileno(), 100 + place) for place, one in enumerate(sockets)]
        for place, fd in enumerate(high):
            os.dup2(fd, 3 + place, inheritable=True)
        os.closerange(3 + len(high), 256)
        environment = dict(box.environment, LISTEN_PID=str(pid or os.getpid()), LISTEN_FDS=str(len(high)))
        os.execve(box.bin / "sillaged", ["sillaged", *options], environment)
    return child


def end(pid):
    os.kill(pid, signal.SIGTERM)
    check(os.waitpid(pid, 0)[1] == 0, "the daemon's status")


def serves_the_socket_it_is_given(box):
    path = box.runtime / "control.sock"
    given = listening(path)
    inode = path.stat().st_ino
    # It waits in the socket's queue before there is a daemon.
    early = subprocess.Popen([box.bin / "sillage", "version"], env=box.environment, stdout=subprocess.PIPE, text=True)
    pid = start_with(box, [given])
    check(f"pid {pid}" in early.communicate(timeout=60)[0], "the command that came before the daemon")
    _, summary = box.sillage("record", "-o", box.root / "trace", "--", *box.program(10))
    check(recorded(summary) == 11, summary)
    end(pid)
    check(path.exists() and path.stat().st_ino == inode, "the socket's name belongs to who made it")
    pid = start_with(box, [given])
    check(f"pid {pid}" in box.sillage("version")[0], "the next daemon on the same socket")
    end(pid)
    given.close()


def leaves_other_sockets_alone(box):
    others = [listening(box.root / "other.sock"), listening(box.root / "packets.sock", socket.SOCK_SEQPACKET)]
    pid = start_with(box, others)
    wait_until((box.runtime / "control.sock").exists, "a socket of its own")
    check(f"pid {pid}" in box.sillage("version")[0], "the daemon's own socket")
    held = links(pid).values()
    for one in others:
        check(f"socket:[{os.fstat(one.fileno()).st_ino}]" not in held, "a socket for something else is kept")
    end(pid)
    check(not (box.runtime / "control.sock").exists(), "its own socket goes with it")


def takes_no_socket_meant_for_another_process(box):
    path = box.runtime / "control.sock"
    foreign = listening(path)
    inode = path.stat().st_ino
    pid = start_with(box, [foreign], pid=1)
    wait_until(lambda: path.exists() and path.stat().st_ino != inode, "a socket of its own")
    check(f"pid {pid}" in box.sillage("version")[0], "the daemon's own socket")
    end(pid)


def works_with_systemd(box):
    activate = shutil.which("systemd-socket-activate")
    if not activate:
        print("systemd-socket-activate is missing: only sockets passed by this test were tried")
        return
    waiting = box.start([activate, "-l", box.runtime / "control.sock", "-E", "SILLAGE_RUNTIME_DIR",
                         box.bin / "sillaged", "--foreground"], stderr=subprocess.DEVNULL)
    wait_until(lambda: is_served(box.runtime / "control.sock"), "systemd-socket-activate")
    check(f"pid {waiting.pid}" in box.sillage("version")[0], "the daemon it becomes")
    waiting.terminate()
    check(waiting.wait(timeout=60) == 0, "the daemon's status")


for test in (serves_the_socket_it_is_given, leaves_other_sockets_alone, takes_no_socket_meant_for_another_process,
             works_with_systemd):
    with Sandbox() as sandbox:
        test(sandbox)
        print(f"ok {test.__name__}")
