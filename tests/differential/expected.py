# SPDX-License-Identifier: MIT
"""What `sillage read` prints of a trace, by the slow decoder: as JSON (sillage-read(1)), and as Babeltrace's text."""

import math
import re
import struct

from slow_decoder import in_ranges

SCOPES = {"packet-context": "packet_context", "event-record-common-context": "common_context",
          "event-record-specific-context": "specific_context", "event-record-payload": "payload"}
ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"', "?": "\\?", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n",
           "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def nanoseconds(cycles, frequency):
    """As Babeltrace converts: in doubles, where a cycle is no nanosecond."""
    return cycles if frequency == 1_000_000_000 else int(1e9 * float(cycles) / float(frequency))


def time_ns(clock, cycles):
    offset = clock.get("offset-from-origin", {})
    base = offset.get("seconds", 0) * 1_000_000_000 + nanoseconds(offset.get("cycles", 0), clock["frequency"])
    return base + nanoseconds(cycles, clock["frequency"])


def inner(fc, value):
    """The class and value of what an optional or a variant field holds."""
    return fc["field-class"] if fc["type"] == "optional" else fc["options"][value.option]["field-class"], value.value


def is_hidden(member):
    return bool(member["field-class"].get("roles"))


def labels(fc, value):
    if "flags" in fc:
        return [name for name, ranges in fc["flags"].items()
                if any(value >> bit & 1 for lower, upper in ranges for bit in range(lower, upper + 1))]
    return [name for name, ranges in fc["mappings"].items() if in_ranges(value, ranges)]


def as_json(fc, value):
    kind = fc["type"]
    if kind == "structure":
        return {member["name"]: as_json(member["field-class"], value[member["name"]])
                for member in fc["member-classes"] if not is_hidden(member)}
    if "element-field-class" in fc:
        return [as_json(fc["element-field-class"], element) for element in value]
    if kind in ("optional", "variant"):
        if value.option is None:
            return None
        plain = as_json(*inner(fc, value))
        return plain if kind == "optional" else {fc["options"][value.option].get("name", ""): plain}
    if kind.endswith("blob"):
        return value.hex()
    if fc.get("mappings") or "flags" in fc:
        return {"value": int(value), "labels": labels(fc, value)}
    if kind == "fixed-length-floating-point-number":
        if math.isnan(value):
            return "NaN"
        return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def event_json(metadata, packet, event, clock_value, roots):
    """What must be in the event's object; what is not the decoder's is left out."""
    dsc = packet.decoder.dsc
    out = {"name": event.get("name", ""), "id": event.get("id", 0), "stream_class": packet.decoder.dsc_id}
    # As in Babeltrace the files of a stream are only joined, and keep its number, where packets say when they begin.
    context = dsc["packet-context"] or {"member-classes": []}
    has_begin = any("default-clock-timestamp" in member["field-class"].get("roles", []) for member in context["member-classes"])
    if packet.decoder.ds_id is not None and has_begin:
        out["stream"] = packet.decoder.ds_id
    if "default-clock-class-id" in dsc:
        out["cycles"] = clock_value
        out["time_ns"] = time_ns(metadata.clocks[dsc["default-clock-class-id"]], clock_value)
    for scope, name in SCOPES.items():
        fc = dsc.get(scope) if scope == "packet-context" else event_scope(dsc, event, scope)
        if fc is not None:
            out[name] = as_json(fc, roots[scope])
    return out


def event_scope(dsc, event, scope):
    return {"event-record-common-context": dsc.get("event-record-common-context"),
            "event-record-specific-context": event.get("specific-context"),
            "event-record-payload": event.get("payload")}[scope]


def same(ours, theirs):
    """True if a JSON value is the expected one; of reals -0 is apart from 0."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, (int, float)):
        theirs = float(theirs)
        return struct.pack("d", ours) == struct.pack("d", theirs) or fits_float(ours) and (
            struct.pack("f", ours) == struct.pack("f", theirs))
    if isinstance(ours, str) and isinstance(theirs, str):
        # How many replacement characters stand for damaged text is not specified.
        return re.sub("\ufffd+", "\ufffd", ours) == re.sub("\ufffd+", "\ufffd", theirs)
    return type(ours) is type(theirs) and ours == theirs


def fits_float(value):
    return struct.unpack("f", struct.pack("f", value))[0] == value if abs(value) < 3e38 else False


# Text.

def quoted(text):
    out = []
    for character in text:
        if character in ESCAPES:
            out.append(ESCAPES[character])
        elif ord(character) < 32 or ord(character) == 127:
            out.append(f"\\x{ord(character):02x}")
        else:
            out.append(character)
    return '"' + "".join(out) + '"'


def integer_text(fc, value):
    base = fc.get("preferred-display-base", 10)
    if base == 10:
        return str(int(value))
    # Of negative ones the two's complement in whole digits.
    bits = fc.get("length", 64)
    digit = {2: 1, 8: 3, 16: 4}[base]
    value = int(value) & (1 << min(64, (bits + digit - 1) // digit * digit)) - 1
    if base == 2:
        return f"0b{value:0{bits}b}"
    return f"0x{value:X}" if base == 16 else f"0{value:o}"


def real_text(value):
    if math.isnan(value):
        return "-nan" if math.copysign(1, value) < 0 else "nan"
    return f"{value:g}"


def as_text(fc, value):
    kind = fc["type"]
    if kind == "structure":
        members = [f" {member['name']} = {as_text(member['field-class'], value[member['name']])}"
                   for member in fc["member-classes"] if not is_hidden(member)]
        return "{" + ",".join(members) + " }"
    if "element-field-class" in fc:
        return "[" + ",".join(f" [{i}] = {as_text(fc['element-field-class'], element)}"
                              for i, element in enumerate(value)) + " ]"
    if kind in ("optional", "variant"):
        return "<none>" if value.option is None else "{ " + as_text(*inner(fc, value)) + " }"
    if kind.endswith("blob"):
        return "{ " + "".join(f"{byte:02x} " for byte in value) + "}"
    if kind.endswith("string"):
        return quoted(value)
    if kind == "fixed-length-boolean":
        return "true" if value else "false"
    if kind == "fixed-length-floating-point-number":
        return real_text(value)
    if kind.startswith("fixed-length-bit"):
        names = labels(fc, value) if "flags" in fc else []
        return f"0x{int(value):X}" + (" { " + ", ".join(map(quoted, names)) + " }" if names else "")
    text = integer_text(fc, value)
    if not fc.get("mappings"):
        return text
    names = ", ".join(map(quoted, labels(fc, value))) or "<unknown>"
    return f"( {names} : container = {text} )"


def event_text(metadata, packet, event, clock_value, roots):
    """The line of --no-delta --clock-seconds; of an event without a clock it begins with the name."""
    dsc = packet.decoder.dsc
    head = ""
    if "default-clock-class-id" in dsc:
        ns = time_ns(metadata.clocks[dsc["default-clock-class-id"]], clock_value)
        sign = "-" if ns < 0 else ""
        head = f"[{sign}{abs(ns) // 10**9}.{abs(ns) % 10**9:09}] "
    if "hostname" in metadata.environment:
        head += metadata.environment["hostname"] + " "
    scopes = []
    for scope in SCOPES:
        fc = dsc.get(scope) if scope == "packet-context" else event_scope(dsc, event, scope)
        if fc is None or scope == "packet-context" and all(map(is_hidden, fc["member-classes"])):
            continue
        scopes.append(as_text(fc, roots[scope]))
    return head + event.get("name", "<unknown>") + ": " + ", ".join(scopes)
