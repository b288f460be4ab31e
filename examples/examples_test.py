# SPDX-License-Identifier: MIT
"""The examples do what their README says: what a client sent is what the trace has, event for event."""

import pathlib
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, sys.argv[2])
sys.path.insert(0, str(pathlib.Path(__file__).parent / "kv"))
import kv_trace  # noqa: E402
from sillage_test import Sandbox, check, lost, read_trace, recorded, wait_until  # noqa: E402


def hello(box):
    for name in ("hello_c", "hello_cpp"):
        box.sillage("record", "-o", box.root / name, box.bin / name, "one", "two words")
        lines = read_trace(box.root / name)
        check(len(lines) == 3 and all("hello:argument" in line for line in lines), lines)
        check(re.search(r'index = 2, text = "two words" }$', lines[2]), lines[2])


def every_request_is_in_the_trace(box):
    output, summary = box.sillage("record", "-o", box.root / "kv", "--context", "vtid", "--context", "procname",
                                  "--blocking-timeout", "inf", box.bin / "kv", "--load", "1", "--workers", "3",
                                  "--clients", "5", "--rate", "500", "--entries", "1000", "--lifetime", "300")
    check(lost(summary) == 0, summary)
    sent = {op: int(count) for count, op in re.findall(r"(\d+) (get|set|delete|scan|hits|misses|requests)", output)}
    check(sent["requests"] > 500 and sent["requests"] == sum(sent[op] for op in ("get", "set", "delete", "scan")), sent)

    trace = kv_trace.KvTrace(box.root / "kv")
    check(trace.without_end == 0 and trace.counts["request_begin"] == sent["requests"], trace.counts)
    for op in ("get", "set", "delete", "scan"):
        check(len(trace.durations_us(op)) == sent[op], f"{op}: {sent[op]} sent, {len(trace.durations_us(op))} recorded")
    gets = [request.status for request in trace.requests if request.op == "get"]
    check(gets.count("kDone") == sent["hits"] and gets.count("kMiss") == sent["misses"], sent)
    check(trace.counts["store"] == sent["set"], "each set stores")
    check(trace.counts["hash"] == sent["requests"] - sent["scan"], "each but a scan looks for one key")
    check(trace.counts["connect"] == 5 and trace.counts["evict"] > 0 and trace.counts["cache_filled"] > 3, trace.counts)
    check(trace.counts["lock_wait_begin"] == trace.counts["lock_wait_end"] == len(trace.waits), trace.counts)
    check({request.thread for request in trace.requests} <= {"worker-1", "worker-2", "worker-3"}, "threads have names")
    # And the whole of it, as the command counted it: those, and one message.
    check(recorded(summary) == sum(trace.counts.values()) + 1, summary)
    check("scan" in kv_trace.report(trace), kv_trace.report(trace))
    plot = pathlib.Path(__file__).parent.parent / "tools" / "plot_trace.py"
    subprocess.run([sys.executable, str(plot), str(box.root / "kv"), str(box.root / "kv.svg")], check=True)
    words = "".join(xml.etree.ElementTree.parse(box.root / "kv.svg").getroot().itertext())
    check(f"{sent['requests']:,} requests" in words and "worker-3" in words, words)


def levels_leave_events_out(box):
    box.sillage("record", "-o", box.root / "info", "--level", "INFO", "-e", "kv:*", "--context", "vtid", "--context",
                "procname", box.bin / "kv", "--load", "0.3")
    counts = kv_trace.KvTrace(box.root / "info").counts
    check(counts["request_end"] > 0 and not {"hash", "store", "lock_wait_begin"} & set(counts), counts)


def serves_until_it_is_told_to_end(box):
    path = box.root / "kv.sock"
    server = box.start([box.bin / "kv", "--socket", path])
    wait_until(path.exists, "the socket")
    server.send_signal(signal.SIGTERM)
    check(server.wait(10) == 0 and not path.exists(), "ended, and removed its socket")
    check(subprocess.run([str(box.bin / "kv")], capture_output=True).returncode == 2, "usage")


def steered_by_a_program(box):
    kv = box.start([box.bin / "kv", "--load", "20"], stdout=subprocess.DEVNULL)
    for event, want in (("kv:request_end", 0), ("kv:request_ends", 1)):
        done = subprocess.run([box.bin / "steer", event, "bytes > 100"], cwd=box.root, env=box.environment, capture_output=True,
                              text=True, timeout=60)
        check(done.returncode == want, f"{event}: {done.stdout}{done.stderr}")
        if want != 0:
            check("no program has kv:request_ends" in done.stdout, done.stdout)
            continue
        lines = read_trace(box.root / "steered")
        check(f"{len(lines)} events in {box.root}/steered, 0 lost" in done.stdout and lines, done.stdout)
        check(all('kv:request_end: ' in line and 'procname = "' in line for line in lines), lines[0])
        check(min(int(re.search(r"\bbytes = (\d+)", line)[1]) for line in lines) > 100, lines[0])
        (box.root / "steered").rename(box.root / "first")
    kv.terminate()
    check("usage" in subprocess.run([box.bin / "steer"], capture_output=True, text=True).stderr, "usage")


with Sandbox() as box:
    steered_by_a_program(box)
    hello(box)
    every_request_is_in_the_trace(box)
    levels_leave_events_out(box)
    serves_until_it_is_told_to_end(box)
print("ok")
