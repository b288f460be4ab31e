# SPDX-License-Identifier: MIT
"""F11: a program that lies about its pid, sends another's image or asks about another's token gets nowhere."""

import array
import fcntl
import mmap
import os
import socket
import struct
import sys

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, check, links, wait_until  # noqa: E402

REGISTER, UPDATE, UNREGISTER, ATTACHMENTS, REFUSED = 1, 2, 3, 16, 17


def ask(box, kind, token=0, pid=1, descriptor=None):
    message = struct.pack("<IHHIIQII16s", 0x41534C53, 1, 0, kind, 48, token, pid, 64, b"liar")
    ancillary = []
    if descriptor is not None:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.settimeout(5)
        peer.connect(str(box.runtime / "app.sock"))
        peer.sendmsg([message], ancillary)
        answer, received, _, _ = peer.recvmsg(4096, socket.CMSG_SPACE(64 * 4))
        for _, _, data in received:
            for fd in array.array("i", data[:len(data) - len(data) % 4]):
                os.close(fd)
    kind, = struct.unpack_from("<I", answer, 8)
    return kind, struct.unpack_from("<Q", answer, 16)[0] if kind == ATTACHMENTS else None


def own_image(provider):
    """An image of one event, made as programs make them."""
    def text(value):
        return struct.pack("<H", len(value)) + value

    body = struct.pack("<BBHI", 6, 0, 0, 1) + text(provider) + text(b"event") + text(b"a.c") + text(b"")
    body += b"\0" * (-(len(body) + 4) % 8)
    catalog = struct.pack("<I", len(body) + 4) + body
    head = struct.calcsize("<QIIQIIQQQQII256s")
    header = struct.pack("<QIIQIIQQQQII256s", 0x316567616D696C73, 1, 0, head + 8 + len(catalog), 1, 64, head, head + 8,
                         len(catalog), 0, 0, 0, b"/liar")
    image = os.memfd_create("sillage-image", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(image, header + b"\0" * 8 + catalog)
    fcntl.fcntl(image, 1033, 0x1 | 0x2 | 0x4)  # F_ADD_SEALS: SEAL, SHRINK, GROW
    # As long as it is mapped; one that is not is forgotten, as after exec().
    return image, mmap.mmap(image, 0)


with Sandbox() as box:
    box.start_daemon()
    victim = box.start(box.program(1, "hold=20000"))
    wait_until(lambda: f"(pid {victim.pid})" in box.sillage("list")[0], "the victim's registration")

    mine, mapping = own_image(b"liar")
    kind, token = ask(box, REGISTER, pid=victim.pid, descriptor=mine)
    check(kind == ATTACHMENTS, "an honest image of a program that lies about its pid")
    out, _ = box.sillage("list")
    check(f"liar (pid {os.getpid()})" in out, f"the kernel's pid, not the claimed one: {out}")

    stolen = next(os.open(path, os.O_RDWR) for path, target in links(victim.pid).items() if "sillage-image" in target)
    check(ask(box, REGISTER, descriptor=stolen)[0] == REFUSED, "another program's image")

    # A child may not speak for its parent: it is another process.
    child = os.fork()
    if child == 0:
        answers = [ask(box, kind, token=token)[0] for kind in (UPDATE, UNREGISTER)]
        os._exit(0 if answers == [REFUSED, REFUSED] else 1)
    check(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "another process's token")
    check(ask(box, UPDATE, token=token)[0] == ATTACHMENTS, "its own token")
    for guess in (0, 1, token + 1, 2**64 - 1):
        check(ask(box, UPDATE, token=guess)[0] == REFUSED, f"token {guess}")

    mapping.close()
    check("liar" not in box.sillage("list")[0], "an image that its program has no longer")
    victim.kill()
    victim.wait()
    wait_until(lambda: f"(pid {victim.pid})" not in box.sillage("list")[0], "the victim's end to be noticed")
print("ok")
