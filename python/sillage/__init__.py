# SPDX-License-Identifier: MIT
"""Reads traces: CTF 1.8 and CTF 2, of LTTng, Sillage and any other tracer.

    import sillage

    reader = sillage.open("my-trace", events="sched_*")
    for event in reader:                                  # in order of time
        print(event.time_ns, event.name, event.get("prev_tid"))

    switches = reader.columns("sched_switch", ["prev_tid", "next_tid"])   # NumPy arrays
    print(switches.time_ns, switches["next_tid"])
"""

import datetime
import os

from ._core import (Batch, BatchIterator, Clock, Column, Columns, DamageWarning, Error, Event, EventClass, EventIterator,
                    Field, Loss, Reader, Stream, Trace)
from . import _core

__all__ = ["Batch", "BatchIterator", "Clock", "Column", "Columns", "DamageWarning", "Error", "Event", "EventClass",
           "EventIterator", "Field", "Loss", "Reader", "Stream", "Trace", "open"]

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def open(paths, *, events=(), begin=None, end=None, clock_offset_ns=0, stream_intersection=False, strict=False):
    """Finds the traces at or below each path.

    paths:   one path, or several
    events:  only those whose name is like one of these patterns, as in a shell: "sched_*"; one, or several
    begin, end: only events of this time, both bounds included: a datetime (without a time zone: local time), or an int,
             nanoseconds from the clock's origin, usually the Unix epoch
    clock_offset_ns: added to all times
    stream_intersection: only the time in which all streams of a trace were recorded
    strict:  raise Error at the first damage instead of skipping it with a DamageWarning

    Raises Error if a path has no trace or its metadata cannot be read.
    """
    if isinstance(paths, (str, bytes, os.PathLike)):
        paths = [paths]
    if isinstance(events, str):
        events = [events]
    return _core.open([os.fsencode(path) for path in paths], list(events), _nanoseconds(begin, "begin"),
                      _nanoseconds(end, "end"), clock_offset_ns, stream_intersection, strict)


def _nanoseconds(time, name):
    if time is None or (isinstance(time, int) and not isinstance(time, bool)):
        return time
    if isinstance(time, datetime.datetime):
        return (time.astimezone(datetime.timezone.utc) - _EPOCH) // datetime.timedelta(microseconds=1) * 1000
    raise TypeError(f"{name} is a datetime or an int of nanoseconds, not {type(time).__name__}")
