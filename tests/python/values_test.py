#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events as the Python package reads them against bt2, babeltrace2's own module: a trace of LTTng's kernel tracer, and one
recorded here.

values_test.py BIN_DIRECTORY [--events COUNT]: of the build, with sillage, sillaged and values_program. The kernel's trace is
kernel-lttng-small in the folder SILLAGE_TRACES, or in ../shared/traces beside the checkout; without it that part is skipped.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "daemon"))
os.environ.pop("LD_PRELOAD", None)  # a sanitizer's, for this process alone

import bt2  # pylint: disable=wrong-import-position
import numpy as np  # pylint: disable=wrong-import-position
import sillage  # pylint: disable=wrong-import-position
from sillage_test import Sandbox  # pylint: disable=wrong-import-position

TRACES = pathlib.Path(os.environ.get("SILLAGE_TRACES", HERE.parent.parent.parent / "shared" / "traces"))
OPTIONS = None
# Fields of the packet context that say where it ends and when; sillage has the others.
PACKET_ROLES = {"timestamp_begin", "timestamp_end", "content_size", "packet_size", "packet_seq_num", "events_discarded"}


def plain(field):
    """The Python value of a bt2 field."""
    if isinstance(field, bt2._StructureFieldConst):
        return {name: plain(value) for name, value in field.items()}
    if isinstance(field, bt2._VariantFieldConst):
        return plain(field.selected_option)
    if isinstance(field, bt2._ArrayFieldConst):
        return [plain(value) for value in field]
    if isinstance(field, bt2._StringFieldConst):
        return str(field)
    return float(field) if isinstance(field, bt2._RealFieldConst) else int(field)


def members(field):
    return {} if field is None else {name: plain(value) for name, value in field.items()}


def without_stale_text(theirs, ours):
    """bt2 2.0.4 gives an empty string the value that the field had before: such fields are taken from `ours`."""
    return {name: "" if ours.get(name) == "" and isinstance(value, str) else value for name, value in theirs.items()}


class Values(unittest.TestCase):
    maxDiff = 2000

    def compare(self, trace, most=None):
        """All events, up to so many; returns how many there were, by name."""
        names = {}
        theirs = (message for message in bt2.TraceCollectionMessageIterator(str(trace))
                  if type(message) is bt2._EventMessageConst)
        ours = iter(sillage.open(trace))
        for message in theirs:
            event, read = message.event, next(ours)
            self.assertEqual((read.name, read.time_ns, read.cycles),
                             (event.name, message.default_clock_snapshot.ns_from_origin, message.default_clock_snapshot.value))
            packet = {name: value for name, value in members(event.packet.context_field).items() if name not in PACKET_ROLES}
            got = {scope: read.fields(scope) for scope in ("packet-context", "common-context", "specific-context", "payload")}
            wanted = {"packet-context": packet, "common-context": members(event.common_context_field),
                      "specific-context": members(event.specific_context_field), "payload": members(event.payload_field)}
            if got != wanted:
                self.assertEqual(got, {scope: without_stale_text(wanted[scope], got[scope]) for scope in got}, read)
            names[read.name] = names.get(read.name, 0) + 1
            most = None if most is None else most - 1
            if most == 0:
                return names
        self.assertEqual(list(ours), [])
        return names

    def compare_columns(self, trace):
        """What events say, columns and batches say, too: sums, as bt2 says the rest."""
        reader = sillage.open(trace)
        by_event, by_batch = {}, {}
        for event in reader:
            seen = by_event.setdefault(event.name, [])
            seen.append((event.time_ns, event.stream.index, event.get("tid", event.get("vtid")), event.get("procname")))
        for batch in reader.batches():
            tids = batch["tid" if "tid" in batch else "vtid"].tolist()
            stream = [batch.stream.index] * len(batch)
            by_batch.setdefault(batch.name, []).extend(
                zip(batch.time_ns.tolist(), stream, tids, batch["procname"].tolist()))
        self.assertEqual({name: sorted(rows) for name, rows in by_batch.items()},
                         {name: sorted(rows) for name, rows in by_event.items()})
        for name, rows in by_event.items():
            columns = reader.columns(name, threads=2)
            tids = columns["tid" if "tid" in columns else "vtid"].tolist()
            self.assertTrue((np.diff(columns.time_ns) >= 0).all())
            self.assertEqual(
                sorted(zip(columns.time_ns.tolist(), columns.streams.tolist(), tids, columns["procname"].tolist())),
                sorted(rows))

    def test_kernel_trace(self):
        trace = TRACES / "kernel-lttng-small"
        if not trace.is_dir():
            self.skipTest(f"no {trace}")
        names = self.compare(trace, OPTIONS.events)
        self.assertGreater(len(names), 50)
        self.compare_columns(trace)

    def test_recorded_trace(self):
        with Sandbox() as sandbox:
            contexts = [f"--context={name}" for name in ("vpid", "vtid", "procname")]
            trace = sandbox.root / "trace"
            done = subprocess.run([sandbox.bin / "sillage", "record", "-o", trace, *contexts, "--",
                                   sandbox.bin / "values_program"], env=sandbox.environment, capture_output=True, text=True,
                                  timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            names = self.compare(trace)
            self.assertIn("cpp:values", names)
            self.compare_columns(trace)
            (state,) = [event.label("state") for event in sillage.open(trace, events="c:scalars")]
            self.assertEqual(state, "busy")
            self.assertEqual(sillage.open(trace).traces[0].environment["tracer_name"], "sillage")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("--events", type=int)
    OPTIONS = parser.parse_args()
    unittest.main(argv=[sys.argv[0]])
