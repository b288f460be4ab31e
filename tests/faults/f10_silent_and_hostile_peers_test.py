# SPDX-License-Identifier: MIT
"""F10: 10,000 connections that say nothing, half messages and hostile lengths: programs go on registering in time."""

import resource
import socket
import struct
import sys
import time

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, check, lost, recorded  # noqa: E402

MAGIC = 0x41534C53


def request(kind, size, magic=MAGIC):
    return struct.pack("<IHHIIQII16s", magic, 1, 0, kind, size, 0, 1, 64, b"hostile")


def connect(path):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.connect(path)  # with a timeout it would not wait while the backlog is full
    peer.settimeout(5)
    return peer


hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
count = min(10000, hard - 200)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
with Sandbox() as box:
    box.start_daemon()
    path = str(box.runtime / "app.sock")

    for size in (0, 1, 2**31, 2**32 - 1):
        for message in (request(1, size), request(99, len(request(1, 0))), request(1, size)[:7], b"x" * 65536):
            peer = connect(path)
            peer.send(message)
            answer = peer.recv(4096)
            check(struct.unpack_from("<I", answer, 8)[0] == 17, f"REFUSED expected, got {answer[:16]}")
            peer.close()

    start = time.monotonic()
    silent = [connect(path) for _ in range(count)]
    print(f"{count} silent connections in {time.monotonic() - start:.2f} s")
    # Most of them are still there when programs come.
    for i in range(3):
        start = time.monotonic()
        _, summary = box.sillage("record", "-o", box.root / f"t{i}", *box.program(100))
        took = time.monotonic() - start
        check(recorded(summary) == 101 and lost(summary) == 0, summary)
        check(took < 10, f"a program among silent peers took {took:.1f} s")
    time.sleep(1.2)
    silent[-1].settimeout(60)
    check(silent[-1].recv(1) == b"", "a silent peer is hung up on after a second")
    for peer in silent:
        peer.close()
print("ok")
