#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The examples of docs/guide/read.md do what the guide says: each block of Python or C++ prints the block of text behind it.

guide_test.py SOURCE_DIRECTORY BIN_DIRECTORY LIBRARY_DIRECTORY CXX [FLAGS]
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import made_traces  # also finds trace_files
from trace_files import PACKET_MAGIC, TSDL_U64, Bits

STAMP = "integer { size = 64; align = 8; map = clock.monotonic.value; }"
I32 = "integer { size = 32; align = 8; signed = true; }"
U32 = "integer { size = 32; align = 8; }"
METADATA = f"""/* CTF 1.8 */
trace {{ major = 1; minor = 8; byte_order = le;
  packet.header := struct {{ {U32} magic; {TSDL_U64} stream_instance_id; }}; }};
env {{ hostname = "machine"; }};
clock {{ name = monotonic; freq = 1000000000; offset_s = 1700000000; }};
stream {{
  packet.context := struct {{ {TSDL_U64} content_size; {TSDL_U64} packet_size; {STAMP} timestamp_begin; {STAMP} timestamp_end;
    {TSDL_U64} events_discarded; {U32} cpu_id; }};
  event.header := struct {{ {U32} id; {STAMP} timestamp; }};
  event.context := struct {{ {I32} tid; string procname; }};
}};
event {{ id = 0; name = "sched_switch"; fields := struct {{ {I32} prev_tid; string next_comm; {I32} next_tid; }}; }};
event {{ id = 1; name = "syscall_entry_read"; fields := struct {{ {U32} fd; }}; }};
"""


def packet(cpu, begin, end, discarded, *records):
    body = b"".join(records)
    bits = 8 * (len(body) + 56)
    head = Bits().u(PACKET_MAGIC, 32).u(cpu, 64)
    for value in (bits, bits, begin, end, discarded):
        head.u(value, 64)
    return bytes(head.u(cpu, 32).data) + body


def record(number, time, tid, comm):
    return Bits().u(number, 32).u(time, 64).u(tid, 32).string(comm)


def switch(time, tid, comm, next_tid, next_comm):
    return bytes(record(0, time, tid, comm).u(tid, 32).string(next_comm).u(next_tid, 32).data)


def read(time, tid, comm, fd):
    return bytes(record(1, time, tid, comm).u(fd, 32).data)


def write_trace(directory):
    cpu_0 = packet(0, 0, 1_200_000, 0, switch(100_000, 0, "swapper", 42, "cat"), read(150_000, 42, "cat", 3),
                   read(250_000, 42, "cat", 4), switch(700_000, 42, "cat", 0, "swapper"),
                   switch(1_000_000, 0, "swapper", 42, "cat"))
    cpu_1 = (packet(1, 0, 300_000, 0, switch(200_000, 0, "swapper", 43, "grep"))
             + packet(1, 500_000, 1_200_000, 7, switch(600_000, 43, "grep", 0, "swapper"),
                      switch(1_100_000, 0, "swapper", 43, "grep")))
    made_traces.write(directory, METADATA, cpu_0=cpu_0, cpu_1=cpu_1)


def main():
    source, _, libraries, cxx, *flags = sys.argv[1:]
    preload = os.environ.get("LD_PRELOAD")
    examples = re.findall(r"^```(python|cpp)\n(.*?)^```\n```text\n(.*?)^```$",
                          pathlib.Path(source, "docs", "guide", "read.md").read_text(encoding="utf-8"), re.M | re.S)
    if len(examples) < 6:
        sys.exit(f"docs/guide/read.md has {len(examples)} examples with their output: the pattern is wrong")
    os.environ.pop("LD_PRELOAD", None)  # a sanitizer's: for Python alone
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sillage-guide-"))
    try:
        write_trace(folder / "my-trace")
        for number, (language, code, expected) in enumerate(examples):
            environment = dict(os.environ, TZ="UTC")
            if language == "python":
                command = [sys.executable, "-W", "error", "-c", code]
                if preload:
                    environment["LD_PRELOAD"] = preload
            else:
                (folder / "example.cpp").write_text(code, encoding="utf-8")
                command = [folder / f"example_{number}"]
                subprocess.run([cxx, "-std=c++20", "-Wall", "-Wextra", *flags, f"-I{source}/include", "example.cpp", "-o",
                                command[0], f"-L{libraries}", "-lsillage-trace", f"-Wl,-rpath,{libraries}", "-pthread"],
                               cwd=folder, check=True, timeout=120)
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
            if (done.returncode, done.stdout, done.stderr) != (0, expected, ""):
                sys.exit(f"this example:\n{code}\nprinted, with status {done.returncode}:\n{done.stdout}{done.stderr}\n"
                         f"instead of:\n{expected}")
    finally:
        shutil.rmtree(folder)
    print(f"{len(examples)} examples print what the guide says")


if __name__ == "__main__":
    main()
