# SPDX-License-Identifier: MIT
"""Memory of channels goes back to the system when it is asked for, and by itself; what the kernel says the rings take falls by what
the command says, and no event is lost by it."""

import os
import re
import xml.etree.ElementTree

from sessions_test import MI, Tour, events, lttng
from sillage_test import Sandbox, check, wait_until

SUBBUF_BYTES, SUBBUFS = 16 << 10, 16
SIZES = (f"--subbuf-size={SUBBUF_BYTES}", f"--num-subbuf={SUBBUFS}", "--buffer-preallocation=on-demand",
         "--blocking-timeout=inf")  # whatever is missing is a fault then
MANY = 20_000


def ring_bytes(daemon):
    """What the kernel has given to the rings that the daemon holds."""
    found = {}  # by inode: there may be several descriptors of one
    folder = f"/proc/{daemon.pid}/fd"
    for name in os.listdir(folder):
        try:
            if os.readlink(f"{folder}/{name}").startswith("/memfd:sillage-ring"):
                status = os.stat(f"{folder}/{name}")
                found[status.st_ino] = status.st_blocks * 512
        except FileNotFoundError:
            pass  # a descriptor of a moment
    return sum(found.values())


def shown_bytes(box):
    """(what `status` says that the channel takes, the same by CPU)."""
    channel = xml.etree.ElementTree.fromstring(lttng(box, "--mi=xml", "status", "-c", "c")[0]).find(f".//{MI}data_stream_info_sets")
    total = int(channel.findtext(f"{MI}total_memory_usage_bytes"))
    streams = {int(each.findtext(f"{MI}cpu_id")): int(each.findtext(f"{MI}memory_usage_bytes"))
               for each in channel.iter(f"{MI}data_stream_info")}
    check(total == sum(streams.values()), (total, streams))
    return total, streams


def begin(box, name, *options, sizes=SIZES):
    path = box.root / name
    lttng(box, "create", name, "-o", path)
    lttng(box, "enable-channel", "-u", *sizes, *options, "c")
    lttng(box, "enable-event", "-u", "-c", "c", "tour:step")
    lttng(box, "start")
    return path


