#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the rooms stay apart: who includes whom, that each room is described and tested, file sizes.

usage: check_layers.py [ROOT]      prints one line per violation, exits 1 if there is any
       check_layers.py --self-test shows on small trees that each kind of violation is caught
"""
import pathlib
import re
import sys
import tempfile

# What each room may include besides itself. "include" is include/sillage, "std" any header of the C or C++
# library or of a third party. Why: docs/architecture.md.
ROOMS = {
    "include": {"std"},
    "src/abi": set(),
    "src/base": {"std"},
    "src/bpf": {"std", "src/base"},
    "src/tracefs": {"std", "src/base"},
    "src/kernel": {"std", "src/abi", "src/base", "src/bpf", "src/ctf", "src/filter", "src/ring", "src/tracefs"},
    "src/probe": {"std", "include", "src/abi"},
    "src/ust": {"std", "include", "src/abi", "src/probe"},
    "src/ring": {"std", "src/abi", "src/base"},
    "src/ctf": {"std", "src/base"},
    "src/trace": {"std", "include", "src/base", "src/ctf"},
    "src/filter": {"std", "src/base", "src/bpf"},
    "src/convert": {"std", "src/base", "src/ctf"},
    "src/import": {"std", "src/base", "src/ctf", "src/tracefs"},
    "python": {"std", "include"},
    "src/session": {"std", "src/base", "src/filter"},
    "src/symbols": {"std", "src/base", "src/ctf"},
    "src/report": {"std", "src/base", "src/ctf", "src/filter", "src/session"},
    "src/collect": {"std", "src/abi", "src/base", "src/ring", "src/ctf", "src/session"},
    "src/hold": {"std", "src/base"},
    "src/apps": {"std", "src/abi", "src/base", "src/bpf", "src/filter", "src/session"},
    "src/control": {"std", "src/base", "src/session"},
    "src/lttng": {"std", "src/base", "src/control", "src/session"},
    "src/client": {"std", "include", "src/apps", "src/base", "src/control", "src/lttng"},
}
# What may include everything: mains, and what looks at several rooms at once. None may be included.
OPEN_FOLDERS = ("programs", "tests", "fuzz", "bench", "examples")
# The ABI must compile freestanding, in C, and mean the same on both sides.
ABI_STD = {"stdint.h"}
MAX_LINES = 800

CODE = {".c", ".h", ".cpp", ".hpp"}
SCRIPTS = {".py", ".sh", ".cmake", ".pml"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SKIPPED_FOLDERS = {"build", ".git", "__pycache__"}


def room_of(path):
    """The room a file of the tree is in: "include", "src/NAME" or the first folder's name."""
    return "/".join(path.parts[:2]) if path.parts[0] == "src" else path.parts[0]


def target_of(root, includer, style, name):
    """The room that an include leads to; "std" for anything that is not of this tree."""
    if ".." in pathlib.PurePosixPath(name).parts:
        return "a path with .."
    if name.startswith("sillage/"):
        return "include"
    if style == '"' and (root / includer.parent / name).exists() and "/" not in name:
        return room_of(includer)
    first = name.split("/")[0]
    if (root / "src" / first).is_dir() and "/" in name:
        return "src/" + first
    return "std" if style == "<" else "a file that is not in src/ (" + name + ")"


def check_includes(root, path, text):
    room = room_of(path)
    if room in OPEN_FOLDERS:
        allowed = None
    elif room in ROOMS:
        allowed = ROOMS[room] | {room}
    else:
        yield f"{path}: {room} is not in the table of tools/check_layers.py"
        return
    for match in INCLUDE.finditer(text):
        style, name = match.groups()
        line = text.count("\n", 0, match.start(2)) + 1
        target = target_of(root, path, style, name)
        if room == "src/abi" and target == "std" and name in ABI_STD:
            continue
        if allowed is None:
            if target.startswith("a path"):
                yield f"{path}:{line}: includes {target}"
        elif target not in allowed:
            yield f"{path}:{line}: {room} may not include {target} ({name})"


def tree_files(root):
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and not SKIPPED_FOLDERS & set(relative.parts):
            yield relative


