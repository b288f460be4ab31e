# SPDX-License-Identifier: MIT
"""Runs the C++ client's test with a daemon of its own, then counts what is in its traces by another reader."""

import subprocess

from sillage_test import Sandbox, check, read_trace

with Sandbox() as box:
    done = subprocess.run([box.bin / "control_client_test"], env=dict(box.environment, TRACES=str(box.root)), timeout=100)
    check(done.returncode == 0, f"control_client_test: status {done.returncode}")
    # What each test says it has recorded, in a file beside the trace.
    counts = sorted(box.root.glob("*.expected"))
    check(len(counts) == 5, counts)
    for file in counts:
        wanted = int(file.read_text())
        found = sum("client:step:" in line for line in read_trace(file.with_suffix("")))
        check(found == wanted, f"{file.name}: {found} events instead of {wanted}")
