#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel's state at the start of a recording, against /proc, sysfs, `ip` and lscpu.

    statedump_test.py SILLAGE
"""

import collections
import ipaddress
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import recording

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "uts", "time")
# States of /proc/PID/stat: the dump's status.
WAITS, ZOMBIE, RUNS, FORKED = 5, 4, 2, 1
PROGRAM = """
import os, sys, time
null = os.open('/dev/null', os.O_RDONLY | os.O_CLOEXEC)
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.set_inheritable(log, True)
if os.fork() == 0:
    os._exit(0)
print('ready', os.getpid(), flush=True)
time.sleep(600)
"""


def inode(path):
    return os.stat(path).st_ino


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def tasks():
    """Threads whose namespaces this process may look at: {tid: process}."""
    found = {}
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            os.stat(folder / "ns/pid")
            found.update((int(task.name), int(folder.name)) for task in (folder / "task").iterdir())
        except OSError:
            continue
    return found


class StateDump(recording.KernelTest):
    def setUp(self):
        super().setUp()
        self.start_daemon()

    def dump(self):
        """The events of a dump, by name without prefix."""
        output = self.new_trace()
        done = subprocess.run([self.sillage, "record", "-k", "-e", "sched_process_exit", "-o", output, "--", "true"],
                              env=self.env, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(recording.Summary(done.stderr + done.stdout).lost, 0)
        prefix = "lttng_statedump_"
        events = collections.defaultdict(list)
        order = []
        for event in recording.Trace(output, lambda name: name.startswith(prefix)).events:
            events[event.name.removeprefix(prefix)].append(event.fields)
            order.append(event.name.removeprefix(prefix))
        self.assertEqual((order[0], order[-1]), ("start", "end"))
        self.assertEqual((order.count("start"), order.count("end")), (1, 1))
        return events

    def start_program(self, *prefix):
        """A program that has a file open for appending, one that is closed on exec, and a zombie: (process, pid)."""
        log = self.folder / "program.log"
        process = self.start([*prefix, sys.executable, "-c", PROGRAM, log], stdout=subprocess.PIPE, text=True)
        self.assertTrue(process.stdout.readline().startswith("ready"))
        children = subprocess.run(["ps", "-eo", "pid,ppid", "--no-headers"], capture_output=True, text=True,
                                  check=True).stdout.split()
        pid = process.pid
        if prefix:  # which has forked
            parents = dict(zip(map(int, children[0::2]), map(int, children[1::2])))
            pid = next(child for child, parent in parents.items() if parent == process.pid)
        return process, pid

    def test_processes_and_threads(self):
        _, pid = self.start_program()
        before = tasks()
        events = self.dump()
        after = tasks()
        states = {state["tid"]: state for state in events["process_state"]}
        self.assertEqual(len(states), len(events["process_state"]), "each task once")
        steady = {tid for tid in before if after.get(tid) == before[tid]}
        self.assertGreater(len(steady), 20)
        self.assertEqual(steady - states.keys(), set(), "tasks that the dump has not")
        compared = 0
        for tid in steady:
            state = states[tid]
            self.assertEqual(state["pid"], before[tid])
            try:
                known = status_of(tid)
            except OSError:
                continue
            self.assertEqual(state["ppid"], int(known["PPid"][0]), known)
            self.assertEqual(state["type"], 0 if "VmSize" in known else state["type"])
            compared += 1
        self.assertGreater(compared, 20)
        kernel_threads = {tid for tid in steady if states[tid]["type"] == 1}
        self.assertIn(2, kernel_threads)  # kthreadd
        self.assertEqual(states[2]["name"], "kthreadd")
        program = states[pid]
        self.assertEqual((program["type"], program["mode"], program["submode"], program["status"]), (0, 5, 0, WAITS))
        zombies = [state for state in states.values() if state["ppid"] == pid]
        self.assertEqual([zombie["status"] for zombie in zombies], [ZOMBIE])
        recorder = [state["status"] for state in states.values() if state["pid"] == self.daemon.pid]
        # The thread that dumps: the kernel may not have charged it for any time yet.
        self.assertTrue({RUNS, FORKED} & set(recorder), recorder)

    def test_namespaces_and_numbers(self):
        _, pid = self.start_program("unshare", "--kill-child", "--pid", "--fork", "--ipc", "--uts", "--net", "--mount", "--cgroup",
                                    "--user", "--map-root-user", "--time")
        events = self.dump()
        for name in NAMESPACES:
            numbers = {event["tid"]: event["ns_inum"] for event in events[f"process_{name}_ns"]}
            self.assertEqual(numbers[pid], inode(f"/proc/{pid}/ns/{name}"), name)
            self.assertEqual(numbers[os.getpid()], inode(f"/proc/self/ns/{name}"), name)
            self.assertNotEqual(numbers[pid], numbers[os.getpid()], name)
        known = status_of(pid)
        pids = [event for event in events["process_pid_ns"] if event["tid"] == pid]
        outer, inner = pids[1], pids[0]
        self.assertEqual(inner["ns_inum"], inode(f"/proc/{pid}/ns/pid"))
        self.assertEqual(outer["ns_inum"], inode("/proc/self/ns/pid"))
        self.assertEqual([outer["vtid"], inner["vtid"]], [int(number) for number in known["NSpid"][-2:]])
        self.assertEqual([outer["vpid"], inner["vpid"]], [int(number) for number in known["NStgid"][-2:]])
        self.assertEqual([outer["vppid"], inner["vppid"]], [int(known["PPid"][0]), 0])
        self.assertEqual(inner["ns_level"], outer["ns_level"] + 1)
        users = [event for event in events["process_user_ns"] if event["tid"] == pid]
        self.assertEqual(users[0]["ns_inum"], inode(f"/proc/{pid}/ns/user"))
        self.assertEqual(users[1]["ns_inum"], inode("/proc/self/ns/user"))
        self.assertEqual([user["vuid"] for user in users[:2]], [0, os.getuid()])
        credentials = {event["tid"]: event for event in events["process_credentials"]}[pid]
        self.assertEqual([credentials[name] for name in ("uid", "euid", "suid", "fsuid")],
                         [int(number) for number in known["Uid"]])
        self.assertEqual([credentials[name] for name in ("gid", "egid", "sgid", "fsgid")],
                         [int(number) for number in known["Gid"]])
        self.assertEqual(credentials["cap_effective"], int(known["CapEff"][0], 16))

    def test_open_files(self):
        _, pid = self.start_program()
        events = self.dump()
        table = next(state for state in events["process_state"] if state["tid"] == pid)["file_table_address"]
        files = {event["fd"]: event for event in events["file_descriptor"] if event["file_table_address"] == table}
        links = {int(link.name): os.readlink(link) for link in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
        self.assertEqual({fd: event["filename"] for fd, event in files.items()}, links)
        self.assertIn(str(self.folder / "program.log"), links.values())
        for fd, event in files.items():
            text = pathlib.Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
            flags = next(line.split()[1] for line in text.splitlines() if line.startswith("flags:"))
            self.assertEqual(oct(event["flags"]), oct(int(flags, 8)), links[fd])
            may_read, may_write = event["fmode"] & 1, event["fmode"] & 2
            self.assertEqual((bool(may_read), bool(may_write)),
                             {os.O_RDONLY: (True, False), os.O_WRONLY: (False, True),
                              os.O_RDWR: (True, True)}[event["flags"] & os.O_ACCMODE])
        # Another's files too, by lsof's way: what /proc says before and after.
        own = next(state for state in events["process_state"] if state["tid"] == os.getpid())["file_table_address"]
        found = {(event["fd"], event["filename"]) for event in events["file_descriptor"]
                 if event["file_table_address"] == own}
        self.assertIn((0, os.readlink("/proc/self/fd/0")), found)

    @unittest.skipIf(shutil.which("ip") is None, "no iproute2")
    def test_network_interfaces(self):
        listed = json.loads(subprocess.run(["ip", "-json", "addr"], capture_output=True, text=True, check=True).stdout)
        expected = set()
        for link in listed:
            addresses = [ipaddress.ip_address(address["local"]) for address in link["addr_info"] if "local" in address]
            expected.update((link["ifname"], address) for address in addresses)
            if not addresses:
                expected.add((link["ifname"], None))
        found = set()
        for event in self.dump()["network_interface"]:
            four, six = event["address_ipv4"], bytes(event["address_ipv6"])
            self.assertFalse(four and any(six))
            address = ipaddress.IPv4Address(four) if four else ipaddress.IPv6Address(six) if any(six) else None
            found.add((event["name"], address))
        self.assertEqual(found, expected)
        self.assertTrue(any(isinstance(address, ipaddress.IPv6Address) for _, address in found)
                        or not os.path.exists("/proc/net/if_inet6") or not os.path.getsize("/proc/net/if_inet6"))

    def test_devices_and_processors(self):
        events = self.dump()
        # major minor #blocks name
        lines = pathlib.Path("/proc/partitions").read_text().split("\n\n", 1)[1].splitlines()
        disks = {(int(major) << 20 | int(minor), name) for major, minor, blocks, name in map(str.split, lines)
                 if int(blocks)}
        self.assertEqual({(event["dev"], event["diskname"]) for event in events["block_device"]}, disks)
        self.assert_interrupts(events["interrupt"])
        listed = json.loads(subprocess.run(["lscpu", "--json"], capture_output=True, text=True, check=True).stdout)
        known = {}

        def walk(entries):
            for entry in entries:
                known[entry["field"].rstrip(":")] = entry["data"]
                walk(entry.get("children", []))

        walk(listed["lscpu"])
        processors = events["cpu_topology"]
        cores = subprocess.run(["lscpu", "--parse=CPU,CORE,SOCKET"], capture_output=True, text=True, check=True).stdout
        cores = [tuple(map(int, line.split(","))) for line in cores.splitlines() if not line.startswith("#")]
        self.assertEqual([event["cpu_id"] for event in processors], [cpu for cpu, _, _ in cores])
        for event in processors:
            if event["architecture"] != "x86":
                continue
            self.assertEqual(event["vendor"], known["Vendor ID"])
            self.assertEqual((event["family"], event["model"]), (int(known["CPU family"]), int(known["Model"])))
            self.assertEqual(event["model_name"], known["Model name"])
            self.assertEqual(event["cores"], int(known["Core(s) per socket"]))

    def assert_interrupts(self, events):
        """Those of /proc/interrupts: "NUMBER: COUNT... CHIP HWIRQ-TYPE ACTION, ACTION"."""
        head, *lines = pathlib.Path("/proc/interrupts").read_text().splitlines()
        cpus = len(head.split())
        expected = set()
        for line in lines:
            number, _, rest = line.partition(":")
            words = rest.split()[cpus:]
            if number.strip().isdigit() and len(words) > 2:
                expected.update((int(number), action.strip()) for action in " ".join(words[2:]).split(","))
        self.assertEqual({(event["irq"], event["action"]) for event in events}, expected)
        for event in events:
            if event["tid"]:
                name = pathlib.Path(f"/proc/{event['tid']}/comm").read_text().strip()
                self.assertTrue(name.startswith(f"irq/{event['irq']}-"), name)

    def test_control_groups(self):
        events = self.dump()
        if "cgroup" not in events:
            self.skipTest("this kernel has no iterator of control groups (Linux 6.1)")
        mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        roots = [mount[1] for mount in mounts if mount[2] == "cgroup2"]
        if not roots:
            self.skipTest("the unified hierarchy is not mounted")
        groups = {event["cgroup_id"]: event for event in events["cgroup"]}
        expected = {inode(folder) for folder, _, _ in os.walk(roots[0])}
        self.assertEqual(groups.keys(), expected)
        own = {event["tid"]: event["cgroup_id"] for event in events["process_cgroup"]}[os.getpid()]
        path = next(line[3:] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines()
                    if line.startswith("0::"))
        self.assertEqual(own, inode(roots[0] + path))

    def test_can_be_left_out(self):
        output, _ = self.record(["-e", "sched_switch"], ["true"])
        self.assertEqual(recording.Trace(output, lambda name: "statedump" in name).events, [])


if __name__ == "__main__":
    recording.main()
