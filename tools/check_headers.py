#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles every header that others rely on alone, in every language it promises, with every compiler named.

usage: check_headers.py ROOT COMPILER...       e.g. gcc-12 clang-14; C++ with the same program and -x c++
       check_headers.py --self-test COMPILER   shows that a header that does not stand alone is caught

include/sillage/*.h and src/abi/*.h promise C11, C++17 and C++20; include/sillage/*.hpp C++20. tracepoint.h also
has a budget: what it adds of ours to each file that includes it.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

C_LANGUAGES = (("c", "c11"), ("c++", "c++17"), ("c++", "c++20"))
CXX_LANGUAGES = (("c++", "c++20"),)
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Werror"]
BUDGET_LINES = 5000


def compile_alone(root, compiler, language, standard, header):
    """Returns the compiler's complaint about the header, or nothing."""
    command = [compiler, "-x", language, "-std=" + standard, *WARNINGS, "-fsyntax-only",
               "-I", root / "include", "-I", root / "src", "-"]
    result = subprocess.run(command, input=f'#include "{header}"\n', capture_output=True, text=True)
    if result.returncode != 0:
        return f"{header}: does not compile alone with {compiler} -std={standard}\n{result.stderr}"
    return None


def own_preprocessed_lines(root, compiler, language, standard, header):
    """Lines of the preprocessed header that come from this project, blank ones left out."""
    command = [compiler, "-x", language, "-std=" + standard, "-E", "-I", root / "include", "-"]
    text = subprocess.run(command, input=f'#include "{header}"\n', capture_output=True, text=True, check=True).stdout
    count, ours = 0, False
    for line in text.splitlines():
        marker = re.match(r'^# \d+ "([^"]*)"', line)
        if marker:
            ours = marker.group(1).startswith(str(root))
        elif ours and line.strip():
            count += 1
    return count


def check(root, compilers):
    """Yields one message per header, language and compiler that fails."""
    jobs = []
    for header in sorted((root / "include" / "sillage").glob("*.h*")) + sorted((root / "src" / "abi").glob("*.h")):
        for language, standard in CXX_LANGUAGES if header.suffix == ".hpp" else C_LANGUAGES:
            jobs += [(root, compiler, language, standard, header) for compiler in compilers]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(lambda job: compile_alone(*job), jobs))
    tracepoint = root / "include" / "sillage" / "tracepoint.h"
    if tracepoint.exists():
        for language, standard in C_LANGUAGES:
            lines = own_preprocessed_lines(root, compilers[0], language, standard, tracepoint)
            if lines >= BUDGET_LINES:
                yield f"{tracepoint}: {lines} preprocessed lines of ours as {standard}; the budget is {BUDGET_LINES}"


def self_test(compiler):
    cases = [  # header, its text, what the messages must say
        ("good.h", "#include <stdint.h>\nstatic const uint32_t sillage_one = 1;\n", None),
        ("bad.h", "uint32_t one(void);\n", "bad.h: does not compile alone"),
        ("cxx.h", "template <class T> struct X {};\n", "-std=c11"),
        ("good.hpp", "#include <span>\nstd::span<int> one();\n", None),
        ("tracepoint.h", "extern int sillage_x;\n" * BUDGET_LINES, "the budget is"),
    ]
    for name, text, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            header = pathlib.Path(folder) / "include" / "sillage" / name
            header.parent.mkdir(parents=True)
            header.write_text(text)
            messages = list(check(pathlib.Path(folder), [compiler]))
            fits = not messages if expected is None else any(expected in message for message in messages)
            if not fits:
                sys.exit(f"self-test: {name} gave {messages}, expected {expected}")
    print(f"{len(cases)} cases behave")


def main():
    if sys.argv[1:2] == ["--self-test"]:
        return self_test(sys.argv[2])
    messages = list(check(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]))
    for message in messages:
        print(message)
    sys.exit(1 if messages else 0)


if __name__ == "__main__":
    main()