def when_asked_for(box, daemon):
    path = begin(box, "asked")
    with Tour(box) as tour:
        tour.emit(MANY)
        before = ring_bytes(daemon)
        check(before > 8 * SUBBUF_BYTES, f"rings that hold something: {before}")
        shown, _ = shown_bytes(box)
        # What readers and writers know of the streams is not in it.
        check(0 < before - shown < 128 << 10, (before, shown))
        check("0 B reclaimed" in lttng(box, "reclaim-memory", "-u", "--older-than=1h", "c")[0], "nothing is that old")
        check(ring_bytes(daemon) == before, "nothing was given back")
        answer = xml.etree.ElementTree.fromstring(lttng(box, "--mi=xml", "reclaim-memory", "-u", "c")[0])
        subbufs = int(answer.findtext(f".//{MI}reclaimed_subbuffers"))
        after = ring_bytes(daemon)
        check(shown - shown_bytes(box)[0] == before - after, (shown, shown_bytes(box), before, after))
        check(subbufs > 0 and after <= before - subbufs * SUBBUF_BYTES // 2, (subbufs, before, after))
        # What is in use, of each stream: the sub-buffer under way and the next.
        check(after < before / 2, (before, after))
        tour.emit(MANY)
        filled = ring_bytes(daemon)
        text, _ = lttng(box, "reclaim-memory", "--userspace", "--all")
        shown = re.fullmatch(r"Channel `c`: ([\d.]+) KiB reclaimed\n", text)
        check(shown, text)
        # Two figures behind the point.
        check(abs(filled - ring_bytes(daemon) - float(shown[1]) * 1024) < 11, (text, filled, ring_bytes(daemon)))
        tour.emit(100)
        lttng(box, "stop")
        lttng(box, "reclaim-memory", "-u", "-a")
        lttng(box, "destroy")
    values = events(path, "step")
    check(values == list(range(2 * MANY + 100)), f"{len(values)} events, each once, in order")


def is_shown_where_it_was_taken_at_once(box, daemon):
    begin(box, "once", sizes=SIZES[:2])
    check(shown_bytes(box) == (0, {}), "no buffers before there is a program with its events")
    with Tour(box) as tour:
        tour.emit(1)
        shown, streams = shown_bytes(box)
        check(len(streams) == os.sysconf("SC_NPROCESSORS_CONF"), streams)
        release = tuple(map(int, os.uname().release.split(".")[:2]))
        if release >= (6, 5):  # that tells what was taken, also where nobody wrote yet
            online = os.sysconf("SC_NPROCESSORS_ONLN")
            check(shown >= online * SUBBUF_BYTES * SUBBUFS, (shown, online))
            check(0 < ring_bytes(daemon) - shown < 128 << 10, (ring_bytes(daemon), shown))
        text, _ = lttng(box, "list", "once", "--mem-usage=full")
        for line in (f"For UID {os.getuid()} (64-bit): ", "CPU 0: ", "Memory usage:     "):
            check(line in text, text)
        lttng(box, "destroy")


def by_itself(box, daemon):
    for number, (policy, shown) in enumerate((("consumed", "when consumed"), ("older-than:300000", "older than 300000 us"))):
        path = begin(box, f"itself{number}", f"--auto-reclaim-memory={policy}")
        check(shown in lttng(box, "list", f"itself{number}")[0], "the policy is shown")
        with Tour(box) as tour:
            tour.emit(MANY)
            wait_until(lambda: ring_bytes(daemon) < 6 * SUBBUF_BYTES, "memory that goes back")
            tour.emit(MANY)
            lttng(box, "destroy")
        check(events(path, "step") == list(range(2 * MANY)), "each event once, in order")


def is_refused_where_it_cannot_be(box, daemon):
    lttng(box, "create", "r", "-o", box.root / "r")
    for message, *arguments in (("leave out", "enable-channel", "-u", "x", "--overwrite", "--auto-reclaim-memory=consumed"),
                                ("of the user domain", "enable-channel", "-k", "x", "--auto-reclaim-memory=consumed"),
                                ("Wrong value", "enable-channel", "-u", "x", "--auto-reclaim-memory=older-than:0"),
                                ("Wrong value", "enable-channel", "-u", "x", "--auto-reclaim-memory=sometimes"),
                                ("kernel channels cannot", "reclaim-memory", "-k", "-a"),
                                ("One domain", "reclaim-memory", "-a"),
                                ("does not exist in session", "reclaim-memory", "-u", "nosuch"),
                                ("with --all", "reclaim-memory", "-u", "-a", "x"),
                                ("name channels", "reclaim-memory", "-u")):
        _, error = lttng(box, *arguments, status=1)
        check(message in error, f"{arguments}: {error}")
    check("No channels" in lttng(box, "reclaim-memory", "-u", "-a")[0], "a session without channels")
    lttng(box, "enable-channel", "-u", "--overwrite", "o")
    check("0 B" in lttng(box, "reclaim-memory", "-u", "o")[0], "never started")
    check(ring_bytes(daemon) == 0, "no rings")
    lttng(box, "destroy")


def main():
    for case in (when_asked_for, is_shown_where_it_was_taken_at_once, by_itself, is_refused_where_it_cannot_be):
        with Sandbox() as box:
            os.makedirs(box.root / "home", exist_ok=True)
            box.environment["LTTNG_HOME"] = str(box.root / "home")
            box.environment["SILLAGE_ALLOW_BLOCKING"] = "1"
            case(box, box.start_daemon())
            print(f"{case.__name__}: as it should be", flush=True)


if __name__ == "__main__":
    main()
