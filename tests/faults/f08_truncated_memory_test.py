# SPDX-License-Identifier: MIT
"""F08: nobody can make shared memory shorter or longer: its seals refuse, daemon and program live."""

import os
import re
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[2])
from sillage_test import Sandbox, cannot, check, lost, recorded, wait_until  # noqa: E402

with Sandbox() as box:
    daemon = box.start_daemon()
    recorder = box.start([box.bin / "sillage", "record", "-o", box.root / "t", "--",
                          *box.program(3000, "pause=1000", "hold=60000")], stderr=subprocess.PIPE)
    wait_until(lambda: re.search(r"\(pid (\d+)\)", box.sillage("list")[0]), "the registration")
    pid = int(re.search(r"\(pid (\d+)\)", box.sillage("list")[0]).group(1))

    def shared(process):
        """Files under /proc that are memory shared between program and daemon, with their names."""
        found = {}
        for folder in ("map_files", "fd"):
            for entry in os.scandir(f"/proc/{process}/{folder}"):
                try:
                    name = os.readlink(entry.path)
                except OSError:
                    continue  # gone meanwhile
                if name.startswith("/memfd:sillage"):
                    found[entry.path] = name
        return found

    try:
        wait_until(lambda: any("ring" in name for name in shared(pid).values()), "the program's rings")
    except PermissionError:
        cannot("/proc/PID/map_files needs root")
    kinds = set()
    for process in (pid, daemon.pid):
        for path, name in shared(process).items():
            for change in (0, 1 << 40):
                try:
                    os.truncate(path, change)
                    check(False, f"{path} ({name}) was resized to {change}")
                except PermissionError:
                    kinds.add(name.split()[0])
                except FileNotFoundError:
                    pass  # gone meanwhile
    print("sealed:", ", ".join(sorted(kinds)))
    check(len(kinds) >= 3, f"image, ring and clock were tried: {kinds}")
    check(daemon.poll() is None and recorder.poll() is None, "all live on")
    time.sleep(0.5)
    recorder.send_signal(2)
    _, summary = recorder.communicate(timeout=60)
    check(recorded(summary) > 100 and lost(summary) == 0, summary)
print("ok")
