#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same load, recorded at the same time by lttng-modules and by Sillage: the same events, fields and values.

    lttng_modules_test.py SILLAGE
"""

import collections
import os
import pathlib
import re
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "kernel"))
import recording  # noqa: E402
import truth_test  # noqa: E402

bt2 = recording.bt2
LOAD = [sys.executable, str(TESTS / "kernel" / "load.py"), "1"]
CONTEXTS = ("pid", "tid", "procname")
# Of LTTng's own making, or of an interface of its own.
NOT_OF_THE_KERNEL = re.compile(r"lttng_(test|statedump|logger)")
# Sillage's programs run before LTTng's probes; on an emulated processor a good deal may come in between.
LATE_NS = 200_000_000
EXIT_DEAD, EXIT_ZOMBIE = 16, 32
# LTTng declares events of tracepoints that this kernel does not have, or has only with a module that is not loaded.
NOT_HERE = re.compile(r"kvm_|rpc_|mm_vmscan_writepage|net_if_rx_ni_|power_machine_suspend|syscall_(entry|exit)_sysctl|writeback_("
                      r"bdi_unregister|congestion_wait|dirty_page|nothread|nowork|thread_st|wait_iff|wake_forker|wake_thread)")
# LTTng knows none of the newer system calls by name; nobody here makes 32-bit ones.
OTHER_NAMES = re.compile(r"syscall_(entry|exit)_unknown|compat_syscall_")
# Fields that only LTTng has: numbers in all namespaces and headers of packets, which no program of ours reads; arguments that
# it names after an older kernel; pointers at the exit that were there at the entry, too.
ABSENT = {
    "sched_process_fork": {"vtids"},
    "net_dev_queue": {"network_header"}, "net_if_receive_skb": {"network_header"}, "net_if_rx": {"network_header"},
    "syscall_entry_getcpu": {"tcache"}, "syscall_exit_getcpu": {"tcache"}, "syscall_entry_lookup_dcookie": {"cookie64", "len"},
    "syscall_exit_lookup_dcookie": {"buf"}, "syscall_entry_pselect6": {"tvp"}, "syscall_exit_pselect6": {"tvp"},
    "syscall_entry_quotactl": {"addr"}, "syscall_entry_setns": {"nstype"}, "syscall_entry_sigaltstack": {"uoss"},
    "syscall_entry_utimes": {"filename"}, "syscall_entry_vmsplice": {"iov"}, "syscall_exit_io_getevents": {"timeout"},
    "syscall_exit_ioctl": {"arg"}, "syscall_exit_preadv": {"vec"}, "syscall_exit_process_vm_readv": {"lvec"},
    "syscall_exit_readv": {"vec"}, "syscall_exit_rt_sigtimedwait": {"uthese"}, "syscall_exit_semtimedop": {"timeout"},
    "syscall_exit_writev": {"vec"},
}
# Fields with other types: as this kernel's tracepoint has them (gfp_flags, counts of pages, reason, cmnd), as this kernel's
# system call has them, or as text where LTTng has the pointer to it.
DIFFERENT = {
    "jbd2_write_superblock": {"write_flags"}, "mm_vmscan_direct_reclaim_begin": {"gfp_flags"},
    "mm_vmscan_lru_shrink_inactive": {"nr_activate_anon", "nr_activate_file"}, "mm_vmscan_wakeup_kswapd": {"gfp_flags"},
    "mm_vmscan_memcg_reclaim_begin": {"gfp_flags"}, "mm_vmscan_memcg_softlimit_reclaim_begin": {"gfp_flags"},
    "scsi_dispatch_cmd_done": {"cmnd"}, "scsi_dispatch_cmd_error": {"cmnd"}, "scsi_dispatch_cmd_start": {"cmnd"},
    "scsi_dispatch_cmd_timeout": {"cmnd"}, "skb_kfree": {"reason"},
    "syscall_entry_add_key": {"_description"}, "syscall_entry_finit_module": {"uargs"}, "syscall_entry_ftruncate": {"length"},
    "syscall_entry_init_module": {"uargs"}, "syscall_entry_mbind": {"mode"}, "syscall_entry_mmap": {"prot", "flags"},
    "syscall_entry_quotactl": {"special"}, "syscall_entry_request_key": {"_description", "_callout_info"},
    "syscall_entry_set_mempolicy": {"mode"}, "syscall_exit_getcwd": {"buf"}, "syscall_exit_mmap": {"ret"},
}
# Of a NAPI without a device LTTng has a text that says so, Sillage an empty one. What a timer's event has as `now` each tracer
# reads from jiffies for itself, and a tick may come between.
OTHER_VALUES = {"napi_poll": {"dev_name"}, "syscall_exit_getcwd": {"buf"}, "timer_expire_entry": {"now"}, "timer_start": {"now"}}
# Bits that only one of the two has names for, and LTTng's empty arrays that align what is behind them.
NO_VALUES = re.compile(r"\w*padding|POLLNVAL|EPOLLHUP")


def describe(kind):
    """A field class as text: what a reader of the trace can rely on."""
    if isinstance(kind, bt2._StructureFieldClassConst):
        return "{" + ", ".join(f"{name} {describe(member.field_class)}" for name, member in kind.items()) + "}"
    if isinstance(kind, bt2._StringFieldClassConst):
        return "text"
    if isinstance(kind, bt2._ArrayFieldClassConst):
        return "array of " + describe(kind.element_field_class)
    if isinstance(kind, bt2._IntegerFieldClassConst):
        sign = "s" if isinstance(kind, bt2._SignedIntegerFieldClassConst) else "u"
        base = " hexadecimal" if kind.preferred_display_base == 16 else ""
        return f"{sign}{kind.field_value_range}{base}"
    return type(kind).__name__.strip("_").replace("FieldClassConst", "").lower()


def plain(field):
    """A field's value, comparable."""
    if isinstance(field, bt2._VariantFieldConst):
        return plain(field.selected_option)
    if isinstance(field, bt2._StructureFieldConst):
        return tuple((name, plain(value)) for name, value in field.items() if not NO_VALUES.match(name))
    if isinstance(field, bt2._ArrayFieldConst):
        return tuple(plain(value) for value in field)
    if isinstance(field, bt2._StringFieldConst):
        return str(field)
    if isinstance(field, bt2._BoolFieldConst):
        return bool(field)
    return float(field) if isinstance(field, bt2._RealFieldConst) else int(field) & (1 << 64) - 1


