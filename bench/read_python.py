#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a trace in Python, once, with the package sillage or with bt2, and prints one JSON object: events, seconds, peak_kib.

read_python.py sillage|babeltrace2 python|python-columns TRACE [--field NAME] [--limit EVENTS]

python          a loop over the events that takes each one's name, time and one field
python-columns  all fields of all events: arrays of each batch; with bt2, which has none, lists by event and field

bt2 takes minutes for millions of events: --limit ends both readers after so many, and figures are per event.
PYTHONPATH must have the package: build/release/python.
"""

import argparse
import collections
import json
import resource
import time


def sillage_events(trace, field, limit):
    import sillage  # pylint: disable=import-outside-toplevel
    count, last, names, seen = 0, 0, collections.Counter(), 0
    for event in sillage.open(trace):
        names[event.name] += 1
        last = event.time_ns
        if event.get(field) is not None:
            seen += 1
        count += 1
        if count == limit:
            break
    return count, (last, seen, names)


def bt2_messages(trace):
    import bt2  # pylint: disable=import-outside-toplevel
    event_type = bt2._EventMessageConst  # pylint: disable=protected-access
    for message in bt2.TraceCollectionMessageIterator(trace):
        if type(message) is event_type:  # pylint: disable=unidiomatic-typecheck
            yield message


def bt2_events(trace, field, limit):
    count, last, names, seen = 0, 0, collections.Counter(), 0
    for message in bt2_messages(trace):
        event = message.event
        names[event.name] += 1
        last = message.default_clock_snapshot.ns_from_origin
        try:
            event[field]  # pylint: disable=pointless-statement
            seen += 1
        except KeyError:
            pass
        count += 1
        if count == limit:
            break
    return count, (last, seen, names)


def sillage_columns(trace, _, limit):
    import sillage  # pylint: disable=import-outside-toplevel
    count = cells = 0
    for batch in sillage.open(trace).batches():
        count += len(batch)
        cells += len(batch.time_ns)
        for name in batch:
            cells += len(batch[name])
        if limit and count >= limit:
            break
    return count, cells


def bt2_columns(trace, _, limit):
    import bt2  # pylint: disable=import-outside-toplevel
    columns = collections.defaultdict(list)
    count = 0
    for message in bt2_messages(trace):
        event = message.event
        name = event.name
        columns[name, "time"].append(message.default_clock_snapshot.ns_from_origin)
        for scope in (event.packet.context_field, event.common_context_field, event.specific_context_field,
                      event.payload_field):
            if scope is None:
                continue
            for field, value in scope.items():
                if isinstance(value, bt2._IntegerFieldConst):  # pylint: disable=protected-access
                    columns[name, field].append(int(value))
                elif isinstance(value, bt2._StringFieldConst):  # pylint: disable=protected-access
                    columns[name, field].append(str(value))
        count += 1
        if count == limit:
            break
    return count, len(columns)


READERS = {("sillage", "python"): sillage_events, ("sillage", "python-columns"): sillage_columns,
           ("babeltrace2", "python"): bt2_events, ("babeltrace2", "python-columns"): bt2_columns}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("system", choices=["sillage", "babeltrace2"])
    parser.add_argument("case", choices=["python", "python-columns"])
    parser.add_argument("trace")
    parser.add_argument("--field", default="tid")
    parser.add_argument("--limit", type=int, default=0)
    options = parser.parse_args()
    begin = time.perf_counter()
    count, _ = READERS[options.system, options.case](options.trace, options.field, options.limit)
    seconds = time.perf_counter() - begin
    print(json.dumps({"events": count, "seconds": round(seconds, 4),
                      "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if __name__ == "__main__":
    main()
