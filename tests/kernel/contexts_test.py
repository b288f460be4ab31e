#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Contexts of kernel events say what /proc says of the process.

    contexts_test.py SILLAGE
"""

import json
import os
import pathlib
import platform
import subprocess
import sys

import recording

NAMESPACES = {"cgroup_ns": "cgroup", "ipc_ns": "ipc", "mnt_ns": "mnt", "net_ns": "net", "pid_ns": "pid", "time_ns": "time",
              "user_ns": "user", "uts_ns": "uts"}
IDS = ("uid", "euid", "suid", "gid", "egid", "sgid", "vuid", "veuid", "vsuid", "vgid", "vegid", "vsgid")
PLAIN = ("pid", "tid", "ppid", "vpid", "vtid", "vppid", "procname", "prio", "nice", "hostname")
# What the program says of itself, then one system call that can be found again.
PROGRAM = r"""
import ctypes, json, os
namespaces = {name: os.stat("/proc/self/ns/" + name).st_ino for name in os.listdir("/proc/self/ns")}
os.nice(7)
os.setresgid(101, 102, 103)
os.setresuid(201, 202, 203)
status = open("/proc/thread-self/status").read()
stat = open("/proc/thread-self/stat").read()
print(json.dumps({
    "status": dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line),
    "stat": stat[stat.rindex(")") + 2:].split(),
    "own": [os.getpid(), os.getppid()],
    "namespaces": namespaces,
}), flush=True)
ctypes.CDLL(None).getpriority(0, 0)
"""


class Contexts(recording.KernelTest):
    def program_in(self, *before):
        """(contexts of its call, what it said of itself)."""
        names = [*PLAIN, *IDS, *NAMESPACES]
        options = ["--syscall=getpriority", *(word for name in names for word in ("--context", name))]
        run = self.begin(*options)
        done = subprocess.run([*before, sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
        self.end(run)
        said = json.loads(done.stdout)
        trace = recording.Trace(run.output, lambda name: name == "syscall_entry_getpriority")
        found = [event.context for event in trace.events if event.context["uid"] == 201]
        self.assertEqual(len(found), 1, [event.context for event in trace.events])
        return found[0], said

    def check(self, context, said):
        status = said["status"]
        uids, gids = ([int(number) for number in status[name].split()[:3]] for name in ("Uid", "Gid"))
        self.assertEqual([context[name] for name in ("uid", "euid", "suid")], uids)
        self.assertEqual([context[name] for name in ("gid", "egid", "sgid")], gids)
        self.assertEqual([context[name] for name in ("vuid", "veuid", "vsuid")], uids)
        self.assertEqual([context[name] for name in ("vgid", "vegid", "vsgid")], gids)
        self.assertEqual([context["vpid"], context["vppid"]], said["own"])
        numbers = [int(number) for number in status.get("NSpid", status["Pid"]).split()]
        self.assertEqual((context["vpid"], context["vtid"]), (numbers[-1], numbers[-1]))
        self.assertEqual(context["procname"], status["Name"])
        self.assertEqual((context["prio"], context["nice"]), (int(said["stat"][15]), int(said["stat"][16])))
        self.assertEqual({name: context[name] for name in NAMESPACES},
                         {name: said["namespaces"][file] for name, file in NAMESPACES.items()})

    def test_here(self):
        self.start_daemon()
        context, said = self.program_in()
        self.check(context, said)
        pid = int(said["status"]["Pid"])
        self.assertEqual((context["pid"], context["tid"], context["ppid"]), (pid, pid, os.getpid()))
        self.assertEqual(context["hostname"], platform.node())

    def test_in_namespaces(self):
        self.start_daemon()
        context, said = self.program_in("unshare", "--pid", "--fork", "--mount-proc", "--uts", "--ipc", "--net", "sh", "-c",
                                        'hostname inside && exec "$@"', "sh")
        self.check(context, said)
        self.assertEqual((context["vpid"], context["hostname"]), (1, "inside"))
        self.assertGreater(context["pid"], 1)
        ours = pathlib.Path("/proc/self/ns/pid").stat().st_ino
        self.assertNotEqual(context["pid_ns"], ours)


if __name__ == "__main__":
    recording.main()
