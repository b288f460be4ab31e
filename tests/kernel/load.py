#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Work for the kernel: switches, forks, files, signals, timers, the loopback. load.py SECONDS [KIND...]"""

import os
import signal
import socket
import sys
import tempfile
import time


def pipes():
    """Two processes that wake each other."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        while theirs.recv(1):
            theirs.send(b"x")
        os._exit(0)
    theirs.close()
    for _ in range(200):
        ours.send(b"x")
        ours.recv(1)
    ours.close()
    os.wait()


def forks():
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            os.execv("/bin/true", ["true"])
        os.waitpid(pid, 0)


def files():
    with tempfile.TemporaryFile() as file:
        for _ in range(4):
            file.write(os.urandom(65536))
        file.flush()
        os.fsync(file.fileno())


def signals():
    signal.signal(signal.SIGUSR1, lambda *_: None)
    for _ in range(20):
        os.kill(os.getpid(), signal.SIGUSR1)


def timers():
    for _ in range(10):
        time.sleep(0.0002)


def network():
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
        with server.accept()[0] as peer:
            for _ in range(20):
                client.sendall(b"x" * 1000)
                peer.recv(4096)


KINDS = {"pipes": pipes, "forks": forks, "files": files, "signals": signals, "timers": timers, "network": network}


def main():
    end = time.monotonic() + float(sys.argv[1])
    kinds = [KINDS[name] for name in sys.argv[2:]] or list(KINDS.values())
    while time.monotonic() < end:
        for kind in kinds:
            kind()


if __name__ == "__main__":
    main()
