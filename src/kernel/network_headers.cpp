// SPDX-License-Identifier: MIT
#include "kernel/network_headers.hpp"

#include "ctf/layout.hpp"

#include <netinet/in.h>

#include <string>
#include <utility>

namespace sillage::kernel {
namespace {

using bpf::Alu;
using bpf::If;
using bpf::Label;
using bpf::Size;
using ctf::FieldClassRef;
using enum bpf::Reg;

// LTTng's numbers of what follows.
enum Network : std::int32_t { kIpv4 = 1, kIpv6 = 2 };
enum Transport : std::int32_t { kUnknown, kTcp, kUdp, kIcmp };

constexpr std::int32_t kIpv4Bytes = 20, kIpv6Bytes = 40, kTcpBytes = 20, kUdpBytes = 8,
                       kIcmpBytes = 8;

FieldClassRef bits(std::uint32_t count, ctf::Base base = ctf::Base::kDecimal) {
  return ctf::make_field_class(ctf::Integer{.layout = {.length_bits = count,
                                                       .alignment_bits = count % 8 == 0 ? 8u : 1u,
                                                       .byte_order = ctf::ByteOrder::kBig},
                                            .base = base});
}

FieldClassRef array(FieldClassRef element, std::uint64_t length) {
  return ctf::make_field_class(ctf::StaticArray{.length = length, .element = std::move(element)});
}

// An enumeration of 8 bits over the protocol numbers.
FieldClassRef protocol() {
  return ctf::integer_class({.size_bytes = 1}, {{"_unknown", {0, 0}},
                                                {"_icmp", {IPPROTO_ICMP, IPPROTO_ICMP}},
                                                {"_unknown", {2, 5}},
                                                {"_tcp", {IPPROTO_TCP, IPPROTO_TCP}},
                                                {"_unknown", {7, 16}},
                                                {"_udp", {IPPROTO_UDP, IPPROTO_UDP}},
                                                {"_unknown", {18, 255}}});
}

FieldClassRef structure(std::vector<ctf::Member> members) {
  return ctf::make_field_class(ctf::Structure{.members = std::move(members)});
}

ctf::VariantOption option(const char* name, std::uint64_t number, FieldClassRef field_class) {
  return {name, {{number, number}}, std::move(field_class)};
}

constexpr ctf::Base kHex = ctf::Base::kHexadecimal;

void add_transport(std::vector<ctf::Member>* members) {
  members->push_back({"transport_header_type",
                      ctf::integer_class({.size_bytes = 1}, {{"_unknown", {kUnknown, kUnknown}},
                                                             {"_tcp", {kTcp, kTcp}},
                                                             {"_udp", {kUdp, kUdp}},
                                                             {"_icmp", {kIcmp, kIcmp}}})});
  const FieldClassRef tcp = structure({{"source_port", bits(16)},
                                       {"dest_port", bits(16)},
                                       {"seq", bits(32)},
                                       {"ack_seq", bits(32)},
                                       {"data_offset", bits(4)},
                                       {"reserved", bits(3)},
                                       {"flags", bits(9, kHex)},
                                       {"window_size", bits(16)},
                                       {"checksum", bits(16, kHex)},
                                       {"urg_ptr", bits(16)}});
  const FieldClassRef udp = structure(
      {{"source_port", bits(16)}, {"dest_port", bits(16)}, {"len", bits(16)}, {"check", bits(16)}});
  const FieldClassRef icmp = structure(
      {{"type", bits(8)}, {"code", bits(8)}, {"checksum", bits(16)}, {"gateway", bits(32)}});
  members->push_back(
      {"transport_header",
       ctf::make_field_class(ctf::Variant{
           .selector = {std::nullopt, {"transport_header_type"}},
           .options = {option("_unknown", kUnknown, structure({})), option("_tcp", kTcp, tcp),
                       option("_udp", kUdp, udp), option("_icmp", kIcmp, icmp)}})});
}

// [r9] = bytes from the address that is kept; r9 goes behind them.
void read(bpf::Assembler& a, std::int32_t slot, std::int32_t bytes) {
  a.move(r1, r9);
  a.move(r2, static_cast<std::uint64_t>(bytes));
  a.load(Size::k8, r3, r10, slot);
  a.call(BPF_FUNC_probe_read_kernel);
  a.alu(Alu::kAdd, r9, bytes);
}

}  // namespace

FieldClassRef network_header_class(std::string_view tag) {
  std::vector<ctf::Member> ipv4{{"version", bits(4)},
                                {"ihl", bits(4)},
                                {"tos", bits(8)},
                                {"tot_len", bits(16)},
                                {"id", bits(16, kHex)},
                                {"frag_off", bits(16)},
                                {"ttl", bits(8)},
                                {"protocol", protocol()},
                                {"checksum", bits(16, kHex)},
                                {"saddr", array(bits(8), 4)},
                                {"daddr", array(bits(8), 4)}};
  add_transport(&ipv4);
  std::vector<ctf::Member> ipv6{{"version", bits(4)},
                                {"prio", bits(4)},
                                {"flow_lbl", array(bits(8, kHex), 3)},
                                {"payload_len", bits(16)},
                                {"nexthdr", protocol()},
                                {"hop_limit", bits(8)},
                                {"saddr", array(bits(16, kHex), 8)},
                                {"daddr", array(bits(16, kHex), 8)}};
  add_transport(&ipv6);
  return ctf::make_field_class(
      ctf::Variant{.selector = {ctf::Scope::kPayload, {std::string(tag)}},
                   .options = {option("_unknown", 0, structure({})),
                               option("_ipv4", kIpv4, structure(std::move(ipv4))),
                               option("_ipv6", kIpv6, structure(std::move(ipv6)))}});
}

void copy_network_headers(bpf::Assembler& a, std::int32_t slot) {
  const Label v6 = a.label(), transport = a.label(), tcp = a.label(), udp = a.label(),
              icmp = a.label(), done = a.label();
  a.store(Size::k8, r10, slot, r1);
  a.load(Size::k1, r1, r9, -1);
  a.jump_if(If::kEqual, r1, kIpv6, v6);
  a.jump_if(If::kNotEqual, r1, kIpv4, done);
  read(a, slot, kIpv4Bytes);
  a.load(Size::k1, r8, r9, 9 - kIpv4Bytes);
  // Behind the options, of which the header says how long they are.
  a.load(Size::k1, r2, r9, -kIpv4Bytes);
  a.alu(Alu::kAnd, r2, 15);
  a.alu(Alu::kShiftLeft, r2, 2);
  a.jump(transport);
  a.bind(v6);
  read(a, slot, kIpv6Bytes);
  a.load(Size::k1, r8, r9, 6 - kIpv6Bytes);
  a.move(r2, std::uint64_t{kIpv6Bytes});
  a.bind(transport);
  a.load(Size::k8, r1, r10, slot);
  a.alu(Alu::kAdd, r1, r2);
  a.store(Size::k8, r10, slot, r1);
  a.alu(Alu::kAdd, r9, 1);
  a.jump_if(If::kEqual, r8, IPPROTO_TCP, tcp);
  a.jump_if(If::kEqual, r8, IPPROTO_UDP, udp);
  a.jump_if(If::kEqual, r8, IPPROTO_ICMP, icmp);
  a.store(Size::k1, r9, -1, kUnknown);
  a.jump(done);
  a.bind(tcp);
  a.store(Size::k1, r9, -1, kTcp);
  read(a, slot, kTcpBytes);
  a.jump(done);
  a.bind(udp);
  a.store(Size::k1, r9, -1, kUdp);
  read(a, slot, kUdpBytes);
  a.jump(done);
  a.bind(icmp);
  a.store(Size::k1, r9, -1, kIcmp);
  read(a, slot, kIcmpBytes);
  a.bind(done);
}

}  // namespace sillage::kernel
