# SPDX-License-Identifier: MIT
"""Reads the events of a CTF 1.8 trace with babeltrace2's library, which shares no code with Sillage."""

import dataclasses

import bt2


@dataclasses.dataclass
class Event:
    name: str
    time: int  # ns from the clock's origin
    cpu: int
    file: str  # of the data stream: CHANNEL_CPU
    common: dict
    specific: dict
    payload: dict
    bits: dict  # size of the payload's integers


def plain(field):
    if field is None:
        return {}
    if isinstance(field, bt2._StructureFieldConst):
        return {name: plain(value) for name, value in field.items()}
    if isinstance(field, bt2._ArrayFieldConst):
        return [plain(value) for value in field]
    return str(field) if isinstance(field, bt2._StringFieldConst) else int(field)


def integer_bits(field):
    if field is None:
        return {}
    return {name: value.cls.field_value_range for name, value in field.items()
            if isinstance(value, bt2._IntegerFieldConst)}


def is_length(name, names):
    """The length of a sequence is a field of its own in CTF 1.8."""
    return name.startswith("_") and name.endswith("_length") and name[1:-len("_length")] in names


def without_lengths(fields):
    return {name: value for name, value in fields.items() if not is_length(name, fields)}


def read(path):
    """The events of a trace in order of time, and (first, last, count) of the losses between them."""
    events, losses = [], []
    for message in bt2.TraceCollectionMessageIterator(str(path)):
        if type(message) is bt2._DiscardedEventsMessageConst:
            losses.append((message.beginning_default_clock_snapshot.ns_from_origin,
                           message.end_default_clock_snapshot.ns_from_origin, message.count))
        if type(message) is not bt2._EventMessageConst:
            continue
        event = message.event
        packet = event.packet
        events.append(Event(event.name, message.default_clock_snapshot.ns_from_origin,
                            int(packet.context_field["cpu_id"]), packet.stream.name or "",
                            without_lengths(plain(event.common_context_field)),
                            without_lengths(plain(event.specific_context_field)),
                            without_lengths(plain(event.payload_field)), integer_bits(event.payload_field)))
    return events, losses