def check_tree(root):
    """Yields one message per violation."""
    files = list(tree_files(root))
    for path in files:
        if path.suffix not in CODE | SCRIPTS and path.name not in ("CMakeLists.txt", "dev"):
            continue
        text = (root / path).read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > MAX_LINES:
            yield f"{path}: {lines} lines; {MAX_LINES} at most: give the file one job"
        if path.suffix in CODE and len(path.parts) > 1:
            yield from check_includes(root, path, text)
    for folder in sorted((root / "src").glob("*/")) if (root / "src").is_dir() else []:
        module = folder.name
        inside = [p for p in files if p.parts[:2] == ("src", module)]
        beside = [p for p in files if p.parts[:2] == ("tests", module)]
        if not inside:
            continue
        if pathlib.Path("src", module, "README.md") not in inside:
            yield f"src/{module}: no README.md"
        if not any(re.search(r"_test\.(c|cpp|py|sh)$", p.name) for p in inside + beside):
            yield f"src/{module}: no test (src/{module}/*_test.* or tests/{module}/*_test.*)"


def self_test():
    good = {
        "src/abi/ring.h": "#include <stdint.h>\n",
        "src/base/fd.hpp": "#include <unistd.h>\n",
        "src/ring/reader.hpp": '#include "abi/ring.h"\n#include "base/fd.hpp"\n#include "reader_part.hpp"\n',
        "src/ring/reader_part.hpp": "",
        "src/probe/emit.cpp": '#include <sillage/site.h>\n#include "abi/ring.h"\n',
        "include/sillage/site.h": "#include <stdint.h>\n",
        "tests/probe/emit_test.cpp": '#include "ring/reader.hpp"\n',
        "programs/sillage.cpp": '#include "ring/reader.hpp"\n',
    }
    for module in ("abi", "base", "ring"):
        good[f"src/{module}/x_test.cpp"] = ""
    for module in ("abi", "base", "ring", "probe"):
        good[f"src/{module}/README.md"] = ""
    cases = [  # what is added or changed; what the only message must say (None: no message)
        ({}, None),
        ({"src/ring/bad.cpp": '#include "ctf/packet.hpp"\n', "src/ctf/packet.hpp": "",
          "src/ctf/README.md": "", "src/ctf/x_test.cpp": ""}, "src/ring/bad.cpp:1: src/ring may not include src/ctf"),
        ({"src/probe/emit.cpp": "\n#include <base/fd.hpp>\n"}, "emit.cpp:2: src/probe may not include src/base"),
        ({"src/base/fd.hpp": "#  include <sillage/site.h>\n"}, "src/base may not include include"),
        ({"src/abi/ring.h": "#include <stddef.h>\n"}, "src/abi may not include std"),
        ({"include/sillage/site.h": '#include "abi/ring.h"\n'}, "include may not include src/abi"),
        ({"src/base/fd.hpp": '#include "../ring/reader.hpp"\n'}, "a path with .."),
        ({"src/drawer/x.hpp": "", "src/drawer/README.md": "", "src/drawer/x_test.sh": ""}, "not in the table"),
        ({"src/ring/README.md": None}, "src/ring: no README.md"),
        ({"tests/probe/emit_test.cpp": None}, "src/probe: no test"),
        ({"programs/sillage.cpp": "\n" * (MAX_LINES + 1)}, f"{MAX_LINES + 1} lines"),
    ]
    for change, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**good, **change}.items():
                if text is not None:
                    (root / name).parent.mkdir(parents=True, exist_ok=True)
                    (root / name).write_text(text, encoding="utf-8")
            messages = list(check_tree(root))
            if expected is None:
                as_expected = not messages
            else:
                as_expected = len(messages) == 1 and expected in messages[0]
            if not as_expected:
                sys.exit(f"self-test: {change} gave {messages}, expected {expected}")
    print(f"{len(cases)} cases behave")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    messages = list(check_tree(root))
    for message in messages:
        print(message)
    sys.exit(1 if messages else 0)


if __name__ == "__main__":
    main()
