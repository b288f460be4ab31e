#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs of 32 bits that are built with LTTng-UST's headers: the same text as of 64 bits, and every event accounted for.

ia32_test.py BIN_DIRECTORY UST_PROGRAMS IA32_BUILD: of the build; what arch_ia32 has built.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS, BUILD = (pathlib.Path(path).resolve() for path in sys.argv[2:4])
LIBRARIES = BUILD / "lib/sillage/ust"
sys.path[:0] = [str(HERE.parent / folder) for folder in ("daemon", "read")]
NARROW = tempfile.mkdtemp(prefix="sillage-ia32-")
sys.argv[2:4] = [NARROW, str(LIBRARIES)]  # what life_test takes for its programs and libraries
import life_test  # pylint: disable=wrong-import-position
from sillage_test import Sandbox, check  # pylint: disable=wrong-import-position
from truth_test import text_of  # pylint: disable=wrong-import-position


def build(name, sources, *options):
    """With Debian's headers, against our libraries: Debian has its own for 32 bits only where that architecture is added."""
    libraries = [f"-l:liblttng-ust{part}.so.1" for part in ("", "-common", "-tracepoint")]
    subprocess.run(["gcc-12", "-m32", "-std=gnu11", "-O2", "-w", "-idirafter", "/usr/include/x86_64-linux-gnu", f"-I{HERE}",
                    *options, *(str(HERE / source) for source in sources), "-o", f"{NARROW}/{name}", f"-L{LIBRARIES}",
                    *libraries, f"-Wl,-rpath-link,{BUILD}/lib", "-ldl", "-pthread"], check=True)


def narrowed(line):
    """With what the program has in a `long` cut to 32 bits."""
    line = re.sub(r"(?<= hex = 0x)[0-9A-F]+", lambda match: f"{int(match.group(), 16) & 0xffffffff:X}", line)
    return re.sub(r"(?<=old_names:second).*", "", line)


def says_the_same(box):
    texts = []
    for program in (PROGRAMS / "built_in", pathlib.Path(NARROW, "built_in")):
        path = box.root / f"trace{len(texts)}"
        box.sillage("record", "--ust-compat", "--context", "procname", "-o", path, "--", program, "24")
        texts.append([narrowed(line) for line in text_of(path)])
    check(len(texts[0]) == 24 * 14, f"{len(texts[0])} events")
    for wide, narrow in zip(*texts):
        check(wide == narrow, f"\n64 bits: {wide}\n32 bits: {narrow}")
    check(len(texts[0]) == len(texts[1]), f"{len(texts[1])} events of 32 bits")


def is_filtered(box):
    _, summary = box.sillage("record", "--ust-compat", "-e", "every:integers", "--filter", "i32 == 0", "-o", box.root / "some",
                             "--", pathlib.Path(NARROW, "built_in"), "5")
    check("events recorded  1\n" in summary, summary)


def counts_for_threads(box):
    """As counters_test.py, but for what LTTng says; where perf_event_open(2) is allowed."""
    program = pathlib.Path(NARROW, "counting")
    if b"perf_event_open" in subprocess.run([program, "1"], env=box.environment, capture_output=True, check=False).stderr:
        return
    _, summary = box.sillage("record", "--ust-compat", "--context", "perf:thread:page-fault", "-o", box.root / "counted",
                             "--", program, "20", "refuse", "fork", "close")
    check("events lost      0\n" in summary, summary)
    lines = [line for line in text_of(box.root / "counted") if "life:step" in line]
    check(len(lines) == 20 * 6 + 2, f"{len(lines)} events")
    for who, is_counted in (("1", True), ("4", True), ("6", True), ("7", False)):
        found = [int(re.search(r"perf_thread_page_fault = (\d+)", line).group(1)) for line in lines if f"who = {who}," in line]
        more = [there - here for here, there in zip(found, found[1:])]
        check(len(more) == 19 and (min(more) >= 10) == is_counted and (max(found) > 0) == is_counted, f"{who}: {found}")


def main():
    subprocess.run(["gcc-12", "-m32", "-std=gnu11", "-fsyntax-only", f"-I{HERE.parent.parent / 'src'}", "-idirafter",
                    "/usr/include/x86_64-linux-gnu", str(HERE / "interface_test.c")], check=True)
    build("built_in", ("program.c", "provider.c", "provider_old_names.c"))
    build("life", ("life.c",))
    build("counting", ("counting.c",))
    build("plugin.so", ("plugin.c",), "-shared", "-fPIC")
    for case in (says_the_same, is_filtered, counts_for_threads, life_test.everything_is_accounted_for, life_test.root_is_given_up,
                 life_test.a_provider_is_unloaded_under_load, life_test.wanted_later_and_no_more):
        with Sandbox() as box:
            box.environment["LD_LIBRARY_PATH"] = str(LIBRARIES)
            case(box)


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(NARROW)
