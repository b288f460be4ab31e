# SPDX-License-Identifier: MIT
"""Field classes: what they are (section 5.3) and how their instances are decoded (6.4).

A class has `decode(reader, parent, key, structures)`, which puts the value into parent[key]; `structures` are the
values of the structures around it, outermost first. `reader` is a stream.Stream.
"""

import functools
import struct

from ctf2.values import (check_alignment, check_integer, check_list, check_object, check_ranges, check_string,
                         in_ranges)

SCOPES = ("packet-header", "packet-context", "event-record-header", "event-record-common-context",
          "event-record-specific-context", "event-record-payload")
CODECS = {"utf-8": ("utf-8", 1), "utf-16be": ("utf-16-be", 2), "utf-16le": ("utf-16-le", 2),
          "utf-32be": ("utf-32-be", 4), "utf-32le": ("utf-32-le", 4)}
HEADER_ROLES = {"packet-magic-number", "metadata-stream-uuid", "data-stream-class-id", "data-stream-id"}
CONTEXT_ROLES = {"default-clock-timestamp", "packet-end-default-clock-timestamp", "packet-total-length",
                 "packet-content-length", "packet-sequence-number", "discarded-event-record-counter-snapshot"}
EVENT_ROLES = {"default-clock-timestamp", "event-record-class-id"}
ROLES = {"packet-header": HEADER_ROLES, "packet-context": CONTEXT_ROLES, "event-record-header": EVENT_ROLES}


class FieldClass:
    """One field class. `attach` is called before its children are read, so that they can find what is around them."""

    is_selector = False

    def alignment(self):
        return 8

    def members_named(self, name):
        """The classes found by following `name` from an instance of this class."""
        return []

    def targets(self):
        """The classes an instance may be of once options are chosen and elements taken."""
        return [self]

    def children(self):
        return []


class BitArray(FieldClass):
    def __init__(self, value, place, extra=()):
        check_object(value, place, ("type", "length", "byte-order"), ("bit-order", "alignment", *extra))
        self.length = check_integer(value["length"], place / "length", 1)
        order = check_string(value["byte-order"], place / "byte-order", ("big-endian", "little-endian"))
        self.is_little = order == "little-endian"
        bit_order = check_string(value.get("bit-order", "first-to-last" if self.is_little else "last-to-first"),
                                 place / "bit-order", ("first-to-last", "last-to-first"))
        self.is_usual_order = (bit_order == "first-to-last") == self.is_little
        self.align = check_alignment(value.get("alignment", 1), place / "alignment")

    def alignment(self):
        return self.align

    def bits(self, reader):
        """6.4.3: the field as an integer, the first element of the array being the least significant bit."""
        reader.align_to(self.align)
        reader.need(self.length)
        start = reader.position
        if start % 8 and reader.last_is_little is not None and reader.last_is_little != self.is_little:
            reader.fail("byte order changes inside a byte")
        reader.last_is_little = self.is_little
        reader.position += self.length
        first, last = start // 8, (start + self.length + 7) // 8
        raw = int.from_bytes(reader.data[first:last], "little" if self.is_little else "big")
        shift = start % 8 if self.is_little else last * 8 - (start + self.length)
        number = (raw >> shift) & ((1 << self.length) - 1)
        if not self.is_usual_order:
            number = int(f"{number:0{self.length}b}"[::-1], 2)
        return number

    def decode(self, reader, parent, key, _structures):
        number = self.bits(reader)
        parent[key] = [bool(number >> i & 1) for i in range(self.length)]


class BitMap(BitArray):
    def __init__(self, value, place):
        super().__init__(value, place, ("flags",))
        if not isinstance(value.get("flags"), dict) or not value["flags"]:
            (place / "flags").fail("expected an object with one flag or more")
        self.flags = {name: check_ranges(ranges, place / "flags" / name) for name, ranges in value["flags"].items()}

    def decode(self, reader, parent, key, _structures):
        number = self.bits(reader)
        set_bits = [i for i in range(self.length) if number >> i & 1]
        parent[key] = {"bits": number,
                       "flags": [name for name, ranges in self.flags.items()
                                 if any(in_ranges(i, ranges) for i in set_bits)]}


class Boolean(BitArray):
    def decode(self, reader, parent, key, _structures):
        parent[key] = self.bits(reader) != 0


class Number(int):
    """An integer value that remembers its class: labels and sign matter to those who print or select by it."""

    def __new__(cls, value, field_class):
        number = super().__new__(cls, value)
        number.field_class = field_class
        return number

    def labels(self):
        return [name for name, ranges in self.field_class.mappings.items() if in_ranges(self, ranges)]


