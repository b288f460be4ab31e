#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a program of LTTng-UST's tells of its objects is the same under LTTng and under Sillage: at the start, and when objects are
loaded and unloaded under the preloaded library that sees dlopen() and dlclose().

state_dump_test.py BIN_DIRECTORY UST_PROGRAMS
"""

import os
import re
import shutil
import sys
import unittest

from truth_test import PROGRAMS, PROVIDER, Sandbox, interop_test

PRELOADED = "liblttng-ust-dl.so.1"
SCRIPT = f"""
cd {PROGRAMS}
./built_in 2
LD_PRELOAD={PRELOADED} ./loose 2 {PROVIDER}
"""
# What is another library under each; the vdso's path and size are no file's.
OWN = re.compile(r"lttng-ust|libsillage|vdso|libnuma")


def told(trace):
    """Lines of the state dump and of the loader, without times and processes; addresses by the object that is there."""
    done = interop_test.run("babeltrace2", "--no-delta", "--fields=loglevel", trace)
    assert done.returncode == 0, done.stderr
    lines, paths = [], {}
    for line in done.stdout.decode().splitlines():
        if not re.search(r"lttng_ust_(statedump|lib|dl):", line):
            continue
        process = re.search(r"vpid = (\d+)", line).group(1)
        line = re.sub(r"^\[[\d:.]+\] |\{ cpu_id = \d+ \}, |\bvpid = \d+, |\bip = \w+", "", line)
        base = re.search(r"baddr = (\w+)", line)
        path = re.search(r'path = "(.*?)"', line)
        if base and path:
            paths[process, base.group(1)] = path.group(1)
        of = paths.get((process, base.group(1)), "nothing") if base else ""
        if not OWN.search(of):
            lines.append(re.sub(r"baddr = \w+", f"baddr of {of}", line))
    return lines


class StateDump(interop_test.Interop):
    def test_lttng_ust(self):
        """Of the class this one is made of: not here."""

    test_sillage = test_random = test_kernel = test_lttng_ust

    def record_by_lttng(self):
        trace = self.directory / "theirs"
        self.lttng("create", "dump", f"--output={trace}")
        self.lttng("enable-event", "-u", "-s", "dump", "--all")
        for context in ("vpid", "ip"):
            self.lttng("add-context", "-u", "-s", "dump", "-t", context)
        self.lttng("start", "dump")
        done = interop_test.run("sh", "-ec", SCRIPT, env=dict(self.environment, LTTNG_UST_REGISTER_TIMEOUT="-1"))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.lttng("destroy", "dump")
        return trace

    def record_by_sillage(self):
        trace = self.directory / "ours"
        with Sandbox() as box:
            _, summary = box.sillage("record", "--ust-compat", "-o", trace, "--context", "vpid", "--context", "ip",
                                     "--", "sh", "-ec", SCRIPT)
        self.assertRegex(summary, r"events lost +0\b")
        return trace

    def test_same_objects(self):
        self.need("lttng", "lttng-sessiond", "babeltrace2")
        self.start_lttng()
        theirs, ours = told(self.record_by_lttng()), told(self.record_by_sillage())
        # Objects in the order of a hash table there, of addresses here.
        self.assertEqual(sorted(ours), sorted(theirs))
        text = "\n".join(ours)
        for name in ("statedump:start", "statedump:procname", "statedump:bin_info", "statedump:build_id", "statedump:debug_link",
                     "statedump:end", "dl:dlopen", "lib:load", "lib:build_id"):
            self.assertIn("lttng_ust_" + name, text)


if __name__ == "__main__":
    if not all(shutil.which(program) for program in ("lttng", "lttng-sessiond", "babeltrace2")):
        sys.exit(77)
    interop_test.enter_namespace()
    os.environ.pop("LD_LIBRARY_PATH", None)
    unittest.main(argv=sys.argv[:1], defaultTest="StateDump.test_same_objects")
