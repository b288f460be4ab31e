#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a trace of the kv server through babeltrace2: what each request was, when, in which thread, how it ended.

  kv_trace.py TRACE_DIRECTORY     prints, for each operation, how many requests there were and how long they took

The trace must have the contexts vtid and procname. Python 3 standard library and the babeltrace2 command only.
"""

import collections
import re
import subprocess
import sys

LINE = re.compile(r"\[(\d+)\.(\d{9})\] \S+ (\w+):(\w+): \{ cpu_id = (\d+) \}, "
                  r"\{ vtid = (\d+), procname = \"([^\"]*)\" \}(?:, \{ (.*) \})?$")
FIELD = re.compile(r"(\w+) = (?:\( \"([^\"]*)\"|\"([^\"]*)\"|([^\s,{\[]+))")

Event = collections.namedtuple("Event", "time_ns name cpu thread fields")
Request = collections.namedtuple("Request", "op begin_ns end_ns thread status key")
Wait = collections.namedtuple("Wait", "begin_ns end_ns thread shard")


class TraceError(Exception):
    pass


def events(trace):
    """The events of provider kv in order of time; labels of enumerations instead of their numbers."""
    command = ["babeltrace2", "--clock-seconds", "--no-delta", str(trace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        for line in reader.stdout:
            match = LINE.match(line)
            if not match:
                reader.kill()
                raise TraceError(f"not an event with the contexts vtid and procname: {line.rstrip()}")
            seconds, nanoseconds, provider, name, cpu, _, thread, payload = match.groups()
            if provider != "kv":
                continue
            fields = {key: label or text or number for key, label, text, number in FIELD.findall(payload or "")}
            yield Event(int(seconds) * 10**9 + int(nanoseconds), name, int(cpu), thread, fields)
    if reader.returncode != 0:
        raise TraceError(f"babeltrace2 ended with status {reader.returncode}")


class KvTrace:
    """Requests and lock waits, in order of their ends, and how many events of each name there were."""

    def __init__(self, trace):
        self.requests, self.waits, self.counts = [], [], collections.Counter()
        begun, waiting = {}, {}
        for event in events(trace):
            self.counts[event.name] += 1
            if event.name == "request_begin":
                begun[event.fields["id"]] = event
            elif event.name == "request_end" and event.fields["id"] in begun:
                begin = begun.pop(event.fields["id"])
                self.requests.append(Request(begin.fields["op"], begin.time_ns, event.time_ns, event.thread,
                                             event.fields["status"], begin.fields["key"]))
            elif event.name == "lock_wait_begin":
                waiting[event.thread] = event
            elif event.name == "lock_wait_end" and event.thread in waiting:
                begin = waiting.pop(event.thread)
                self.waits.append(Wait(begin.time_ns, event.time_ns, event.thread, event.fields["shard"]))
        self.without_end = len(begun)

    def durations_us(self, op):
        """Sorted, in microseconds."""
        return sorted((r.end_ns - r.begin_ns) / 1000 for r in self.requests if r.op == op)

    def ops(self):
        """Most frequent first."""
        return [op for op, _ in collections.Counter(r.op for r in self.requests).most_common()]


def percentile(ordered, percent):
    """The least value that so many percent of the values do not exceed."""
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]


def report(trace):
    lines = ["  operation  requests     p50 us     p99 us     max us"]
    for op in trace.ops():
        times = trace.durations_us(op)
        lines.append(f"  {op:<9}  {len(times):>8,}  {percentile(times, 50):>9.1f}  {percentile(times, 99):>9.1f}  "
                     f"{times[-1]:>9.1f}")
    lines.append(f"  all        {len(trace.requests):>8,}")
    gets = [r for r in trace.requests if r.op == "get"]
    if gets:
        hits = sum(r.status == "kDone" for r in gets)
        lines.append(f"  {100 * hits / len(gets):.0f} % of gets found their key; {trace.counts['evict']:,} keys evicted")
    if trace.waits:
        longest = max(trace.waits, key=lambda wait: wait.end_ns - wait.begin_ns)
        lines.append(f"  {len(trace.waits):,} waits for a lock, the longest "
                     f"{(longest.end_ns - longest.begin_ns) / 1000:.0f} us, {longest.thread} for shard {longest.shard}")
    return "\n".join(lines)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        print(report(KvTrace(sys.argv[1])))
    except (TraceError, FileNotFoundError) as error:
        sys.exit(f"kv_trace.py: {error}")


if __name__ == "__main__":
    main()