class IntegerProperties:
    """5.3.7: what fixed-length and variable-length integers have in common."""

    NAMES = ("preferred-display-base", "mappings", "roles")

    def read_properties(self, value, place, scope):
        if value.get("preferred-display-base", 10) not in (2, 8, 10, 16):
            (place / "preferred-display-base").fail("expected 2, 8, 10 or 16")
        self.is_signed = "-signed-" in value["type"]
        mappings = value.get("mappings", {})
        if not isinstance(mappings, dict):
            (place / "mappings").fail("expected an object")
        self.mappings = {name: check_ranges(ranges, place / "mappings" / name) for name, ranges in mappings.items()}
        self.roles = check_list(value.get("roles", []), place / "roles")
        if self.roles and self.is_signed:
            (place / "roles").fail("signed integers have no roles")
        for i, role in enumerate(self.roles):
            check_string(role, place / "roles" / i, ROLES.get(scope, set()) - {"metadata-stream-uuid"})


class Integer(BitArray, IntegerProperties):
    def __init__(self, value, place, scope):
        BitArray.__init__(self, value, place, self.NAMES)
        self.read_properties(value, place, scope)
        if "packet-magic-number" in self.roles and self.length != 32:
            (place / "length").fail("a packet magic number has 32 bits")

    def decode(self, reader, parent, key, _structures):
        number = self.bits(reader)
        if self.is_signed and number >> (self.length - 1):
            number -= 1 << self.length
        parent[key] = Number(number, self)
        for role in self.roles:
            reader.role(role, number, self.length)


class VariableInteger(FieldClass, IntegerProperties):
    def __init__(self, value, place, scope):
        check_object(value, place, ("type",), self.NAMES)
        self.read_properties(value, place, scope)

    def decode(self, reader, parent, key, _structures):
        number = shift = 0
        while True:
            byte = reader.take(1)[0]
            number |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        if self.is_signed and byte & 0x40:
            number -= 1 << shift
        # The specification sets no limit; readers do.
        if not (-(1 << 63) <= number < 1 << 63 if self.is_signed else number < 1 << 64):
            reader.fail("a variable-length integer of more than 64 bits")
        parent[key] = Number(number, self)
        for role in self.roles:
            reader.role(role, number, shift)


