#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every kind of field, the log levels, the contexts and the clock, from tracepoints in C and C++ to independent readers:
babeltrace2's library for CTF 1.8, tools/ctf2_check.py for CTF 2.

    values_test.py SILLAGE PROGRAM SOURCE_DIRECTORY
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import bt2

CONTEXTS = ("vpid vtid procname pthread_id ip cpu_id cgroup_ns ipc_ns mnt_ns net_ns pid_ns time_ns user_ns uts_ns "
            "vuid veuid vsuid vgid vegid vsgid").split()
LEVELS = {value: name for name, value in vars(bt2.EventClassLogLevel).items() if name[0] != "_"}
# As CTF 2 has them; of an enumeration its value. CTF 1.8 has no blobs: lists of bytes.
EXPECTED = {
    "c:none": ("EMERG", {}),
    "c:integers": ("ALERT", {"i8": -128, "u8": 255, "i16": -32768, "u16": 65535, "i32": -2**31, "u32": 2**32 - 1,
                             "i64": -2**63, "u64": 2**64 - 1}),
    "c:bases": ("CRIT", {"hex": 0xBEEF, "oct": 0o755, "bin": 5, "port": 443, "address": 0x7F000001}),
    "c:scalars": ("ERR", {"yes": True, "no": False, "f": 1.5, "d": -2.25, "state": (4, ["busy"]), "unknown": (77, [])}),
    "c:texts": ("WARNING", {"text": 'héllo "w"', "array": "six", "as_string": "six", "part": "hé", "null": "(null)",
                            "empty": ""}),
    "c:arrays": ("NOTICE", {"numbers": [-1, 0, 1], "reals": [0.5, 1e300], "some": [-1, 0], "nothing": [],
                            "hex": [0x49, 0x49, 0x2A], "image": bytes([0x49, 0x49, 0x2A, 0]),
                            "data": bytes([0x49, 0x49])}),
    "c:partly": ("INFO", {"written": 1, "last": 3}),
    "lttng_ust_tracef:event": ("DEBUG", {"msg": "7 of nine"}),
    "lttng_ust_tracelog:TRACE_NOTICE": ("NOTICE", {"line": None, "file": None, "func": "emit_from_c",
                                                   "msg": "logged 8"}),
    "cpp:values": ("DEBUG", {"text": "a string", "view": "string", "colour": (2, ["kGreen"]), "array": [1, -1],
                             "vector": [3, 4, 65535], "ports": [0x0300, 0x0400, 0xFFFF], "flag": True}),
}


def check(condition, message):
    if not condition:
        print(f"FAILED: {message}", file=sys.stderr)
        sys.exit(1)


def plain(field):
    """The Python value of a bt2 field."""
    if isinstance(field, bt2._EnumerationFieldConst):
        # Not field.labels: it fails where there is none.
        labels = [label for label, mapping in field.cls.items()
                  if any(piece.lower <= int(field) <= piece.upper for piece in mapping.ranges)]
        return (int(field), labels)
    if isinstance(field, bt2._StructureFieldConst):
        return {name: plain(value) for name, value in field.items()}
    if isinstance(field, bt2._ArrayFieldConst):
        return [plain(value) for value in field]
    if isinstance(field, bt2._StringFieldConst):
        return str(field)
    return float(field) if isinstance(field, bt2._RealFieldConst) else int(field)


def read_with_bt2(path):
    """(name, level, time in ns of the clock, cpu of the packet, contexts, payload) of each event."""
    for message in bt2.TraceCollectionMessageIterator(str(path)):
        if type(message) is not bt2._EventMessageConst:
            continue
        event = message.event
        level = LEVELS.get(event.cls.log_level)
        yield (event.name, level, message.default_clock_snapshot.value, int(event.packet.context_field["cpu_id"]),
               plain(event.common_context_field), plain(event.payload_field))


def of_json(value):
    if isinstance(value, dict) and "hex" in value:
        return bytes.fromhex(value["hex"])
    if isinstance(value, dict):
        return (value["value"], value["labels"])
    return value


