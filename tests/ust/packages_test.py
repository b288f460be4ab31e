#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's own packages with LTTng-UST's tracepoints, as they come, under LTTng and under Sillage: the same events.

packages_test.py BIN_DIRECTORY UST_PROGRAMS: of the build. What is not installed is left out.
"""

import ctypes.util
import os
import pathlib
import shutil
import sys
import unittest

import truth_test
from truth_test import Truth, interop_test, text_of

# A desktop file and no systemd: the library goes all the way to the call of systemd, which fails.
LAUNCH = """
import ctypes
library = ctypes.CDLL("liblomiri-app-launch.so.0")
library.lomiri_app_launch_start_application(b"sillage-test", None)
"""


class Packages(Truth):
    test_same_text = Truth.test_lttng_ust

    def compare(self, script, least, *events):
        """Both traces of a shell script's programs have the same text, at least so many events, and these among them."""
        self.need("lttng", "lttng-sessiond", "babeltrace2")
        self.start_lttng()
        truth_test.SCRIPT = script
        # The answer of systemd, which may come too late for the program.
        theirs, ours = ([line for line in text_of(trace) if "message_callback" not in line]
                        for trace in (self.record_by_lttng(), self.record_by_sillage()))
        print("\n".join(ours), flush=True)
        self.assertGreaterEqual(len(theirs), least)
        for event in events:
            self.assertTrue(any(event in line for line in theirs), event)
        self.assertEqual(ours, theirs)

    def test_lomiri_app_launch_profiler(self):
        self.need("lomiri-app-launch-tracepoints")
        self.compare("lomiri-app-launch-tracepoints\nlomiri-app-launch-tracepoints", 2, "app:invokeApplauncher")

    def test_liblomiri_app_launch0(self):
        self.need("dbus-run-session")
        if ctypes.util.find_library("lomiri-app-launch") is None:
            self.skipTest("liblomiri-app-launch0 is not installed")
        (self.directory / "applications").mkdir()
        (self.directory / "applications/sillage-test.desktop").write_text(
            "[Desktop Entry]\nName=Test\nType=Application\nExec=/bin/true\nIcon=none\n")
        (self.directory / "launch.py").write_text(LAUNCH)
        self.compare(f"XDG_DATA_HOME={self.directory} XDG_DATA_DIRS={self.directory} dbus-run-session "
                     f"/usr/bin/python3 {self.directory}/launch.py >/dev/null 2>&1", 4, "lomiri_app_launch:handshake_complete")

    def test_libmirserver58(self):
        self.need("mir_demo_server")
        # A server for whose displays there is no library: it looks at what there is, reports it and gives up.
        platforms = self.directory / "platforms"
        platforms.mkdir()
        (platforms / "broken.so.1").write_text("no library\n")
        (platforms / "missing.so.2").symlink_to("/nonexistent")
        for library in pathlib.Path("/usr/lib").glob("*/mir/tools/libmirserverlttng.so"):
            (platforms / library.name).symlink_to(library)
        self.compare(f"XDG_RUNTIME_DIR={self.directory} mir_demo_server --console-provider=none "
                     f"--platform-path={platforms} --shared-library-prober-report=lttng >/dev/null 2>&1 || true",
                     2, "mir_server_shared_library_prober:loading_library")


if __name__ == "__main__":
    if not all(shutil.which(program) for program in ("lttng", "lttng-sessiond", "babeltrace2")):
        sys.exit(77)
    interop_test.enter_namespace()
    os.environ.pop("LD_LIBRARY_PATH", None)
    tests = unittest.TestSuite(Packages(name) for name in (
        "test_lomiri_app_launch_profiler", "test_liblomiri_app_launch0", "test_libmirserver58"))
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if len(result.skipped) == tests.countTestCases() else 0)
