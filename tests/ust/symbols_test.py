#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nothing that programs can refer to is missing: every name that Debian's libraries export, ours export, too.

symbols_test.py BIN_DIRECTORY UST_PROGRAMS UST_LIBRARIES
"""

import pathlib
import re
import subprocess
import sys

LIBRARIES = pathlib.Path(sys.argv[3])
NAMES = ("liblttng-ust-common.so.1", "liblttng-ust-tracepoint.so.1", "liblttng-ust.so.1")
HELPERS = ("cyg-profile", "cyg-profile-fast", "dl", "fd", "fork", "libc-wrapper", "pthread-wrapper", "python-agent")
# Bounds of a section, which each object has of its own.
NO_INTERFACE = re.compile(r"__(start|stop)_lttng_ust_tracepoints_ptrs")


def output_of(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def symbols(library, kind):
    """Name to type letter and whether it is thread-local."""
    thread_local = {line.split()[-1] for line in output_of("readelf", "-Ws", "--dyn-syms", library).splitlines()
                    if " TLS " in line}
    lines = (line.split() for line in output_of("nm", "-D", kind, library).splitlines())
    return {words[-1].split("@")[0]: (words[-1].split("@")[0] in thread_local) for words in lines}


def main():
    theirs = {name: pathlib.Path(path) for name, path in re.findall(
        r"^\s*(liblttng-ust\S*) .*=> (\S+)$", output_of("/sbin/ldconfig", "-p"), re.MULTILINE)}
    if any(name not in theirs for name in NAMES):
        print("LTTng-UST is not installed")
        return 77
    wrong, checked = [], 0
    for name in NAMES:
        ours = symbols(LIBRARIES / name, "--defined-only")
        soname = re.search(r"SONAME.*\[(.*)\]", output_of("readelf", "-d", LIBRARIES / name)).group(1)
        if soname != name:
            wrong.append(f"{name}: its soname is {soname}")
        for symbol, is_local in symbols(theirs[name], "--defined-only").items():
            checked += 1
            if symbol not in ours and not NO_INTERFACE.fullmatch(symbol):
                wrong.append(f"{name}: {symbol} is missing")
            elif symbol in ours and ours[symbol] != is_local:
                wrong.append(f"{name}: {symbol} is {'not ' if is_local else ''}thread-local")
    # What the helper libraries need, of which some is in no public header.
    everything = {symbol for name in NAMES for symbol in symbols(LIBRARIES / name, "--defined-only")}
    for helper in HELPERS:
        path = theirs.get(f"liblttng-ust-{helper}.so.1")
        for line in output_of("nm", "-D", "--undefined-only", path).splitlines() if path else []:
            kind, symbol = line.split()[:2]
            checked += 1
            if kind == "U" and "lttng" in symbol and symbol not in everything:
                wrong.append(f"{helper}: needs {symbol}")
    print(f"{checked} names looked up", *wrong, sep="\n")
    return 1 if wrong or checked < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
