#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""User and kernel events of one recording are in one order: that in which they happened.

    order_test.py SILLAGE
"""

import os
import subprocess

import recording

TURNS = 1_000_000 if os.environ.get("SILLAGE_KERNEL_LONG") else 100_000
TURN = ("order:before", "syscall_entry_getppid", "syscall_exit_getppid", "order:after")


class Order(recording.KernelTest):
    def test_event_call_event(self):
        program = self.sillage.with_name("kernel_order_program")
        trace, summary = self.record(
            ["-e", "order:*", "--syscall=getppid", "--context", "vpid", "--context", "vtid", "--subbuf-size", "4M",
             "--num-subbuf", "16"], [program, str(TURNS)])
        self.assertEqual((summary.lost, summary.recorded >= 4 * TURNS), (0, True), summary.text)
        self.assertEqual(self.turns(trace), TURNS)

    def turns(self, trace):
        """How often the four events follow each other, by babeltrace2's order of both domains."""
        reader = self.start(["babeltrace2", "--no-delta", "--clock-cycles", trace], stdout=subprocess.PIPE, text=True)
        program, at, number, last = None, 0, 0, 0
        for line in reader.stdout:
            words = line.split()
            name = next((word[:-1] for word in words[:4] if word.rstrip(":") in TURN), None)
            if name is None:
                continue
            process = self.process_of(line)
            if not name.startswith("syscall"):
                program = process
            elif process != program:
                continue  # others call it, too
            now = int(words[0].strip("[]"))
            self.assertGreaterEqual(now, last, line)
            last = now
            self.assertEqual(name, TURN[at], f"turn {number}: {line}")
            if at in (0, 3):
                self.assertIn(f"number = {number} }}", line)
            at = (at + 1) % 4
            number += at == 0
        self.assertEqual(reader.wait(), 0)
        return number

    @staticmethod
    def process_of(line):
        at = line.index("vpid = ") + 7
        return line[at:line.index(",", at)]


if __name__ == "__main__":
    recording.main()
