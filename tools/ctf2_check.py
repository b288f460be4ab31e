#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks and decodes a CTF 2 trace directory, independently of Sillage's own code.

The metadata stream is checked fragment by fragment, then every data stream is decoded packet by packet and
compared with its index file, if there is one. It follows the decoding procedures of CTF2-SPEC-2.0rB (22 May 2026)
to the letter and not for speed (some 30,000 events a second); section numbers below are that document's.
Python 3 standard library only (package ctf2 beside this file); it shares nothing with src/ctf, so that it can be the
judge of it.

  ctf2_check.py TRACE_DIRECTORY             checks; silent if all is well
  ctf2_check.py --events TRACE_DIRECTORY    prints the events of all streams in order of time, one JSON object a line
  ctf2_check.py --count TRACE_DIRECTORY     prints the number of events
  ctf2_check.py --summary TRACE_DIRECTORY   prints one JSON object: events by name, streams, losses, environment

Exit status: 0 the trace is valid; 1 it is not (what and where is on standard error); 2 wrong usage.
"""

import argparse
import heapq
import json
import math
import os
import pathlib
import sys

from ctf2.field_classes import Number
from ctf2.metadata import Metadata
from ctf2.stream import Stream
from ctf2.values import TraceError


def plain(value):
    """A decoded value as JSON can hold it: labels beside their integer, BLOBs in hexadecimal."""
    if isinstance(value, Number):
        return {"value": int(value), "labels": value.labels()} if value.field_class.mappings else int(value)
    if isinstance(value, (bytes, bytearray)):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def check(directory, on_event):
    """Checks a whole trace; calls on_event(event) in order of time. Returns (metadata, streams)."""
    try:
        metadata = Metadata((directory / "metadata").read_bytes())
        names = sorted(entry.name for entry in directory.iterdir()
                       if entry.is_file() and entry.name != "metadata" and not entry.name.startswith("."))
        streams = [Stream(metadata, directory, name) for name in names]
    except OSError as error:
        raise TraceError(str(error)) from error
    for _, _, _, event in heapq.merge(*(stream.records() for stream in streams), key=lambda record: record[:3]):
        on_event(event)
    return metadata, streams


def main():
    parser = argparse.ArgumentParser(description="Checks and decodes a CTF 2 trace directory.")
    parser.add_argument("trace", type=pathlib.Path, help="directory that holds the file 'metadata'")
    parser.add_argument("--events", action="store_true", help="print events, one JSON object a line")
    parser.add_argument("--count", action="store_true", help="print the number of events")
    parser.add_argument("--summary", action="store_true", help="print what the trace amounts to, as JSON")
    arguments = parser.parse_args()

    by_name = {}

    def on_event(event):
        by_name[event["name"]] = by_name.get(event["name"], 0) + 1
        if arguments.events:
            print(json.dumps(plain(event), ensure_ascii=False))

    try:
        metadata, streams = check(arguments.trace, on_event)
    except TraceError as error:
        print(f"{arguments.trace}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # of `ctf2_check.py --events ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if arguments.count:
        print(sum(stream.events for stream in streams))
    if arguments.summary:
        print(json.dumps({
            "events": sum(stream.events for stream in streams),
            "discarded_events": sum(stream.discarded or 0 for stream in streams),
            "missing_packets": sum(stream.missing_packets for stream in streams),
            "by_name": dict(sorted(by_name.items(), key=lambda item: str(item[0]))),
            "streams": {stream.name: {"packets": stream.packets, "events": stream.events,
                                      "discarded_events": stream.discarded, "missing_packets": stream.missing_packets}
                        for stream in streams},
            "environment": metadata.environment,
        }, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