class Float(BitArray):
    FORMATS = {16: "<e", 32: "<f", 64: "<d"}

    def __init__(self, value, place):
        super().__init__(value, place)
        if self.length not in (16, 32, 64, 128) and (self.length < 128 or self.length % 32):
            (place / "length").fail("no IEEE 754 format has this length")

    def decode(self, reader, parent, key, _structures):
        number = self.bits(reader)
        if self.length in self.FORMATS:
            parent[key] = struct.unpack(self.FORMATS[self.length], number.to_bytes(self.length // 8, "little"))[0]
        else:
            parent[key] = {"bits": f"{number:0{self.length // 4}x}"}


class String(FieldClass):
    """Null-terminated, static-length and dynamic-length strings."""

    def __init__(self, value, place, scopes, structures):
        kind = value["type"]
        extra = {"null-terminated-string": (), "static-length-string": ("length",),
                 "dynamic-length-string": ("length-field-location",)}[kind]
        check_object(value, place, ("type", *extra), ("encoding",))
        encoding = check_string(value.get("encoding", "utf-8"), place / "encoding", CODECS)
        self.codec, self.unit = CODECS[encoding]
        self.length = check_integer(value["length"], place / "length", 0) if "length" in value else None
        self.location = None
        if "length-field-location" in value:
            self.location = Location(value["length-field-location"], place / "length-field-location", scopes,
                                     structures, (Integer, VariableInteger), needs_unsigned=True)

    def decode(self, reader, parent, key, structures):
        reader.align_to(8)
        zero = bytes(self.unit)
        text = b""
        if self.length is None and self.location is None:
            while (unit := reader.take(self.unit)) != zero:
                text += unit
        else:
            raw = reader.take(self.length if self.location is None else self.location.find(reader, structures))
            for i in range(0, len(raw), self.unit):
                unit = raw[i:i + self.unit]
                if len(unit) < self.unit:
                    reader.fail("a string's length is no multiple of its code unit")
                if unit == zero:
                    break
                text += unit
        try:
            parent[key] = text.decode(self.codec)
        except UnicodeDecodeError:
            # Not refused: the text comes from the traced program, and the field's bounds are right.
            parent[key] = text.decode(self.codec, "backslashreplace" if self.unit == 1 else "replace")


class Blob(FieldClass):
    def __init__(self, value, place, scope, scopes, structures):
        is_static = value["type"] == "static-length-blob"
        length = "length" if is_static else "length-field-location"
        check_object(value, place, ("type", length), ("media-type", "roles") if is_static else ("media-type",))
        self.media_type = check_string(value.get("media-type", "application/octet-stream"), place / "media-type")
        self.length, self.location, self.roles = None, None, []
        if not is_static:
            self.location = Location(value[length], place / length, scopes, structures, (Integer, VariableInteger),
                                     needs_unsigned=True)
            return
        self.length = check_integer(value[length], place / length, 0)
        self.roles = check_list(value.get("roles", []), place / "roles")
        for i, role in enumerate(self.roles):
            check_string(role, place / "roles" / i, ROLES.get(scope, set()) & {"metadata-stream-uuid"})
            if self.length != 16:
                (place / length).fail("a metadata stream UUID has 16 bytes")

    def decode(self, reader, parent, key, structures):
        reader.align_to(8)
        data = reader.take(self.length if self.location is None else self.location.find(reader, structures))
        parent[key] = data
        for role in self.roles:
            reader.role(role, data, None)


class Structure(FieldClass):
    def __init__(self):
        self.members, self.minimum = {}, 1

    def fill(self, value, place, scope, metadata, scopes, structures):
        check_object(value, place, ("type",), ("member-classes", "minimum-alignment"))
        self.minimum = check_alignment(value.get("minimum-alignment", 1), place / "minimum-alignment")
        for i, member in enumerate(check_list(value.get("member-classes", []), place / "member-classes")):
            at = place / "member-classes" / i
            check_object(member, at, ("name", "field-class"), ())
            name = check_string(member["name"], at / "name")
            if name in self.members:
                (at / "name").fail(f"a second member named '{name}'")
            metadata.field_class(member["field-class"], at / "field-class", scope, scopes, structures + [self],
                                 lambda made, name=name: self.members.__setitem__(name, made))

    @functools.cached_property
    def known_alignment(self):
        return max([self.minimum] + [member.alignment() for member in self.members.values()])

    def alignment(self):
        return self.known_alignment

    def members_named(self, name):
        return [self.members[name]] if name in self.members else []

    def children(self):
        return list(self.members.values())

    def decode(self, reader, parent, key, structures):
        reader.align_to(self.alignment())
        parent[key] = values = {}
        for name, member in self.members.items():
            member.decode(reader, values, name, structures + [values])


class Array(FieldClass):
    def __init__(self):
        self.element, self.minimum, self.length, self.location = None, 1, None, None

    def fill(self, value, place, scope, metadata, scopes, structures):
        length = "length" if value["type"] == "static-length-array" else "length-field-location"
        check_object(value, place, ("type", "element-field-class", length), ("minimum-alignment",))
        self.minimum = check_alignment(value.get("minimum-alignment", 1), place / "minimum-alignment")
        if length == "length":
            self.length = check_integer(value[length], place / length, 0)
        else:
            self.location = Location(value[length], place / length, scopes, structures, (Integer, VariableInteger),
                                     needs_unsigned=True)
        metadata.field_class(value["element-field-class"], place / "element-field-class", scope, scopes, structures,
                             lambda made: setattr(self, "element", made))

    @functools.cached_property
    def known_alignment(self):
        return max(self.minimum, self.element.alignment())

    def alignment(self):
        return self.known_alignment

    def targets(self):
        return self.element.targets() if self.element else []

    def decode(self, reader, parent, key, structures):
        reader.align_to(self.alignment())
        length = self.length if self.location is None else self.location.find(reader, structures)
        parent[key] = values = []
        for i in range(length):
            values.append(None)
            self.element.decode(reader, values, i, structures)


class Choice(FieldClass):
    """Optionals and variants: fields selected by another field."""

    def __init__(self):
        self.options, self.location, self.is_variant = [], None, False

    def fill(self, value, place, scope, metadata, scopes, structures):
        self.is_variant = value["type"] == "variant"
        at = place / "selector-field-location"
        kinds = (Integer, VariableInteger) if self.is_variant else (Boolean, Integer, VariableInteger)
        if self.is_variant:
            check_object(value, place, ("type", "options", "selector-field-location"), ())
        else:
            check_object(value, place, ("type", "field-class", "selector-field-location"),
                         ("selector-field-ranges",))
        self.location = Location(value["selector-field-location"], at, scopes, structures, kinds)
        if not self.is_variant:
            has_ranges = "selector-field-ranges" in value
            if has_ranges == self.location.is_boolean:
                place.fail("selector ranges go with integer selectors, and only with them")
            ranges = check_ranges(value["selector-field-ranges"], place / "selector-field-ranges") if has_ranges else None
            metadata.field_class(value["field-class"], place / "field-class", scope, scopes, structures,
                                 lambda made: self.options.append((ranges, made)))
            return
        if not check_list(value["options"], place / "options"):
            (place / "options").fail("a variant has one option or more")
        names = set()
        for i, option in enumerate(value["options"]):
            at = place / "options" / i
            check_object(option, at, ("field-class", "selector-field-ranges"), ("name",))
            ranges = check_ranges(option["selector-field-ranges"], at / "selector-field-ranges")
            for lower, upper in ranges:
                if any(lower <= b and a <= upper for others, _ in self.options for a, b in others):
                    (at / "selector-field-ranges").fail("ranges of two options intersect")
            if "name" in option:
                if check_string(option["name"], at / "name") in names:
                    (at / "name").fail("a second option with this name")
                names.add(option["name"])
            metadata.field_class(option["field-class"], at / "field-class", scope, scopes, structures,
                                 lambda made, ranges=ranges: self.options.append((ranges, made)))

    def alignment(self):
        return 1

    def members_named(self, name):
        return [found for _, option in self.options for target in option.targets()
                for found in target.members_named(name)]

    def targets(self):
        return [target for _, option in self.options for target in option.targets()]

    def children(self):
        return [option for _, option in self.options]

    def decode(self, reader, parent, key, structures):
        selector = self.location.find(reader, structures)
        for ranges, option in self.options:
            if selector is True if ranges is None else in_ranges(selector, ranges):
                option.decode(reader, parent, key, structures)
                return
        if self.is_variant:
            reader.fail(f"no option of the variant '{key}' is for selector {selector}")
        parent[key] = None


class Location:
    """5.3.1 and 6.4.2: how a length or selector is found, checked against the classes when the metadata is read."""

    def __init__(self, value, place, scopes, structures, kinds, needs_unsigned=False):
        check_object(value, place, ("path",), ("origin",))
        self.origin = value.get("origin")
        if self.origin is not None:
            check_string(self.origin, place / "origin", SCOPES)
        self.path = check_list(value["path"], place / "path")
        if not self.path or self.path[-1] is None:
            (place / "path").fail("a path is not empty and ends in a name")
        if self.origin is not None:
            if self.origin not in scopes:
                (place / "origin").fail(f"there is no {self.origin} before this field")
            chain = [scopes[self.origin]]
        else:
            chain = list(structures)
        current = [chain.pop()] if chain else []
        for i, step in enumerate(self.path):
            if step is None:
                if not chain:
                    (place / "path" / i).fail("no structure is around that one")
                current = [chain.pop()]
                continue
            check_string(step, place / "path" / i)
            chain += current[:1]
            current = [member for target in current for member in target.members_named(step)]
            if not current:
                (place / "path" / i).fail(f"no member '{step}' before this field")
        found = [target for member in current for target in member.targets()]
        if not found or not all(isinstance(target, kinds) for target in found):
            (place / "path").fail("the field found there is no length or selector")
        for target in found:
            if needs_unsigned and target.is_signed:
                (place / "path").fail("a length is not signed")
            target.is_selector = True
        self.is_boolean = isinstance(found[0], Boolean)
        if any(isinstance(target, Boolean) != self.is_boolean for target in found):
            (place / "path").fail("selectors are either all booleans or all integers")

    def find(self, reader, structures):
        if self.origin is None:
            chain = list(structures)
        else:
            root = reader.scopes.get(self.origin)
            if root is None:
                reader.fail(f"the {self.origin} is not decoded yet")
            chain = [root]
        value = chain.pop()
        for step in self.path:
            if step is None:
                value = chain.pop()
                continue
            if not isinstance(value, dict) or step not in value:
                reader.fail(f"no field '{step}' has been decoded")
            chain.append(value)
            value = value[step]
            while isinstance(value, list):
                value = value[-1]
        return value


def roles_of(field_class):
    return getattr(field_class, "roles", [])


def leaves(field_class):
    """The classes below `field_class`, or itself, that are no structures, optionals or variants."""
    if field_class is None:
        return []
    if isinstance(field_class, (Structure, Choice)):
        return [leaf for child in field_class.children() for leaf in leaves(child)]
    return [field_class]
