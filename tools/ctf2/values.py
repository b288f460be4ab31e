# SPDX-License-Identifier: MIT
"""JSON values of a metadata stream, and the place of each, for messages."""

import json


class TraceError(Exception):
    """The trace is not what the specification asks for; the message says where."""


class Place:
    """Where a JSON value is: fragment number and JSON pointer (RFC 6901)."""

    def __init__(self, fragment, pointer=""):
        self.fragment, self.pointer = fragment, pointer

    def __truediv__(self, key):
        token = str(key).replace("~", "~0").replace("/", "~1")
        return Place(self.fragment, f"{self.pointer}/{token}")

    def fail(self, message):
        raise TraceError(f"metadata: fragment {self.fragment}, at '{self.pointer}': {message}")


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def check_integer(value, place, minimum=None):
    if not is_integer(value):
        place.fail(f"expected an integer, found {json.dumps(value)[:60]}")
    if minimum is not None and value < minimum:
        place.fail(f"{value} is less than {minimum}")
    return value


def check_string(value, place, among=None):
    if not isinstance(value, str):
        place.fail(f"expected a string, found {json.dumps(value)[:60]}")
    if among is not None and value not in among:
        place.fail(f"'{value}' is none of {', '.join(sorted(among))}")
    return value


def check_list(value, place):
    if not isinstance(value, list):
        place.fail("expected an array")
    return value


def check_object(value, place, required, optional):
    """An object with all of `required`, some of `optional`, and nothing else."""
    if not isinstance(value, dict):
        place.fail("expected an object")
    for key in required:
        if key not in value:
            place.fail(f"property '{key}' is missing")
    for key in value:
        if key not in required and key not in optional and key not in ("attributes", "extensions"):
            (place / key).fail("no such property here")
    if not isinstance(value.get("attributes", {}), dict):
        (place / "attributes").fail("expected an object")
    if value.get("extensions"):
        (place / "extensions").fail("extensions are not supported")
    return value


def check_alignment(value, place):
    check_integer(value, place, 1)
    if value & (value - 1):
        place.fail(f"alignment {value} is not a power of two")
    return value


def check_ranges(value, place):
    """5.3.2: one or more [lower, upper]."""
    if not check_list(value, place):
        place.fail("a range set holds one range or more")
    ranges = []
    for i, pair in enumerate(value):
        if len(check_list(pair, place / i)) != 2:
            (place / i).fail("a range has two bounds")
        lower, upper = (check_integer(bound, place / i / j) for j, bound in enumerate(pair))
        if lower > upper:
            (place / i).fail(f"lower bound {lower} is above upper bound {upper}")
        ranges.append((lower, upper))
    return ranges


def in_ranges(value, ranges):
    return any(lower <= value <= upper for lower, upper in ranges)
