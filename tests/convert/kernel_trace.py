# SPDX-License-Identifier: MIT
"""A small trace as LTTng's kernel tracer writes them, byte by byte: CTF 1.8, two CPUs, known events."""

import struct

UUID = bytes(range(16))
METADATA = '''/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := uint8_t;
typealias integer { size = 32; align = 8; signed = false; } := uint32_t;
typealias integer { size = 32; align = 8; signed = true; } := int32_t;
typealias integer { size = 64; align = 8; signed = false; } := uint64_t;
typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; } := stamp_t;
typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; } := char_t;
trace {
	major = 1; minor = 8; byte_order = le;
	uuid = "00010203-0405-0607-0809-0a0b0c0d0e0f";
	packet.header := struct { uint32_t magic; uint8_t uuid[16]; uint32_t stream_id; };
};
env { domain = "kernel"; tracer_name = "lttng-modules"; hostname = "test"; };
clock { name = monotonic; freq = 1000000000; offset = 1000000000000; absolute = true; };
stream {
	id = 0;
	packet.context := struct {
		stamp_t timestamp_begin; stamp_t timestamp_end; uint64_t content_size; uint64_t packet_size;
		uint64_t packet_seq_num; uint64_t events_discarded; uint32_t cpu_id;
	};
	event.header := struct { uint32_t id; stamp_t timestamp; };
	event.context := struct { int32_t _tid; int32_t _pid; char_t _procname[16]; };
};
'''
# Name, fields; the number is the place in this list.
CLASSES = [
    ("sched_switch", "char_t _prev_comm[16]; int32_t _prev_tid; int32_t _prev_prio; int32_t _prev_state; "
                     "char_t _next_comm[16]; int32_t _next_tid; int32_t _next_prio;", "16siii16sii"),
    ("syscall_entry_read", "uint32_t _fd; uint64_t _count;", "IQ"),
    ("syscall_exit_read", "int32_t _ret;", "i"),
    ("syscall_entry_exit_group", "int32_t _error_code;", "i"),
    ("irq_handler_entry", "int32_t _irq; string _name;", "i3s"),
    ("irq_handler_exit", "int32_t _irq; int32_t _ret;", "ii"),
    ("sched_wakeup", "char_t _comm[16]; int32_t _tid;", "16si"),
    ("page_fault_begin", "uint64_t _address;", "Q"),
    ("page_fault_end", "uint8_t _state;", "B"),
    ("ext4_sync_file_enter", "uint64_t _ino;", "Q"),
    ("ext4_sync_file_exit", "int32_t _ret;", "i"),
]
NUMBERS = {name: number for number, (name, _, _) in enumerate(CLASSES)}

SHELL, CAT = (100, 100, b"sh"), (201, 200, b"cat")  # tid, pid, name
IDLE = (0, 0, b"swapper")


def switch(before, after):
    return before[2], before[0], 20, 1, after[2], after[0], 20


# CPU, time, thread that is said to run, name, fields.
EVENTS = [
    (0, 1000, SHELL, "syscall_exit_read", (7,)),  # its entry was before the trace
    (0, 2000, SHELL, "syscall_entry_read", (3, 4096)),
    (0, 2500, SHELL, "irq_handler_entry", (24, b"eth")),
    (0, 2600, SHELL, "irq_handler_exit", (24, 1)),
    (0, 2700, SHELL, "page_fault_begin", (0x7000,)),
    (0, 2800, SHELL, "page_fault_end", (0,)),
    (0, 3000, SHELL, "sched_switch", switch(SHELL, CAT)),
    (0, 3100, CAT, "syscall_entry_read", (4, 1)),
    (0, 3120, CAT, "ext4_sync_file_enter", (12,)),
    (0, 3140, CAT, "ext4_sync_file_exit", (0,)),
    (0, 3200, CAT, "irq_handler_entry", (25, b"dsk")),  # its exit was lost
    (0, 3300, CAT, "sched_switch", switch(CAT, IDLE)),
    (1, 3400, IDLE, "sched_wakeup", (b"sh", 100)),
    (1, 3500, IDLE, "sched_switch", switch(IDLE, SHELL)),
    (1, 3600, SHELL, "syscall_exit_read", (10,)),
    (1, 3700, SHELL, "syscall_entry_read", (3, 4096)),  # its exit was lost
    (1, 3800, SHELL, "syscall_entry_read", (5, 4096)),
    (1, 3900, SHELL, "syscall_exit_read", (-9,)),
    (1, 4000, SHELL, "syscall_entry_exit_group", (0,)),  # never ends: there is no exit
    (1, 4100, SHELL, "sched_switch", switch(SHELL, IDLE)),
]


def write(path):
    path.mkdir(parents=True)
    classes = "".join(f'event {{ name = "{name}"; id = {number}; stream_id = 0; '
                      f"fields := struct {{ {fields} }}; }};\n" for number, (name, fields, _) in enumerate(CLASSES))
    (path / "metadata").write_text(METADATA + classes)
    for cpu in (0, 1):
        events = [event for event in EVENTS if event[0] == cpu]
        body = b""
        for _, time, (tid, pid, procname), name, fields in events:
            layout = CLASSES[NUMBERS[name]][2]
            fields = [value + b"\0" if isinstance(value, bytes) and "3s" in layout else value for value in fields]
            layout = layout.replace("3s", "4s")
            body += struct.pack("<IQii16s", NUMBERS[name], time, tid, pid, procname)
            body += struct.pack("<" + layout, *fields)
        head = struct.Struct("<I16sI6QI")
        bits = (head.size + len(body)) * 8
        packet = head.pack(0xC1FC1FC1, UUID, 0, events[0][1], events[-1][1], bits, bits, 0, 0, cpu)
        (path / f"channel_{cpu}").write_bytes(packet + body)
