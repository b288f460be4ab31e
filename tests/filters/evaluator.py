# SPDX-License-Identifier: MIT
"""The filter language, read from its description (docs/guide/filter.md) and evaluated the plain way.

parse(TEXT) gives an expression, evaluate(EXPRESSION, FIELDS) its value: an int (64 bits, two's complement), a float, bytes, or
None where there is none. FIELDS maps names as they are written ("fd", "args[1]", "$ctx.vpid") to values.
"""
import re

TOKEN = re.compile(r"""
    (?P<blank>\s+|/\*.*?\*/|//[^\n]*)
  | (?P<real>0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*[pP][+-]?\d+ | \d+\.\d*(?:[eE][+-]?\d+)? | \.\d+(?:[eE][+-]?\d+)? | \d+[eE][+-]?\d+)
  | (?P<integer>0[xX][0-9a-fA-F]+|\d+)[uUlL]*
  | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<name>(?:\$ctx\.|\$app\.)?[A-Za-z_][\w:]*(?:\[\d+\]|(?:\.|->)[A-Za-z_][\w:]*)*)
  | (?P<sign><<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^<>!~()])
""", re.VERBOSE | re.DOTALL)
# From the loosest.
LEVELS = [["||"], ["&&"], ["==", "!="], ["<", "<=", ">", ">="], ["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "%"]]
ESCAPES = {"a": 7, "b": 8, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
MASK = (1 << 64) - 1


class Pattern(list):
    """The pieces between stars."""


def signed(value):
    value &= MASK
    return value - (1 << 64) if value >> 63 else value


def text_of(quoted):
    """Bytes, or a Pattern if there is a star."""
    pieces, i, body = [bytearray()], 0, quoted[1:-1]
    while i < len(body):
        char = body[i]
        i += 1
        if char == "*":
            pieces.append(bytearray())
        elif char != "\\":
            pieces[-1] += char.encode()
        elif body[i] == "x":
            digits = re.match(r"[0-9a-fA-F]{1,2}", body[i + 1:]).group()
            pieces[-1].append(int(digits, 16))
            i += 1 + len(digits)
        elif body[i] in "01234567":
            digits = re.match(r"[0-7]{1,3}", body[i:]).group()
            pieces[-1].append(int(digits, 8))
            i += len(digits)
        else:
            pieces[-1].append(ESCAPES.get(body[i], ord(body[i])))
            i += 1
    return bytes(pieces[0]) if len(pieces) == 1 else Pattern(bytes(piece) for piece in pieces)


def tokens_of(text):
    tokens, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise ValueError(f"what is {text[at:]!r}?")
        at = match.end()
        if match.lastgroup != "blank":
            tokens.append((match.lastgroup, match.group(match.lastgroup)))
    return tokens + [("end", "")]


def parse(text):
    tokens = tokens_of(text)
    place = 0

    def take():
        nonlocal place
        place += 1
        return tokens[place - 1]

    def unary():
        kind, word = take()
        if kind == "integer":
            return int(word, 16 if word[:2] in ("0x", "0X") else 8 if word[0] == "0" else 10)
        if kind == "real":
            return float.fromhex(word) if word[:2] in ("0x", "0X") else float(word)
        if kind == "text":
            return text_of(word)
        if kind == "name":
            return ("field", word.replace("->", "."))
        if word == "(":
            inner = binary(0)
            if take()[1] != ")":
                raise ValueError("no )")
            return inner
        if word in ("!", "~", "+", "-"):
            return ("unary", word, unary())
        raise ValueError(f"{word!r} is no operand")

    def binary(level):
        if level == len(LEVELS):
            return unary()
        left = binary(level + 1)
        while tokens[place][0] == "sign" and tokens[place][1] in LEVELS[level]:
            left = ("binary", take()[1], left, binary(level + 1))
        return left

    expression = binary(0)
    if tokens[place][0] != "end":
        raise ValueError(f"{tokens[place][1]!r} is too much")
    return expression


def is_like(text, pieces):
    expression = b".*".join(re.escape(piece) for piece in pieces)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def compare(sign, left, right):
    return int({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right, "==": left == right,
                "!=": left != right}[sign])


def of_numbers(sign, left, right):
    has_real = isinstance(left, float) or isinstance(right, float)
    if has_real:
        left, right = float(left), float(right)
    if sign in ("<", "<=", ">", ">=", "==", "!="):
        return compare(sign, left, right)
    if sign in "/%" and right == 0:
        return None
    if has_real:
        return {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
                "/": lambda: left / right}[sign]()
    if sign in ("<<", ">>"):
        if not 0 <= right <= 63:
            return None
        return signed(left << right if sign == "<<" else (left & MASK) >> right)
    if sign in "/%":
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return signed(quotient if sign == "/" else left - quotient * right)
    return signed({"+": left + right, "-": left - right, "*": left * right, "&": left & right, "|": left | right,
                   "^": left ^ right}[sign])


def evaluate(expression, fields):
    if isinstance(expression, int):
        return signed(expression)
    if not isinstance(expression, tuple):
        return expression
    if expression[0] == "field":
        return fields.get(expression[1])
    sign = expression[1]
    if expression[0] == "unary":
        value = evaluate(expression[2], fields)
        if value is None or sign == "+":
            return value
        if sign == "!":
            return int(value == 0)
        if isinstance(value, float):
            return -value
        return signed(~value if sign == "~" else -value)
    left = evaluate(expression[2], fields)
    if sign in ("&&", "||"):
        decides = sign == "||"
        if left is not None and (left != 0) == decides:
            return int(decides)
        right = evaluate(expression[3], fields)
        if right is not None and (right != 0) == decides:
            return int(decides)
        return None if left is None or right is None else int(not decides)
    right = evaluate(expression[3], fields)
    if left is None or right is None:
        return None
    if isinstance(left, Pattern) or isinstance(right, Pattern):
        text, pieces = (right, left) if isinstance(left, Pattern) else (left, right)
        return int(is_like(text, pieces) == (sign == "=="))
    if isinstance(left, bytes):
        return compare(sign, left, right)
    return of_numbers(sign, left, right)


def matches(expression, fields):
    value = evaluate(expression, fields)
    return value is not None and value != 0
