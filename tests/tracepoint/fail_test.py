#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Wrong tracepoints must not compile, and the compiler must say which field is wrong.

usage: fail_test.py ROOT C_COMPILER CXX_COMPILER

Each file of fail/ says in a line "expect: TEXT" what the compiler's errors must contain. Compiled with -DFIXED
it must be accepted, which shows that the mistake, not something else, was refused.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys


def run_compiler(compiler, standard, root, source, *more):
    command = [compiler, "-std=" + standard, "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
               "-I", root / "include", *more, source]
    return subprocess.run(command, capture_output=True, text=True)


def check(root, c_compiler, cxx_compiler, source):
    """Returns what is wrong with this case, or None."""
    expected = re.search(r"expect: (.*?)( \*/)?$", source.read_text(), re.M).group(1)
    is_c = source.suffix == ".c"
    for standard in ("c11",) if is_c else ("c++17", "c++20"):
        compiler = c_compiler if is_c else cxx_compiler
        wrong = run_compiler(compiler, standard, root, source)
        errors = "\n".join(line for line in wrong.stderr.splitlines() if "error:" in line)
        if wrong.returncode == 0:
            return f"{source.name}: {compiler} -std={standard} accepts it"
        if expected not in errors:
            return f"{source.name}: {compiler} -std={standard} does not say {expected!r}, but:\n{wrong.stderr}"
        right = run_compiler(compiler, standard, root, source, "-DFIXED")
        if right.returncode != 0:
            return f"{source.name}: {compiler} -std={standard} refuses the right use too:\n{right.stderr}"
    return None


def main():
    root, c_compiler, cxx_compiler = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    cases = sorted((root / "tests/tracepoint/fail").glob("*.c*"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [f for f in pool.map(lambda case: check(root, c_compiler, cxx_compiler, case), cases) if f]
    print("\n".join(failures))
    print(f"{len(cases) - len(failures)} of {len(cases)} mistakes are refused with a message that names them")
    sys.exit(1 if failures or not cases else 0)


if __name__ == "__main__":
    main()
