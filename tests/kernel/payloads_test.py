#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fields that are put together out of the kernel's structures: headers of packets against what a packet socket receives,
numbers of a process in its namespaces against /proc.

    payloads_test.py SILLAGE
"""

import socket
import struct
import subprocess

import recording

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
PACKET_OUTGOING = 4
TCP, UDP, ICMP = 6, 17, 1
TEXT = b"what is to be found again"


def transport_of(protocol, data):
    """Number of the kind, fields: as lttng-modules has them."""
    if protocol == TCP:
        ports = struct.unpack_from(">HHIIHHHH", data)
        source, to, seq, ack, bits, window, checksum, urgent = ports
        return 1, {"source_port": source, "dest_port": to, "seq": seq, "ack_seq": ack, "data_offset": bits >> 12,
                   "reserved": bits >> 9 & 7, "flags": bits & 0x1FF, "window_size": window, "checksum": checksum,
                   "urg_ptr": urgent}
    if protocol == UDP:
        return 2, dict(zip(("source_port", "dest_port", "len", "check"), struct.unpack_from(">HHHH", data)))
    if protocol == ICMP:
        return 3, dict(zip(("type", "code", "checksum", "gateway"), struct.unpack_from(">BBHI", data)))
    return 0, {}


def headers_of(data):
    """The fields of a packet that begins with its network header."""
    if data[0] >> 4 == 4:
        first, tos, length, ident, fragment, ttl, protocol, checksum = struct.unpack_from(">BBHHHBBH", data)
        kind, transport = transport_of(protocol, data[(first & 15) * 4:])
        return {"version": 4, "ihl": first & 15, "tos": tos, "tot_len": length, "id": ident, "frag_off": fragment, "ttl": ttl,
                "protocol": protocol, "checksum": checksum, "saddr": list(data[12:16]), "daddr": list(data[16:20]),
                "transport_header_type": kind, "transport_header": transport}
    length, after, hops = struct.unpack_from(">HBB", data, 4)
    kind, transport = transport_of(after, data[40:])
    return {"version": 6, "prio": data[0] & 15, "flow_lbl": list(data[1:4]), "payload_len": length, "nexthdr": after,
            "hop_limit": hops, "saddr": list(struct.unpack_from(">8H", data, 8)),
            "daddr": list(struct.unpack_from(">8H", data, 24)), "transport_header_type": kind, "transport_header": transport}


class Payloads(recording.KernelTest):
    @staticmethod
    def traffic():
        """Packets of all kinds over the loopback interface; whether it has IPv6."""
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            with socket.create_connection(server.getsockname()) as client:
                client.send(TEXT)
                accepted, _ = server.accept()
                with accepted:
                    accepted.recv(100)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            udp.sendto(TEXT, udp.getsockname())
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as icmp:
            icmp.sendto(struct.pack(">BBHI", 8, 0, 0xF7FF - 1, 1), ("127.0.0.1", 0))
        try:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
                udp.bind(("::1", 0))
                udp.sendto(TEXT, udp.getsockname())
        except OSError:
            return False
        return True

    def test_network_headers(self):
        self.start_daemon()
        run = self.begin("-e", "net_dev_queue", "-e", "net_if_receive_skb")
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)) as witness:
            witness.bind(("lo", 0))
            witness.settimeout(0.5)
            has_v6 = self.traffic()
            captured = []
            try:
                while True:
                    data, (_, protocol, kind, *_) = witness.recvfrom(65536)
                    if kind == PACKET_OUTGOING and protocol in (ETH_P_IP, ETH_P_IPV6):
                        captured.append(headers_of(data))
            except TimeoutError:
                pass
        self.end(run)
        trace = recording.Trace(run.output)
        for name in ("net_dev_queue", "net_if_receive_skb"):
            ours = [event.fields["network_header"] for event in trace.events
                    if event.name == name and event.fields["name"] == "lo" and event.fields["network_header_type"]]
            missing = [packet for packet in captured if packet not in ours]
            self.assertEqual(missing, [], name)
        seen = {(packet["version"], packet["transport_header_type"]) for packet in captured}
        self.assertLessEqual({(4, 1), (4, 2), (4, 3)} | ({(6, 2)} if has_v6 else set()), seen)
        for event in trace.events:
            kind = event.fields["network_header_type"]
            self.assertEqual(event.fields["network_header"] == {}, kind == 0)

    def test_numbers_in_namespaces(self):
        self.start_daemon()
        run = self.begin("-e", "sched_process_fork")
        done = subprocess.run(["unshare", "--pid", "--fork", "unshare", "--pid", "--fork", "sh", "-c",
                               "sed -n 's/^NSpid:\\s*//p' /proc/self/status; :"], capture_output=True, text=True, check=True)
        self.end(run)
        numbers = [int(number) for number in done.stdout.split()]
        self.assertEqual(len(numbers), 3)
        trace = recording.Trace(run.output)
        found = [event.fields for event in trace.events if event.fields["child_tid"] == numbers[0]]
        self.assertEqual([fields["vtids"] for fields in found], [numbers])
        self.assertEqual(found[0]["_vtids_length"], 3)


if __name__ == "__main__":
    recording.main()
