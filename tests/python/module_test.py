#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Python package on traces written here: values, lifetimes, damage, errors, and that its stub says what it has."""

import ast
import datetime
import gc
import inspect
import pathlib
import shutil
import tempfile
import threading
import unittest
import warnings

import made_traces
import numpy as np
import sillage
from made_traces import CTF2_EVENTS, FIRST_ALL, LAST_ALL, ORIGIN_NS

COUNT = 3000


def mapped(directory):
    """Whether this process still has a file of the directory in memory."""
    return str(directory) in pathlib.Path("/proc/self/maps").read_text(encoding="utf-8")


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="sillage-python-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.trace = made_traces.ctf18(cls.directory / "ctf18", COUNT)
        cls.damaged = made_traces.ctf18(cls.directory / "damaged", COUNT, damaged=True)
        cls.ctf2 = made_traces.ctf2(cls.directory / "ctf2")

    def tearDown(self):
        gc.collect()
        self.assertFalse(mapped(self.directory), "something keeps a trace open")


class Events(Case):
    def test_values_of_all_types(self):
        events = list(sillage.open(self.trace, events="all"))
        self.assertEqual([event.fields() for event in events], [FIRST_ALL, LAST_ALL])
        first, last = events
        self.assertEqual((first.name, first.time_ns, first.cycles), ("all", ORIGIN_NS, 0))
        self.assertEqual((last.time_ns, last.cycles), (ORIGIN_NS + 20 * COUNT, 20 * COUNT))
        self.assertEqual({name: first[name] for name in first}, FIRST_ALL)
        self.assertEqual((dict(first), len(first), first.keys()), (FIRST_ALL, len(FIRST_ALL), list(FIRST_ALL)))
        self.assertEqual((first.label("level"), last.label("level"), first.label("rare"), first.label("tid")),
                         ("low", "high", "one", None))
        self.assertEqual(first.fields("specific-context"), {})
        self.assertEqual(list(first.fields("payload")), list(FIRST_ALL)[1:])
        self.assertIn("sillage.Event all at 1700000000000000000 ns: {'tid': -1, 'number': -2", repr(first))

    def test_ctf2_types(self):
        events = list(sillage.open(self.ctf2))
        self.assertEqual([event.fields() for event in events], CTF2_EVENTS)
        self.assertIs(events[0]["flag"], True)
        self.assertEqual([event.time_ns for event in events], [0, 0])

    def test_payload_hides_context_of_the_same_name(self):
        event = next(event for event in sillage.open(self.trace, events="tick") if event["n"] == 300)
        self.assertEqual(event["tid"], 300 % 256)
        self.assertEqual(event.fields("common-context"), {"tid": 5})
        self.assertEqual(event.fields(), {"tid": 300 % 256, "n": 300})

    def test_order_is_time_over_all_streams(self):
        reader = sillage.open(self.trace, events=["tick"])
        got = [(event.time_ns, event["n"]) for event in reader]
        self.assertEqual(got, sorted(made_traces.ticks(0, COUNT) + made_traces.ticks(10, COUNT)))
        self.assertEqual({event.stream.path for event in reader}, {str(self.trace / "a"), str(self.trace / "b")})

    def test_kept_events_keep_their_values(self):
        kept = list(sillage.open(self.trace))  # the reader is gone, other packets were read since
        self.assertTrue(mapped(self.trace))
        self.assertEqual(len(kept), 2 * COUNT + 2)
        self.assertEqual(kept[0].fields(), FIRST_ALL)
        for event in reversed(kept[2:-1]):
            self.assertEqual(event.time_ns - ORIGIN_NS, 20 * event["n"] - 10 * 19 * (event.stream.index == 1))
        self.assertEqual(kept[-1].fields(), LAST_ALL)

    def test_reader_is_gone_over_again_and_by_two_at_once(self):
        reader = sillage.open(self.trace)
        one, other = iter(reader), iter(reader)
        first = [next(one) for _ in range(100)]
        self.assertEqual([event.time_ns for event in first], [next(other).time_ns for _ in range(100)])
        self.assertEqual(len(list(reader)), 2 * COUNT + 2)
        self.assertEqual(len(list(one)), 2 * COUNT - 98)
        self.assertEqual(list(one), [])

    def test_missing_fields(self):
        event = next(iter(sillage.open(self.trace)))
        with self.assertRaises(KeyError) as caught:
            event["nothing"]
        self.assertEqual(caught.exception.args, ("nothing",))
        self.assertEqual((event.get("nothing"), event.get("nothing", 1), event.get("number", 1)), (None, 1, -2))
        self.assertTrue("number" in event and "nothing" not in event)
        self.assertRaises(KeyError, event.label, "nothing")
        self.assertRaises(ValueError, event.fields, "header")
        for wrong in (lambda: event[[]], lambda: event.get(), lambda: event.fields("payload", 1), lambda: event.fields(1),
                      sillage.Event, lambda: setattr(event, "name", "x"), lambda: event.get([])):
            self.assertRaises((TypeError, AttributeError), wrong)

    def test_what_is_left_out(self):
        def times(**options):
            return [event.time_ns - ORIGIN_NS for event in sillage.open(self.trace, **options)]
        self.assertEqual(times(begin=ORIGIN_NS + 30, end=ORIGIN_NS + 60), [30, 40, 50, 60])
        zone = datetime.timezone(datetime.timedelta(hours=1))
        begin = datetime.datetime.fromtimestamp(1_700_000_000, zone) + datetime.timedelta(microseconds=59)
        self.assertEqual(times(begin=begin, end=begin), [59000])
        self.assertEqual(times(events=["al*", "x"]), [0, 20 * COUNT])
        self.assertEqual(times(events=["nothing"]), [])
        self.assertEqual(times(events="all", clock_offset_ns=-5), [-5, 20 * COUNT - 5])
        for wrong in ({"begin": 1.5}, {"end": "now"}, {"begin": True}, {"events": 7}):
            with self.assertRaises(TypeError, msg=wrong):
                sillage.open(self.trace, **wrong)


