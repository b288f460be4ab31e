# SPDX-License-Identifier: MIT
"""F22: the collector is stopped while a program writes on: events are dropped, the program is not, the count is exact."""

import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, check, lost, read_trace, recorded, wait_until  # noqa: E402

EVENTS = 60000

with Sandbox() as box:
    daemon = box.start_daemon()
    recorder = box.start([box.bin / "sillage", "record", "-o", box.root / "t", "--subbuf-size", "16K"],
                         stderr=subprocess.PIPE)
    # Said when whoever registers from now on is recorded from its first event.
    begun = recorder.stderr.readline()
    check(begun.startswith("Recording "), begun)
    program = box.start(box.program(EVENTS, "pause=1"))
    wait_until(lambda: f"(pid {program.pid})" in box.sillage("list")[0], "the registration")
    time.sleep(0.3)
    os.kill(daemon.pid, signal.SIGSTOP)
    start = time.monotonic()
    check(program.wait(timeout=60) == 0, "the program ends by itself while nobody reads")
    print(f"the program ran on for {time.monotonic() - start:.1f} s")
    os.kill(daemon.pid, signal.SIGCONT)
    recorder.send_signal(signal.SIGINT)
    _, summary = recorder.communicate(timeout=30)
    read = len(read_trace(box.root / "t"))
    check(lost(summary) > 0 and read == recorded(summary), summary)
    check(read + lost(summary) == EVENTS + 1, f"sent {EVENTS + 1}, read {read}:\n{summary}")
    print(f"read {read}, lost {lost(summary)}")
print("ok")