def read_with_check(checker, path):
    done = subprocess.run([sys.executable, checker, "--events", path], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        event = json.loads(line)
        yield (event["name"], event["log-level"], event["time"], event["packet-context"]["cpu_id"],
               {name: of_json(value) for name, value in event["common-context"].items()},
               {name: of_json(value) for name, value in event["payload"].items()})


def level_name(text):
    """EMERG for babeltrace2's EMERGENCY and for CTF 2's "emergency"."""
    text = text.upper().replace(":", "_")
    return {"EMERGENCY": "EMERG", "CRITICAL": "CRIT", "ERROR": "ERR"}.get(text, text)


def same(expected, value):
    """CTF 1.8 has neither booleans nor blobs: numbers and lists of numbers."""
    if isinstance(expected, bytes):
        return bytes(value) == expected
    return expected is None or (tuple(value) if isinstance(expected, tuple) else value) == expected


def check_values(events, what):
    seen = {}
    for name, level, _, _, _, payload in events:
        if name not in EXPECTED:
            continue
        seen[name] = seen.get(name, 0) + 1
        expected_level, expected = EXPECTED[name]
        # Lengths of sequences are fields of their own.
        payload = {key: value for key, value in payload.items() if not re.fullmatch(r"_+\w+_length", key)}
        check(list(payload) == list(expected), f"{what} {name}: fields {list(payload)}")
        for key, value in payload.items():
            check(same(expected[key], value), f"{what} {name}: {key} is {value!r}, expected {expected[key]!r}")
        check(level is not None and level_name(level) == expected_level, f"{what} {name}: level {level}")
    check(seen == dict.fromkeys(EXPECTED, 1), f"{what}: {seen}")


def check_contexts(events, facts, what):
    for name, _, _, cpu, contexts, _ in events:
        check(list(contexts) == CONTEXTS, f"{what} {name}: contexts {list(contexts)}")
        check(contexts["cpu_id"] == cpu, f"{what} {name}: cpu_id {contexts['cpu_id']} in a packet of CPU {cpu}")
        if name == "cpp:clock":
            continue  # also of the second thread
        for key, value in facts.items():
            check(str(contexts[key]) == value, f"{what} {name}: {key} {contexts[key]}, expected {value}")


def check_clock(events, what):
    """Each event's time lies behind the clock read in front of it, by less than a millisecond as a rule."""
    delays = sorted(time - payload["before_ns"] for name, _, time, _, _, payload in events if name == "cpp:clock")
    check(len(delays) == 1000, f"{what}: {len(delays)} clock events")
    print(f"{what}: event time - CLOCK_MONOTONIC in front of it: least {delays[0]} ns, median {delays[500]} ns, "
          f"most {delays[-1]} ns")
    # The parameters of the TSC are kept to 2 us of the kernel's clock (src/collect/clock_keeper.hpp).
    check(delays[0] > -2000 and delays[500] < 20_000, f"{what}: the clock is off")


def main():
    sillage, program, source = sys.argv[1:]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sillage-values-"))
    (folder / "run").mkdir(mode=0o700)
    try:
        for rseq in ("1", "0"):
            environment = dict(os.environ, SILLAGE_RUNTIME_DIR=str(folder / "run"), SILLAGE_RSEQ=rseq)
            for version in ("ctf-1.8", "ctf-2"):
                what = f"{version} rseq={rseq}"
                trace = folder / (version + rseq)
                command = [sillage, "record", "-o", str(trace), "--trace-format", version]
                for context in CONTEXTS:
                    command += ["--context", context]
                done = subprocess.run(command + ["--", program], env=environment, capture_output=True, text=True,
                                      timeout=60, check=False)
                check(done.returncode == 0, done.stderr)
                facts = dict(line.split(" ", 1) for line in done.stdout.splitlines())
                path = next(trace.glob("ust/uid/*/64-bit"))
                checker = os.path.join(source, "tools", "ctf2_check.py")
                events = list(read_with_bt2(path) if version == "ctf-1.8" else read_with_check(checker, path))
                check_values(events, what)
                check_contexts(events, facts, what)
                check_clock(events, what)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("ok")


if __name__ == "__main__":
    main()
