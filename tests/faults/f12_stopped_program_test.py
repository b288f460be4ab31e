# SPDX-License-Identifier: MIT
"""F12: commands are as fast with a stopped program as without: nobody waits for a program."""

import os
import signal
import sys
import time

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, check, wait_until  # noqa: E402

with Sandbox() as box:
    box.start_daemon()
    program = box.start(box.program(1, "hold=60000"))
    wait_until(lambda: f"(pid {program.pid})" in box.sillage("list")[0], "the registration")
    os.kill(program.pid, signal.SIGSTOP)
    times = []
    for i in range(50):
        start = time.monotonic()
        if i % 2:
            box.sillage("list", "-f")
        else:
            box.sillage("record", "-o", box.root / f"t{i}", "--duration", "0")
        times.append(time.monotonic() - start)
    times.sort()
    print(f"median {times[25] * 1000:.1f} ms, slowest {times[-1] * 1000:.1f} ms, start of the command included")
    # A machine that is busy otherwise delays one of them, but not most.
    check(times[25] < 1 and times[-1] < 10, f"commands took {times[25]:.2f} to {times[-1]:.2f} s while a program was stopped")
    os.kill(program.pid, signal.SIGCONT)
print("ok")
