# SPDX-License-Identifier: MIT
"""Random field classes, as CTF 2's objects; those for CTF 1.8 are what TSDL can say too."""

import random

LITTLE, BIG = "little-endian", "big-endian"
UNITS = {"utf-8": 1, "utf-16le": 2, "utf-16be": 2, "utf-32le": 4, "utf-32be": 4}  # bytes


class Candidate:
    """An integer or boolean that fields after it can use: where it is, and in how many arrays and variants."""

    def __init__(self, place, fc):
        self.origin, self.path, self.nested, self.fc = place.root, place.path + [place.name], place.nested, fc


class Place:
    """Where a field class is made: the member `name` of the structure at `path` below a root."""

    def __init__(self, root, path=(), name=None, nested=0):
        self.root, self.path, self.name, self.nested = root, list(path), name, nested

    def member(self, name):
        return Place(self.root, self.path, name, self.nested)

    def structure(self):
        return Place(self.root, self.path + ([self.name] if self.name is not None else []), None, self.nested)

    def inside(self):
        return Place(self.root, self.path, self.name, self.nested + 1)


class RandomFields:
    """Makes field classes. `candidates` are the fields that a later one can use for its length or choice.

    `hints` says for the identity of a field class which values make sense, `uses` which field class decides over it.
    `plain` leaves out what babeltrace2 2.0.4 does not read, or reads wrong.
    """

    def __init__(self, seed, version, plain):
        self.random = random.Random(seed)
        self.version, self.plain = version, plain
        self.order = self.random.choice([LITTLE, BIG])
        self.is_mixed = self.random.random() < 0.4
        # Bits of both byte orders in one byte: what the specifications refuse.
        self.is_violating = not plain and self.is_mixed and self.random.random() < 0.2
        self.counter = 0
        self.candidates, self.hints, self.uses = [], {}, {}
        self.palette = []

    def chance(self, probability):
        return self.random.random() < probability

    def name(self, word="f"):
        self.counter += 1
        if self.version == 2 and self.chance(0.1):
            return f"{self.random.choice(['a b', 'ü', '', '☃', '9', 'x.y', 'int', '_'])} {self.counter}"
        return f"{word}{self.counter}"

    # Scalars.

    def bit_array(self, kind, lengths):
        r = self.random
        other = BIG if self.order == LITTLE else LITTLE
        fc = {"type": kind, "length": r.choice(lengths),
              "byte-order": other if self.is_mixed and self.chance(0.3) else self.order,
              "alignment": r.choice([1, 1, 1, 2, 4, 8, 8, 16, 32, 64, 128])}
        if fc["byte-order"] == other and not self.is_violating:
            fc["alignment"] = max(8, fc["alignment"])
            fc["length"] = max(8, fc["length"] // 8 * 8)
        if self.version == 2:
            if fc["alignment"] == 1 and self.chance(0.5):
                del fc["alignment"]
            if self.chance(0.2):
                fc["bit-order"] = r.choice(["first-to-last", "last-to-first"])
        return fc

    def lengths(self):
        return [8, 16, 32, 64, self.random.randint(1, 64), self.random.randint(1, 64)]

    def integer(self, is_signed=None):
        r = self.random
        sign = "signed" if (self.chance(0.5) if is_signed is None else is_signed) else "unsigned"
        if self.version == 2 and self.chance(0.25):
            fc = {"type": f"variable-length-{sign}-integer"}
        else:
            fc = self.bit_array(f"fixed-length-{sign}-integer", self.lengths())
        # Of signed ones of 61 to 63 bits babeltrace2 2.0.4 prints 0x0: it shifts by 64.
        if self.chance(0.2) and not (self.plain and fc.get("length", 0) in (61, 62, 63)):
            fc["preferred-display-base"] = r.choice([2, 8, 10, 16])
        return fc

    def limits(self, fc):
        bits = fc.get("length", 64)
        return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if "-signed" in fc["type"] else (0, (1 << bits) - 1)

    def interesting(self, fc):
        """An integer that the field class can hold, often an extreme one."""
        low, high = self.limits(fc)
        r = self.random
        return r.choice([low, high, 0, min(high, r.randrange(10)), r.randint(low, high), r.randint(low, high)])

    def a_range(self, fc):
        values = sorted(self.interesting(fc) for _ in range(self.random.choice([1, 2])))
        return [values[0], values[-1]]

    def label(self):
        self.counter += 1
        return f"{self.random.choice(['RED', 'a', 'two words', 'Zoë'])}{self.counter}"

    def enumeration(self):
        fc = self.integer()
        fc["mappings"] = {self.label(): [self.a_range(fc) for _ in range(self.random.choice([1, 1, 2]))]
                          for _ in range(self.random.randint(1, 4))}
        return fc

    def string(self, kind="null-terminated-string"):
        fc = {"type": kind}
        if self.version == 2 and self.chance(0.5):
            fc["encoding"] = self.random.choice(list(UNITS))
        return fc

    def scalar(self):
        r = self.random
        kind = r.choice(["integer"] * 4 + ["enumeration", "real", "string", "text"]
                        + ["boolean", "bit-array", "bit-map", "blob"] * (self.version == 2))
        if kind == "integer":
            return self.integer()
        if kind == "enumeration":
            return self.enumeration()
        if kind == "real":
            return self.bit_array("fixed-length-floating-point-number", [32, 64] + [16] * (self.version == 2))
        if kind == "string":
            return self.string()
        if kind == "text":
            return dict(self.string("static-length-string"), length=4 * r.randrange(1 if self.plain else 0, 5))
        if kind == "blob":
            return {"type": "static-length-blob", "length": r.randrange(5), "media-type": "image/png"}
        fc = self.bit_array("fixed-length-" + kind, self.lengths())
        if kind == "bit-map":
            fc["flags"] = {self.label(): [sorted(r.choices(range(fc["length"]), k=2)) for _ in range(r.choice([1, 2]))]
                           for _ in range(r.randint(1, 3))}
        return fc

    # Compounds.

    def any(self, place, depth):
        """A random field class for that place."""
        r = self.random
        if depth == 0 or self.chance(0.4):
            return r.choice(self.palette) if self.palette and self.chance(0.3) else self.scalar()
        kind = r.choice(["structure", "array", "dynamic", "variant", "variant", "text"]
                        + ["blob", "optional", "optional"] * (self.version == 2))
        if kind == "structure":
            return self.structure(place, depth - 1)
        if kind == "array":
            return self.array(place, depth, {"type": "static-length-array", "length": r.randrange(4)})
        if kind == "variant":
            return self.variant(place, depth)
        if kind == "optional":
            return self.optional(place, depth)
        candidate = self.length_field(place)
        if candidate is None:
            return self.scalar()
        location = self.location(candidate, place)
        if kind == "text":
            fc = self.string("dynamic-length-string")
            # Of whole code units.
            step = max(self.hints[id(candidate.fc)][1], UNITS[fc.get("encoding", "utf-8")])
            self.hints[id(candidate.fc)] = ("length", step)
        elif kind == "blob":
            fc = {"type": "dynamic-length-blob"}
        else:
            fc = self.array(place, depth, {"type": "dynamic-length-array"})
        fc["length-field-location"] = location
        self.uses[id(fc)] = candidate.fc
        return fc

    def array(self, place, depth, fc):
        def element(inside):
            made = self.any(inside, depth - 1)
            # TSDL has no arrays right in arrays.
            is_array = "element-field-class" in made or made["type"].endswith("length-string")
            return self.structure(inside, depth - 1) if is_array and self.version == 1 else made
        fc["element-field-class"] = self.apart(place, element)
        if self.version == 2 and self.chance(0.2):
            fc["minimum-alignment"] = self.random.choice([1, 8, 32, 64])
        return fc

    def apart(self, place, make):
        """What make() makes; nothing after it can use the fields in it."""
        before = len(self.candidates)
        fc = make(place.inside())
        del self.candidates[before:]
        return fc

    def location(self, candidate, place):
        """A field location, from the root or from the structure around."""
        if candidate.origin == place.root:
            shared = 0
            while (shared < min(len(place.path), len(candidate.path) - 1)
                   and place.path[shared] == candidate.path[shared]):
                shared += 1
            # TSDL cannot go from the root into arrays and variants.
            if self.chance(0.5) or self.version == 1 and candidate.nested or self.plain:
                return {"path": [None] * (len(place.path) - shared) + candidate.path[shared:]}
        return {"origin": candidate.origin, "path": candidate.path}

    def usable(self, place, is_tag=False):
        """All candidates; with `plain` those that babeltrace2's grammar has a name for."""
        if not self.plain:
            return self.candidates
        return [c for c in self.candidates if c.origin == place.root
                and (not is_tag or c.path[:-1] == place.path[:len(c.path) - 1])]

    def length_field(self, place):
        usable = [c for c in self.usable(place) if "unsigned" in c.fc["type"]
                  and self.hints.get(id(c.fc), ("length", 1))[0] == "length"]
        if not usable:
            return None
        candidate = self.random.choice(usable)
        self.hints.setdefault(id(candidate.fc), ("length", 1))
        return candidate

    def variant(self, place, depth):
        r = self.random
        usable = [c for c in self.usable(place, True) if "integer" in c.fc["type"] and id(c.fc) not in self.hints
                  and self.limits(c.fc)[1] >= 8 and (self.version == 2 or "mappings" in c.fc)]
        if not usable:
            return self.scalar()
        candidate = r.choice(usable)
        low, high = self.limits(candidate.fc)
        points = sorted({r.randint(max(low, -50), min(high, 100)) for _ in range(9)} | {0, 7})
        ranges = [[a, b - 1 if self.chance(0.5) else a] for a, b in zip(points, points[1:])]
        r.shuffle(ranges)
        shares = [[pair] for pair in ranges[:r.randint(1, 3)]]
        shares[0] += ranges[len(shares):len(shares) + 1]
        self.hints[id(candidate.fc)] = ("select", [n for share in shares for pair in share for n in pair])
        location = self.location(candidate, place)
        options = []
        for share in shares:
            option = {"field-class": self.apart(place, lambda inside: self.any(inside, depth - 1)),
                      "selector-field-ranges": share}
            if self.version == 1 or self.chance(0.7):
                option["name"] = self.name("o")
            options.append(option)
        if self.version == 1:  # TSDL chooses by the labels of an enumeration
            candidate.fc["mappings"] = {option["name"]: option["selector-field-ranges"] for option in options}
        fc = {"type": "variant", "options": options, "selector-field-location": location}
        self.uses[id(fc)] = candidate.fc
        return fc

    def optional(self, place, depth):
        if not self.candidates:
            return self.scalar()
        candidate = self.random.choice(self.candidates)
        fc = {"type": "optional", "selector-field-location": self.location(candidate, place)}
        if candidate.fc["type"] != "fixed-length-boolean":
            kind, *values = self.hints.setdefault(id(candidate.fc), ("some", [self.interesting(candidate.fc)]))
            low, high = self.limits(candidate.fc)
            some = self.random.randrange(4) if kind == "length" else self.random.choice(values[0])
            fc["selector-field-ranges"] = [[max(low, min(some, high))] * 2, self.a_range(candidate.fc)]
        self.uses[id(fc)] = candidate.fc
        fc["field-class"] = self.apart(place, lambda inside: self.any(inside, depth - 1))
        return fc

    def structure(self, place, depth, given=(), least=0):
        """A structure with the members `given`, (name, field class) each, among random ones."""
        place = place.structure()
        members = list(given)
        for _ in range(self.random.randrange(least, 6)):
            members.insert(self.random.randint(0, len(members)), None)
        fc = {"type": "structure", "member-classes": []}
        for member in members:
            name = member[0] if member else self.name()
            here = place.member(name)
            if member:
                inner = member[1]
            elif self.chance(0.4):
                inner = self.enumeration() if self.chance(0.5) else self.integer(self.chance(0.3))
            else:
                inner = self.any(here, depth)
            fc["member-classes"].append({"name": name, "field-class": inner})
            is_own = not member and not any(inner is shared for shared in self.palette)
            if is_own and ("integer" in inner["type"] or inner["type"] == "fixed-length-boolean"):
                self.candidates.append(Candidate(here, inner))
        if self.chance(0.2):
            fc["minimum-alignment"] = self.random.choice([1, 8, 16, 32, 64])
        return fc