class Contents:
    """What a trace declares, {event: {field: class}}, and its events, {(event, CPU): [(ns, {field: value}, task)]}.

    babeltrace2 up to 2.0.4 shows the last text that was not empty for one that is. Texts of system calls, which are empty
    where the memory is not there, are therefore kept apart: `texts`, {(event, field): those that were not the last one}, and
    `unread`, {(event, field): how many may have been empty}."""

    def __init__(self, path, begin, end, aside):
        self.declared, self.events, self.discarded = {}, collections.defaultdict(list), 0
        self.texts, self.unread, last = collections.defaultdict(set), collections.Counter(), {}
        for message in bt2.TraceCollectionMessageIterator(str(path)):
            if isinstance(message, bt2._StreamBeginningMessageConst):
                for number in message.stream.cls:
                    event = message.stream.cls[number]
                    payload = event.payload_field_class
                    self.declared[event.name] = {} if payload is None else {
                        name: describe(member.field_class) for name, member in payload.items()}
            elif isinstance(message, bt2._DiscardedEventsMessageConst):
                self.discarded += message.count or 0
            elif isinstance(message, bt2._EventMessageConst):
                now, event = message.default_clock_snapshot.value, message.event
                payload = event.payload_field
                fields = {} if payload is None else {name: plain(value) for name, value in payload.items()}
                tid, pid = (int(event.common_context_field[name]) for name in ("tid", "pid"))
                # Also by process: threads of tracers come and go.
                is_wanted = begin <= now <= end and tid not in aside and pid not in aside
                if event.name.startswith("syscall_"):
                    for field in [name for name, value in fields.items() if isinstance(value, str)]:
                        text, place = fields.pop(field), (event.name, field)
                        if text and text != last.get(place) and is_wanted:
                            self.texts[place].add(text)
                        self.unread[place] += is_wanted and text in ("", last.get(place))
                        last[place] = text or last.get(place)
                if not is_wanted:
                    continue
                # Both look at a task that is switched away for ever; its parent may be reaping it meanwhile.
                if event.name == "sched_switch" and fields["prev_state"] == EXIT_DEAD:
                    fields["prev_state"] = EXIT_ZOMBIE
                cpu = int(event.packet.context_field["cpu_id"])
                self.events[event.name, cpu].append((now, fields, truth_test.task_of(tid, cpu)))


