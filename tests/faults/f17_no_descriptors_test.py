# SPDX-License-Identifier: MIT
"""F17: the daemon may open no more files: new programs are refused and counted, old ones go on, and it recovers."""

import resource
import sys
import time

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, check, open_files, recorded, wait_until  # noqa: E402

with Sandbox() as box:
    # Inherited by the daemon, which raises its soft limit to the hard one.
    daemon = box.start_daemon(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    old = box.start(box.program(100000, "pause=1000"))
    wait_until(lambda: f"(pid {old.pid})" in box.sillage("list")[0], "the first registration")
    recorder = box.start([box.bin / "sillage", "record", "-o", box.root / "t"], stderr=-1)
    wait_until(lambda: list((box.root / "t").glob("ust/uid/*/64-bit/metadata")), "the recording")

    many = [box.start(box.program(1, "hold=60000"), stdout=-3) for _ in range(80)]
    time.sleep(1)
    files = open_files(daemon.pid)
    check(files <= 64 and daemon.poll() is None, f"{files} files open")
    check(all(program.poll() is None for program in many), "programs go on untraced")

    for program in many:
        program.kill()
    for program in many:
        program.wait()
    wait_until(lambda: open_files(daemon.pid) < 40, "descriptors to come back")
    out, _ = box.sillage("version")
    check("refused" in out, f"the count is shown: {out}")
    out, _ = box.sillage("list")
    check(f"(pid {old.pid})" in out, "the old program is still there")
    late = box.start(box.program(1, "hold=60000"))
    wait_until(lambda: f"(pid {late.pid})" in box.sillage("list")[0], "a new program after the shortage")
    recorder.send_signal(2)
    _, summary = recorder.communicate(timeout=60)
    check(recorded(summary) > 500, summary)
print("ok")