class Arrays(Case):
    def test_columns_are_what_events_are(self):
        reader = sillage.open(self.trace)
        ticks = reader.columns("tick")
        events = list(sillage.open(self.trace, events="tick"))
        self.assertEqual(len(ticks), 2 * COUNT)
        self.assertEqual(set(ticks), {"tid", "n"})
        self.assertEqual(ticks["n"].dtype, np.uint32)
        self.assertEqual(ticks["n"].tolist(), [event["n"] for event in events])
        self.assertEqual(ticks["tid"].tolist(), [event["tid"] for event in events])
        self.assertEqual(ticks.time_ns.tolist(), [event.time_ns for event in events])
        self.assertEqual(ticks.cycles.tolist(), [event.cycles for event in events])
        self.assertEqual(ticks.streams.tolist(), [event.stream.index for event in events])
        unsorted = reader.columns("tick", ["n"], sort=False)
        self.assertEqual(unsorted["n"].tolist(), [*range(COUNT), *range(10, COUNT + 10)])
        for threads in (0, 2, 3):
            again = reader.columns(reader.event_classes[1], ["n"], threads=threads)
            self.assertTrue(np.array_equal(again["n"], ticks["n"]), threads)

    def test_columns_of_all_types(self):
        every = sillage.open(self.trace).columns("all")
        self.assertEqual(every["number"].tolist(), [-2, 300])
        self.assertEqual((every["real"].tolist(), every["real"].dtype), ([1.5, 1.5], np.float64))
        self.assertEqual(every["text"].tolist(), ["grüße", "\udcff"])
        names = every["name"].tolist()
        self.assertEqual(names, ["comm", "comm"])
        self.assertIs(names[0], names[1])
        self.assertEqual([each.tolist() for each in every["list"]], [[1, 65535], []])
        self.assertEqual(every["inner.y"].tolist(), ["seven", "seven"])
        data, offsets = every.packed("text")
        self.assertEqual((bytes(data), offsets.tolist()), ("grüße".encode() + b"\xff", [0, 7, 8]))
        data, offsets = every.packed("list")
        self.assertEqual((data.tolist(), data.dtype, offsets.tolist()), ([1, 65535], np.uint16, [0, 2, 2]))
        self.assertNotIn("words", every)
        optional = sillage.open(self.ctf2).columns("e")
        self.assertEqual((optional["flag"].tolist(), optional["flag"].dtype), ([True, False], np.bool_))
        self.assertEqual(optional["blob"].tolist(), [b"\x00\xff\x10", b"abc"])
        self.assertEqual(optional["wide"].tolist(), ["né", ""])
        self.assertEqual([each.tolist() for each in optional["reals"]], [[0.5, -1.0], []])
        absent = [name for name in optional if optional.present(name) is not None]
        self.assertEqual([(optional[name].tolist(), optional.present(name).tolist()) for name in absent],
                         [([513, 0], [True, False])])

    def test_batches_are_all_events(self):
        reader = sillage.open(self.trace)
        numbers, sizes = {}, {}
        for batch in reader.batches():
            sizes[batch.name] = sizes.get(batch.name, 0) + len(batch)
            if batch.name == "tick":
                self.assertIs(batch.event_class, reader.event_classes[1])
                self.assertEqual((batch.keys(), list(dict(batch))), (["tid", "n"], ["tid", "n"]))
                numbers.setdefault(batch.stream.index, []).extend(batch["n"].tolist())
                self.assertTrue(np.array_equal(batch.time_ns - ORIGIN_NS, batch.cycles))
            else:
                self.assertEqual(batch["text"].tolist(), [FIRST_ALL["text"] if batch["number"][0] < 0 else "\udcff"])
                self.assertEqual(bytes(batch.packed("inner.y")[0]), b"seven")
                self.assertIsNone(batch.present("number"))
        self.assertEqual(sizes, {"all": 2, "tick": 2 * COUNT})
        self.assertEqual(numbers, {0: list(range(COUNT)), 1: list(range(10, COUNT + 10))})
        self.assertEqual(reader.count(), sizes)
        self.assertEqual(reader.count(threads=2), sizes)

    def test_batches_and_arrays_outlive_everything(self):
        kept = [(batch, batch.time_ns, batch["n"]) for batch in sillage.open(self.trace, events="tick").batches()]
        self.assertGreater(len(kept), 1)
        for batch, times, numbers in kept:
            self.assertTrue(np.shares_memory(numbers, batch["n"]))  # no copy
            self.assertFalse(numbers.flags.writeable)
            self.assertTrue(np.array_equal(times - ORIGIN_NS, 20 * numbers.astype(np.int64) - 190 * batch.stream.index))
        arrays = [numbers for _, _, numbers in kept]
        del kept, batch, times, numbers
        gc.collect()
        self.assertEqual(sum(map(len, arrays)), 2 * COUNT)
        self.assertEqual(sorted(np.concatenate(arrays).tolist()), sorted([*range(COUNT), *range(10, COUNT + 10)]))
        column = sillage.open(self.trace).columns("tick", ["n"])["n"]
        gc.collect()
        self.assertEqual(int(column.sum()), sum(range(COUNT)) + sum(range(10, COUNT + 10)))

    def test_one_event_of_several_traces(self):
        reader = sillage.open([self.trace, self.ctf2, self.damaged], events=["tick", "e"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Both traces lack a UUID, so they are two.
            self.assertEqual(len(reader.columns("tick", ["n"])), 4 * COUNT)
        self.assertEqual(len(reader.traces), 3)

    def test_wrong_names(self):
        reader = sillage.open(self.trace)
        with self.assertRaisesRegex(KeyError, "no event has the name 'tock'"):
            reader.columns("tock")
        with self.assertRaisesRegex(KeyError, "no field 'm' that has a column; there are: .*n"):
            reader.columns("tick", ["m"])
        with self.assertRaisesRegex(ValueError, "another reader's"):
            reader.columns(sillage.open(self.trace).event_classes[0])
        ticks = reader.columns("tick", [])
        self.assertEqual((len(ticks), list(ticks)), (2 * COUNT, []))
        self.assertRaises(KeyError, lambda: ticks["n"])
        batch = next(reader.batches())
        self.assertRaises(KeyError, lambda: batch["m"])
        self.assertRaises(TypeError, batch.packed, "number")
        self.assertEqual(len(sillage.open(self.trace, events="nothing").columns("tick")["n"]), 0)

    def test_threads_share_a_reader(self):
        reader = sillage.open(self.trace)
        sums = []
        threads = [threading.Thread(target=lambda: sums.append(int(reader.columns("tick")["n"].sum()))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(set(sums)), 1)


class Descriptions(Case):
    def test_traces_clocks_streams_classes(self):
        reader = sillage.open(self.trace)
        (trace,) = reader.traces
        self.assertEqual((trace.path, trace.environment), (str(self.trace), {"hostname": "machine", "tracer_major": 3}))
        (clock,) = trace.clocks
        self.assertEqual((clock.name, clock.frequency_hz, clock.offset_seconds), ("c", 10**9, 1_700_000_000))
        a, b = reader.streams
        self.assertEqual((a.index, b.index, a.has_time, a.begin_ns, a.end_ns), (0, 1, True, ORIGIN_NS, ORIGIN_NS + 20 * COUNT))
        every, tick = reader.event_classes
        self.assertEqual((every.name, every.id, every.log_level, tick.name, tick.log_level), ("all", 0, 6, "tick", None))
        fields = {field.name: field for field in every.fields}
        self.assertEqual((fields["number"].type, fields["number"].bits, fields["tid"].scope), ("signed", 16, "common-context"))
        self.assertEqual(fields["level"].labels, [("low", 0, 9), ("high", 10, 255)])
        self.assertEqual([child.name for child in fields["inner"].children], ["x", "y"])
        columns = {column.path: column.type for column in every.columns}
        self.assertEqual((columns["number"], columns["text"], columns["list"]), ("int16", "text", "uint16[]"))
        children = fields["inner"].children
        del reader, trace, clock, a, b, every, tick, fields
        gc.collect()
        self.assertEqual(repr(children[0]), "<sillage.Field x: unsigned>")  # they keep what they are in

    def test_losses(self):
        reader = sillage.open(self.trace)
        self.assertEqual(reader.losses, [])
        for _ in reader:
            pass
        self.assertEqual([(loss.count, loss.is_packets, loss.stream_index) for loss in reader.losses], [(5, False, 0)])

    def test_stub_says_what_there_is(self):
        stub = ast.parse(pathlib.Path(sillage.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
        said = {node.name: {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
                for node in stub.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        self.assertEqual(set(said), set(sillage.__all__))
        ours = {"__getitem__", "__contains__", "__iter__", "__next__", "__len__"}
        for name, members in said.items():
            about = getattr(sillage, name)
            self.assertEqual(about.__module__, "sillage", name)
            self.assertTrue(about.__doc__, name)
            if inspect.isclass(about) and not issubclass(about, Exception):
                has = {each for each in vars(about) if not each.startswith("_") or each in ours}
                self.assertEqual(members, has, name)


class Errors(Case):
    def test_what_cannot_be_opened(self):
        with self.assertRaises(sillage.Error) as caught:
            sillage.open(self.directory / "nowhere")
        self.assertEqual(caught.exception.kind, "not-found")
        self.assertIn(str(self.directory / "nowhere"), str(caught.exception))
        bad = made_traces.write(self.directory / "bad", "/* CTF 1.8 */\ntrace { major = 1;\n")
        with self.assertRaises(sillage.Error) as caught:
            sillage.open([bad])
        error = caught.exception
        self.assertEqual(error.kind, "corrupt")
        self.assertIn("metadata", error.location)
        self.assertEqual(str(error), f"{error.location}: {error.message}")
        self.assertRaises(TypeError, sillage.open, 7)

    def test_damage_is_skipped_with_a_warning(self):
        reader = sillage.open(self.damaged)
        for go in (lambda: len(list(reader)), lambda: sum(len(batch) for batch in reader.batches()),
                   lambda: sum(reader.count().values()), lambda: len(reader.columns("tick")) + 2):
            with self.assertWarnsRegex(sillage.DamageWarning, "skipped .*b@.*238"):
                self.assertEqual(go(), 2 * COUNT + 2)
            self.assertEqual([damage.kind for damage in reader.damages], ["corrupt"])
            self.assertIn(str(self.damaged / "b"), reader.damages[0].location)

    def test_warnings_may_be_errors(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assertRaises(sillage.DamageWarning, list, sillage.open(self.damaged))

    def test_strict_ends_at_damage(self):
        reader = sillage.open(self.damaged, strict=True)
        for go in (lambda: list(reader), lambda: list(reader.batches()), reader.count, lambda: reader.columns("tick")):
            with self.assertRaises(sillage.Error) as caught:
                go()
            self.assertEqual(caught.exception.kind, "corrupt")
            self.assertIn(str(self.damaged / "b"), caught.exception.location)
        iterator = iter(reader)
        self.assertRaises(sillage.Error, lambda: [None for _ in iterator])
        self.assertEqual(list(iterator), [])


if __name__ == "__main__":
    unittest.main()
