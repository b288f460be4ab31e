#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random filters on random events: what each use makes of them (filter_driver.cpp) against evaluator.py.

    truth_test.py DRIVER [EXPRESSIONS]

SILLAGE_FILTER_TRUTH says how many expressions; a million take a quarter of an hour. SILLAGE_FILTER_SEED: another sequence.
"""
import os
import random
import struct
import subprocess
import sys

import evaluator

EXPRESSIONS, EVENTS = 40, 4  # of a batch
INTEGERS = {"i8": "<b", "u8": "<B", "i16": "<h", "u16": "<H", "i32": "<i", "u32": "<I", "i64": "<q", "u64": "<Q", "n16": ">H",
            "n32": ">i", "b": "<?", "e": "<i", "w": "<q"}
REALS = {"f": "<f", "d": "<d"}
TEXTS = {"s", "s2", "t", "q", "z"}
# name: format of an element, its number or None
ARRAYS = {"a": ("<i", 3), "la": ("<Q", 8), "sq": ("<H", None), "sf": ("<d", None), "sn": (">i", None), "hq": ("<B", None)}
# sites.cpp has the same.
SITES = {
    "words": "i8 u8 i16 u16 i32 n16 i64 n32",
    "block": "la t f d a b e blob u64 n16",
    "kernel": "i8 u8 i16 u16 i32 u32 i64 u64 s s2",
    "mixed": "i32 la u16 s i64 sq sf t q w sn a z blob f s2",
    "hidden": "hq z i32 w u8 s d",
}
CONTEXTS = {"$ctx.vtid": -7, "$ctx.ip": 0x1234, "$ctx.procname": b"abba"}
# Those that a program brings: of one type, or none, that only the event tells. contexts.cpp has the same.
APP_INTEGERS = {"$app.t:s8": -7, "$app.t:s16": -300, "$app.t:s32": -70000, "$app.t:s64": -1 << 40, "$app.t:u8": 200, "$app.t:u16": 60000,
                "$app.t:u32": 4000000000, "$app.t:u64": -1}
APP_REALS = {"$app.t:float": 1.5, "$app.t:double": -2.25}
APP_TEXTS = {"$app.t:text": b"abba"}
LITERALS = ["0", "1", "2", "3", "7u", "63", "64", "0x7F", "0xffffffffUL", "017", "4294967296", "9223372036854775807ll", "255",
            "18446744073709551615"]
REAL_LITERALS = ["0.0", "1.5", "2.5e2", "1e300", ".25", "0x1p4", "0x1.8p-1", "3."]
LETTERS = "aaabbbab*\\\"'é\n"


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.choice = self.random.choice

    def chance(self, share):
        return self.random.random() < share

    # ---- Events

    def number(self, form):
        size = struct.calcsize(form)
        is_signed = form[1].islower()
        if form[1] == "?":
            return self.random.randrange(2)
        low, high = (-(1 << (8 * size - 1)), (1 << (8 * size - 1)) - 1) if is_signed else (0, (1 << 8 * size) - 1)
        if self.chance(0.4):
            return self.choice([low, high, low + 1, 0, 1, high - 1])
        return self.random.randint(low if self.chance(0.2) else max(low, -9), min(high, 70))

    def real(self, form):
        if self.chance(0.3):
            large = 1e300 if form[1] == "d" else 1e30
            return self.choice([0.0, -0.0, 1.5, -1.5, float("inf"), float("-inf"), float("nan"), large, 16.0])
        return self.random.randint(-40, 40) / 8

    def element(self, form):
        return self.real(form) if form[1] in "fd" else self.number(form)

    def event(self, site):
        """Fields by the names that filters have for them, and the line for the driver."""
        fields, line = {**CONTEXTS, **APP_INTEGERS, **APP_REALS, **APP_TEXTS}, []
        for name in SITES[site].split():
            if name in INTEGERS or name in REALS:
                form = INTEGERS.get(name) or REALS[name]
                data = struct.pack(form, self.real(form) if name in REALS else self.number(form))
                fields[name] = struct.unpack(form, data)[0]
            elif name in TEXTS:
                text = self.text(7)
                data = fields[name] = text.encode()[:8]
            elif name == "blob":
                data = bytes(20)
            else:
                form, count = ARRAYS[name]
                values = [self.element(form) for _ in range(self.random.randrange(5) if count is None else count)]
                data = b"".join(struct.pack(form, value) for value in values)
                fields.update((f"{name}[{i}]", value) for i, value in enumerate(values))
            line.append(data.hex() or "-")
        fields = {name: int(value) if isinstance(value, bool) else evaluator.signed(value) if isinstance(value, int) else value
                  for name, value in fields.items()}
        return fields, " ".join(line)

    def text(self, most):
        return "".join(self.choice(LETTERS) for _ in range(self.random.randrange(most + 1)))

    # ---- Expressions: of integers without parentheses where they can be left out, so that precedence decides.

    def use(self, site):
        self.site = site
        names = SITES[site].split()
        is_kernel = site == "kernel"
        elements = [f"{name}[{i}]" for name in names if name in ARRAYS for i in range(min(ARRAYS[name][1] or 4, 8))]
        is_real = lambda name: name in REALS or name.startswith("sf[")  # noqa: E731
        self.integers = [name for name in names if name in INTEGERS] + [name for name in elements if not is_real(name)]
        self.reals = [name for name in names + elements if is_real(name)]
        self.texts = [name for name in names if name in TEXTS]
        if not is_kernel:
            self.integers += ["$ctx.vtid", "$ctx.ip"]
            self.texts += ["$ctx.procname"]
            # One of each at most: a comparison stands in the program once for each type that each of its contexts may have.
            self.integers.append(self.choice([*APP_INTEGERS, "$app.t:none"]))
            if self.chance(0.5):
                self.reals.append(self.choice([*APP_REALS]))
            else:
                self.texts.append(self.choice([*APP_TEXTS]))

    def integer(self, depth):
        if depth == 0 or self.chance(0.2):
            if self.chance(0.04):
                return "gone"
            return self.choice(LITERALS) if self.chance(0.35) else self.choice(self.integers)
        kind = self.random.randrange(12)
        if kind < 2:
            return self.choice(["!", "~", "-", "+", "- ", "! "]) + self.enclosed(self.integer(depth - 1))
        if kind == 2:
            return f"({self.condition(depth - 1)})"
        sign = self.choice(["+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "<", "<=", ">", ">=", "==", "!=", "&&", "||"])
        blank = self.choice(["", " ", " ", "/* */"])
        left, right = self.integer(depth - 1), self.integer(depth - 1)
        if self.chance(0.5):
            left = self.enclosed(left)
        if self.chance(0.5):
            right = self.enclosed(right)
        if sign == "/" and right.startswith("/"):
            right = self.enclosed(right)
        return f"{left}{blank}{sign} {right}"

    @staticmethod
    def enclosed(text):
        return f"({text})"

    def a_real(self, depth):
        if depth == 0 or self.chance(0.3):
            if not self.reals or self.chance(0.35):
                return self.choice(REAL_LITERALS)
            return self.choice(self.reals)
        if self.chance(0.15):
            return "-" + self.enclosed(self.a_real(depth - 1))
        operands = [self.a_real(depth - 1), self.a_real(depth - 1) if self.chance(0.6) else self.enclosed(self.integer(depth - 1))]
        self.random.shuffle(operands)
        return self.enclosed(self.choice(["+", "-", "*", "/"]).join(self.enclosed(each) for each in operands))

    def real_of_one(self, depth):
        """A number with a fraction that one integer decides: what filters of the kernel can have."""
        text = self.enclosed(self.integer(1))
        for _ in range(depth):
            sides = [text, self.choice(REAL_LITERALS + ["-1.5", "9.3e18", "(1e300*1e300)"])]
            self.random.shuffle(sides)
            text = self.enclosed(self.choice(["", "", "-"]) + self.enclosed(self.choice(["+", "-", "*", "/"]).join(sides)))
        return text

    def literal(self, text):
        shown = "".join({"*": "\\*", "\\": "\\\\", '"': '\\"', "\n": self.choice(["\\n", "\\x0a", "\\012"])}.get(c, c) for c in text)
        return f'"{shown}"'

    def text_condition(self):
        if not self.texts:
            return self.integer(1)
        field = self.choice(self.texts)
        kind = self.random.randrange(4)
        if kind == 0:
            return f"{field} {self.choice(['==', '!=', '<', '<=', '>', '>='])} {self.choice(self.texts)}"
        if kind == 1:
            sides = [field, self.literal(self.text(3))]
            self.random.shuffle(sides)
            return self.choice(["==", "!=", "<", "<=", ">", ">="]).join(sides)
        pieces = [self.literal(self.text(2))[1:-1] for _ in range(2 + self.random.randrange(3))]
        sides = [field, '"' + self.choice(["*", "*", "**"]).join(pieces) + '"']
        self.random.shuffle(sides)
        return self.choice(["==", "!="]).join(sides)

    def condition(self, depth):
        if depth == 0:
            return self.integer(1)
        kind = self.random.randrange(10)
        if kind == 0:
            return f"!({self.condition(depth - 1)})"
        if kind < 3:
            sign = self.choice([" && ", "||"])
            return sign.join(self.condition(depth - 1) if sign == " && " and self.chance(0.5) else
                             f"({self.condition(depth - 1)})" for _ in range(2 + self.random.randrange(2)))
        if kind < 6:
            return self.text_condition()
        if kind < 8 and self.site != "kernel":
            sides = [self.a_real(depth - 1), self.a_real(depth - 1) if self.chance(0.6) else f"({self.integer(1)})"]
            self.random.shuffle(sides)
            return self.choice(["<", "<=", ">", ">=", "==", "!="]).join(sides)
        if kind == 6:
            sides = [self.real_of_one(self.random.randrange(4)), self.choice(REAL_LITERALS)]
            self.random.shuffle(sides)
            return self.choice(["<", "<=", ">", ">=", "==", "!="]).join(sides)
        return self.integer(depth)


def run_batch(driver, generator, site):
    generator.use(site)
    texts = [generator.condition(3) for _ in range(EXPRESSIONS)]
    events = [generator.event(site) for _ in range(EVENTS)]
    driver.stdin.write(f"batch {site} {EXPRESSIONS} {EVENTS}\n".encode())
    driver.stdin.write("".join(line + "\n" for line in texts + [line for _, line in events]).encode())
    driver.stdin.flush()
    parsed = [evaluator.parse(text) for text in texts]
    matched = kernel = 0
    for fields, _ in events:
        answers = driver.stdout.readline().decode().split()
        if len(answers) != 3:
            raise AssertionError(f"the driver has ended, at a batch of {site}:\n" + "\n".join(texts))
        expected = "".join("1" if evaluator.matches(each, fields) else "0" for each in parsed)
        for use, answer in zip(("sillage read", "the program's", "the kernel's"), answers):
            if answer in ("-", expected):
                continue
            which = next(i for i in range(EXPRESSIONS) if answer[i] != expected[i])
            raise AssertionError(f"{use}: {answer[which]}, expected {expected[which]}\n{texts[which]}\n{fields}")
        matched += expected.count("1")
        kernel += EXPRESSIONS if answers[2] != "-" else 0
    return matched, kernel


def main():
    wanted = int(os.environ.get("SILLAGE_FILTER_TRUTH", sys.argv[2] if len(sys.argv) > 2 else "6000"))
    generator = Generator(int(os.environ.get("SILLAGE_FILTER_SEED", "20261121")))
    driver = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    done = compared = matched = kernel = 0
    while done < wanted:
        for site in SITES:
            found, in_kernel = run_batch(driver, generator, site)
            matched, kernel = matched + found, kernel + in_kernel
            done, compared = done + EXPRESSIONS, compared + EXPRESSIONS * EVENTS
    driver.stdin.close()
    if driver.wait() != 0:
        raise AssertionError(f"the driver ended with {driver.returncode}")
    # Both answers come often enough to tell something.
    if not compared / 5 < matched < compared * 4 / 5:
        raise AssertionError(f"{matched} of {compared} match: the expressions tell nothing")
    print(f"{done} expressions, {compared} events judged, {matched} accepted, {kernel} by the kernel, too")


if __name__ == "__main__":
    main()
