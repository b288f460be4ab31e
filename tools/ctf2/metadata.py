# SPDX-License-Identifier: MIT
"""The fragments of a metadata stream (sections 5.4 to 5.9)."""

import json

from ctf2.field_classes import (Array, BitArray, BitMap, Blob, Boolean, Choice, Float, Integer, String, Structure,
                                VariableInteger, leaves, roles_of)
from ctf2.values import Place, TraceError, check_integer, check_list, check_object, check_string, is_integer


def no_duplicates(pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"property '{key}' occurs twice")
        found[key] = value
    return found


def no_constant(name):
    raise ValueError(f"{name} is no JSON number")


class Metadata:
    """The metadata stream, checked and ready to decode with."""

    def __init__(self, data):
        self.uuid = None
        self.environment, self.packet_header = {}, None
        self.has_trace_class = False
        self.headers = []
        self.aliases, self.clocks, self.streams = {}, {}, {}
        if data.startswith(b"/* CTF 1"):
            raise TraceError("metadata: this is CTF 1.8, which babeltrace2 reads; expected CTF 2")
        if not data.startswith(b"\x1e"):
            raise TraceError("metadata: no RS (0x1e) at the start: not a JSON text sequence")
        for number, text in enumerate(data[1:].split(b"\x1e")):
            self.fragment(text, Place(number))
        if not self.streams:
            raise TraceError("metadata: no data stream class fragment")
        for place, header in self.headers:
            if any(not roles_of(leaf) and not leaf.is_selector for leaf in leaves(header)):
                place.fail("a field of a header has neither a role nor selects another field")

    def fragment(self, text, place):
        if not text.endswith(b"\n"):
            place.fail("the fragment does not end in a line feed: it is cut short")
        try:
            value = json.loads(text.decode("utf-8"), object_pairs_hook=no_duplicates, parse_constant=no_constant)
        except ValueError as error:
            place.fail(f"not a JSON text in UTF-8: {error}")
        if not isinstance(value, dict) or "type" not in value:
            place.fail("a fragment is an object with a type")
        readers = {"preamble": self.preamble, "field-class-alias": self.alias, "trace-class": self.trace_class,
                   "clock-class": self.clock_class, "data-stream-class": self.stream_class,
                   "event-record-class": self.event_class}
        kind = check_string(value["type"], place / "type", readers)
        if (place.fragment == 0) != (kind == "preamble"):
            place.fail("the first fragment, and no other, is the preamble")
        readers[kind](value, place)

    def preamble(self, value, place):
        check_object(value, place, ("type", "version"), ("uuid",))
        if check_integer(value["version"], place / "version") != 2:
            (place / "version").fail("expected 2")
        if "uuid" in value:
            numbers = check_list(value["uuid"], place / "uuid")
            if len(numbers) != 16 or not all(is_integer(n) and 0 <= n <= 255 for n in numbers):
                (place / "uuid").fail("a UUID is 16 integers from 0 to 255")
            self.uuid = bytes(numbers)

    def alias(self, value, place):
        check_object(value, place, ("type", "name", "field-class"), ())
        name = check_string(value["name"], place / "name")
        if name in self.aliases:
            (place / "name").fail("a second alias with this name")
        # Kept as JSON and read where it is used: locations in it depend on what is around.
        self.aliases[name] = self.resolved(value["field-class"], place / "field-class")

    def resolved(self, value, place):
        if isinstance(value, str):
            if value not in self.aliases:
                place.fail(f"no alias '{value}' before this")
            return self.aliases[value]
        return value

    def identity(self, value, place):
        for key in ("namespace", "name", "uid"):
            if key in value:
                check_string(value[key], place / key)

    def trace_class(self, value, place):
        check_object(value, place, ("type",),
                     ("namespace", "name", "uid", "environment", "packet-header-field-class"))
        if self.has_trace_class or self.streams:
            place.fail("one trace class at most, before the data stream classes")
        self.has_trace_class = True
        self.identity(value, place)
        self.environment = value.get("environment", {})
        if not isinstance(self.environment, dict):
            (place / "environment").fail("expected an object")
        for name, entry in self.environment.items():
            if not is_integer(entry) and not isinstance(entry, str):
                (place / "environment" / name).fail("expected an integer or a string")
        self.packet_header = self.scope(value, "packet-header-field-class", place, "packet-header", {})
        self.headers.append((place / "packet-header-field-class", self.packet_header))
        if self.packet_header:
            for i, member in enumerate(self.packet_header.members.values()):
                roles = roles_of(member)
                if "packet-magic-number" in roles and i != 0:
                    place.fail("the packet magic number is not the first member of the packet header")
                if "metadata-stream-uuid" in roles and self.uuid is None:
                    place.fail("packets have a metadata stream UUID, the preamble has none")

    def clock_class(self, value, place):
        check_object(value, place, ("type", "id", "frequency"),
                     ("namespace", "name", "uid", "origin", "offset-from-origin", "precision", "accuracy",
                      "description"))
        self.identity(value, place)
        name = check_string(value["id"], place / "id")
        if name in self.clocks:
            (place / "id").fail("a second clock class with this id")
        frequency = check_integer(value["frequency"], place / "frequency", 1)
        for key in ("precision", "accuracy"):
            check_integer(value.get(key, 0), place / key, 0)
        check_string(value.get("description", ""), place / "description")
        origin = value.get("origin", "unix-epoch")
        if isinstance(origin, dict):
            check_object(origin, place / "origin", ("name", "uid"), ("namespace",))
            self.identity(origin, place / "origin")
        else:
            check_string(origin, place / "origin", ("unix-epoch",))
        offset = check_object(value.get("offset-from-origin", {}), place / "offset-from-origin", (),
                              ("seconds", "cycles"))
        seconds = check_integer(offset.get("seconds", 0), place / "offset-from-origin" / "seconds")
        cycles = check_integer(offset.get("cycles", 0), place / "offset-from-origin" / "cycles", 0)
        if cycles >= frequency:
            (place / "offset-from-origin" / "cycles").fail("not below the frequency")
        self.clocks[name] = (frequency, seconds * frequency + cycles)

    def stream_class(self, value, place):
        check_object(value, place, ("type",),
                     ("id", "namespace", "name", "uid", "default-clock-class-id", "packet-context-field-class",
                      "event-record-header-field-class", "event-record-common-context-field-class"))
        self.identity(value, place)
        number = check_integer(value.get("id", 0), place / "id", 0)
        if number in self.streams:
            (place / "id").fail("a second data stream class with this id")
        clock = None
        if "default-clock-class-id" in value:
            name = check_string(value["default-clock-class-id"], place / "default-clock-class-id")
            if name not in self.clocks:
                (place / "default-clock-class-id").fail(f"no clock class '{name}' before this")
            clock = self.clocks[name]
        scopes = {"packet-header": self.packet_header} if self.packet_header else {}
        stream = {"clock": clock, "events": {}, "scopes": scopes}
        for key, scope in (("packet-context-field-class", "packet-context"),
                           ("event-record-header-field-class", "event-record-header"),
                           ("event-record-common-context-field-class", "event-record-common-context")):
            stream[scope] = self.scope(value, key, place, scope, scopes)
            if clock is None and any("timestamp" in role for leaf in leaves(stream[scope]) for role in roles_of(leaf)):
                (place / key).fail("timestamps need a default clock")
            if scope == "event-record-header":
                self.headers.append((place / key, stream[scope]))
        self.streams[number] = stream

    def event_class(self, value, place):
        check_object(value, place, ("type",),
                     ("id", "data-stream-class-id", "namespace", "name", "uid", "specific-context-field-class",
                      "payload-field-class"))
        self.identity(value, place)
        number = check_integer(value.get("id", 0), place / "id", 0)
        parent = check_integer(value.get("data-stream-class-id", 0), place / "data-stream-class-id", 0)
        if parent not in self.streams:
            (place / "data-stream-class-id").fail(f"no data stream class {parent} before this")
        stream = self.streams[parent]
        if number in stream["events"]:
            (place / "id").fail("a second event record class with this id in its data stream class")
        scopes = dict(stream["scopes"])
        event = {"name": value.get("name"), "attributes": value.get("attributes", {})}
        for key, scope in (("specific-context-field-class", "event-record-specific-context"),
                           ("payload-field-class", "event-record-payload")):
            event[scope] = self.scope(value, key, place, scope, scopes)
        stream["events"][number] = event

    def scope(self, value, key, place, scope, scopes):
        """Reads the root structure of a scope and adds it to `scopes`."""
        if key not in value:
            return None
        made = self.field_class(value[key], place / key, scope, scopes, [],
                                lambda root: scopes.__setitem__(scope, root))
        if not isinstance(made, Structure):
            (place / key).fail("expected a structure field class")
        return made

    def field_class(self, value, place, scope, scopes, structures, attach):
        value = self.resolved(value, place)
        if not isinstance(value, dict) or "type" not in value:
            place.fail("a field class is an object with a type, or the name of an alias")
        kind = value["type"]
        compound = {"structure": Structure, "static-length-array": Array, "dynamic-length-array": Array,
                    "optional": Choice, "variant": Choice}
        simple = {
            "fixed-length-bit-array": lambda: BitArray(value, place),
            "fixed-length-bit-map": lambda: BitMap(value, place),
            "fixed-length-boolean": lambda: Boolean(value, place),
            "fixed-length-unsigned-integer": lambda: Integer(value, place, scope),
            "fixed-length-signed-integer": lambda: Integer(value, place, scope),
            "fixed-length-floating-point-number": lambda: Float(value, place),
            "variable-length-unsigned-integer": lambda: VariableInteger(value, place, scope),
            "variable-length-signed-integer": lambda: VariableInteger(value, place, scope),
            "null-terminated-string": lambda: String(value, place, scopes, structures),
            "static-length-string": lambda: String(value, place, scopes, structures),
            "dynamic-length-string": lambda: String(value, place, scopes, structures),
            "static-length-blob": lambda: Blob(value, place, scope, scopes, structures),
            "dynamic-length-blob": lambda: Blob(value, place, scope, scopes, structures),
        }
        check_string(kind, place / "type", [*compound, *simple])
        if kind in compound:
            made = compound[kind]()
            attach(made)
            made.fill(value, place, scope, self, scopes, structures)
        else:
            made = simple[kind]()
            attach(made)
        return made