class LttngModules(recording.KernelTest):
    @classmethod
    def setUpClass(cls):
        cls.sessiond = subprocess.Popen(["lttng-sessiond"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        give_up = time.monotonic() + 300
        while "sched_switch" not in cls.lttng("list", "--kernel", check=False):
            assert time.monotonic() < give_up and cls.sessiond.poll() is None, "lttng-sessiond has no kernel tracer"
            time.sleep(0.5)

    @classmethod
    def tearDownClass(cls):
        cls.sessiond.terminate()
        cls.sessiond.wait()

    @staticmethod
    def lttng(*words, check=True):
        return subprocess.run(["lttng", "--no-sessiond", *words], capture_output=True, text=True, check=check).stdout

    def both(self, load):
        """(LTTng's, Sillage's) contents of recordings beside each other."""
        theirs_of = re.findall(r"^\s+(\w+) \(loglevel", self.lttng("list", "--kernel"), re.MULTILINE)
        listed = subprocess.run([self.sillage, "list", "-k"], env=self.env, capture_output=True, text=True, check=True).stdout
        ours_of = set(re.findall(r"^\s*(\w+)\b", listed, re.MULTILINE))
        names = sorted(name for name in theirs_of if not NOT_OF_THE_KERNEL.match(name))
        self.not_ours = {name for name in names if name not in ours_of}
        self.start_daemon()
        output = self.new_trace()
        self.lttng("create", "both", f"--output={output}")
        self.lttng("enable-channel", "--kernel", "--subbuf-size=4M", "--num-subbuf=16", "all")
        self.lttng("enable-event", "--kernel", "--channel=all", "--all")
        self.lttng("add-context", "--kernel", "--channel=all", *(f"--type={name}" for name in CONTEXTS))
        run = self.begin(*(word for name in names if name in ours_of for word in ("-e", name)), "--syscall",
                         *(word for name in CONTEXTS for word in ("--context", name)), "--subbuf-size", "4M",
                         "--num-subbuf", "16")
        self.lttng("start")
        time.sleep(0.5)
        begin = time.monotonic_ns()
        subprocess.run(load, check=True, stdout=subprocess.DEVNULL)
        end = time.monotonic_ns()
        # So that what ends LTTng's recording does not come in its longer interval.
        time.sleep(2 * LATE_NS / 1e9)
        aside = self.threads_of_tracers() | {int(name) for name in os.listdir("/proc/self/task")}
        self.lttng("stop")
        summary = self.end(run, timeout=600)
        self.lost = summary.lost
        self.lttng("destroy")
        # Sillage's is the witness, being first: LTTng's may come after the interval's end.
        ours = Contents(run.output, begin, end, aside)
        theirs = Contents(output / "kernel", begin, end + LATE_NS, aside)
        return theirs, ours

    def test_function(self):
        """--function: where and who called, in the order in which a program's calls came."""
        self.start_daemon()
        output = self.new_trace()
        self.lttng("create", "function", f"--output={output}")
        # One with more arguments than programs at functions can have, so that Sillage takes kprobes, too.
        self.lttng("enable-event", "--kernel", "--function=do_mmap", "do_mmap")
        self.lttng("add-context", "--kernel", "--type=tid", "--type=pid")
        # One after the other: of two probes at a function's return, one is shown the other's trampoline as the caller.
        begin = time.monotonic_ns()
        self.lttng("start")
        with subprocess.Popen(["true"]) as one:
            one.wait()
        self.lttng("stop")
        self.lttng("destroy")
        run = self.begin("--function", "do_mmap", "--context", "tid", "--context", "pid")
        with subprocess.Popen(["true"]) as other:
            other.wait()
        self.end(run)
        end = time.monotonic_ns()
        found = []
        for path, program in ((output / "kernel", one), (run.output, other)):
            events = [(now, name, fields) for (name, _), each in Contents(path, begin, end, set()).events.items()
                      for now, fields, task in each if task[0] == program.pid]
            found.append([(name, fields) for _, name, fields in sorted(events, key=lambda event: event[0])])
        theirs, ours = found
        self.assertGreater(len(ours), 6)
        self.assertEqual([name for name, _ in ours], [name for name, _ in theirs])
        # LTTng's is the place of the probe, which the kernel moves behind an ENDBR instruction of 4 bytes.
        self.assertIn({fields["ip"] for _, fields in theirs}, [{ours[0][1]["ip"] + at} for at in (0, 4)])
        self.assertEqual(len({fields["ip"] for _, fields in ours}), 1)
        callers = [[fields["parent_ip"] for name, fields in each if name.endswith("_exit")] for each in found]
        self.assertEqual(*callers)

    @staticmethod
    def threads_of_tracers():
        """Also what they do themselves is recorded, but not by both."""
        found = set()
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if re.match(r"lttng|sillage", (path / "comm").read_text()):
                    found |= {int(thread.name) for thread in (path / "task").iterdir()}
            except OSError:
                continue
        return found

    def test_same_as_lttng_modules(self):
        theirs, ours = self.both(LOAD)
        self.compare_declarations(theirs.declared, ours.declared)
        self.compare_events(theirs, ours)

    def compare_declarations(self, theirs, ours):
        problems, compared = [], 0
        for event, fields in sorted(theirs.items()):
            if NOT_OF_THE_KERNEL.match(event) or OTHER_NAMES.match(event):
                continue
            if event not in ours:
                if not NOT_HERE.match(event):
                    problems.append(f"{event} is not there")
                continue
            for name, kind in fields.items():
                compared += 1
                if name.startswith("_") and name.endswith("_length"):  # of the sequence behind it
                    continue
                if name not in ours[event]:
                    if name not in ABSENT.get(event, ()):
                        problems.append(f"{event} has no field {name}, {kind}")
                elif not self.same_kind(event, kind, ours[event][name]) and name not in DIFFERENT.get(event, ()):
                    problems.append(f"{event}.{name} is {ours[event][name]}, LTTng's {kind}")
        print(f"\n  {len(theirs)} events declared by LTTng and {len(ours)} by Sillage, {compared} fields compared")
        self.assertFalse(problems, "\n" + "\n".join(problems))

    @staticmethod
    def same_kind(event, theirs, ours):
        """Arguments of system calls are shown in their own ways, and structures of Sillage's have more members."""
        if not event.startswith("syscall_"):
            return theirs == ours
        return theirs.split()[0] == ours.split()[0]

    def compare_events(self, theirs, ours):
        total, absent, extras, problems, kinds = 0, 0, 0, [], set()
        truth_test.LATE_NS = LATE_NS
        for name, cpu in sorted(ours.events):
            if OTHER_NAMES.match(name) or name not in theirs.declared:
                continue
            fields = sorted(set(theirs.declared[name]) & set(ours.declared[name]) - OTHER_VALUES.get(name, set()))
            lists = [[(now, tuple(values.get(field) for field in fields), task) for now, values, task in
                      side.events[name, cpu]] for side in (ours, theirs)]
            total += len(lists[0])
            kinds.add(name)
            missing, extra = truth_test.unmatched(*lists, {task for _, _, task in lists[0]})
            absent += len(missing)
            extras += len(extra)
            if missing or extra:
                sample = (missing + extra)[0]
                near = truth_test.Truth.nearest(lists[1 if missing else 0], sample[0])
                problems.append(f"{name} on CPU {cpu}: {len(lists[0])} events, {len(missing)} not LTTng's, {len(extra)} LTTng's "
                                f"only; {fields}: {sample}, nearest {near}")
        for place, texts in theirs.texts.items():
            if place[0] in ours.declared and place[1] in ours.declared[place[0]] and not OTHER_NAMES.match(place[0]):
                # Where a page was not there for one of the two, it has an empty text.
                different = texts ^ ours.texts[place]
                unread = theirs.unread[place] + ours.unread[place]
                if len(different) > unread and place[1] not in OTHER_VALUES.get(place[0], ()):
                    problems.append(f"{place}: only one has {sorted(different)[:5]}")
                    absent += len(different)
        print(f"  {total} events of {len(kinds)} kinds, {sum(map(len, theirs.texts.values()))} texts compared; {absent} only "
              f"Sillage's, {extras} only LTTng's; Sillage lost {self.lost}, LTTng {theirs.discarded}")
        # What the kernel did not run a program for is counted.
        if absent > self.lost or extras > self.lost:
            self.fail("\n" + "\n".join(problems))
        self.assertGreater(len(kinds), 100)


if __name__ == "__main__":
    recording.main()
