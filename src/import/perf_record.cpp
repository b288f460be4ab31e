// SPDX-License-Identifier: MIT
#include "import/perf_record.hpp"

#include "ctf/layout.hpp"

#include <algorithm>
#include <array>

namespace sillage::import {
namespace {

using enum PerfFieldKind;

constexpr std::array<PerfField, 7> kMmap{{{"pid", kS32},
                                          {"tid", kS32},
                                          {"start", kHex64},
                                          {"len", kHex64},
                                          {"pgoff", kHex64},
                                          {"filename", kText},
                                          {"data", kBit13}}};
constexpr std::array<PerfField, 13> kMmap2{{{"pid", kS32},
                                            {"tid", kS32},
                                            {"start", kHex64},
                                            {"len", kHex64},
                                            {"pgoff", kHex64},
                                            {"maj", kU32},
                                            {"min", kU32},
                                            {"ino", kU64},
                                            {"ino_generation", kU64},
                                            {"prot", kU32},
                                            {"flags", kU32},
                                            {"filename", kText},
                                            {"data", kBit13}}};
constexpr std::array<PerfField, 12> kMmap2BuildId{{{"pid", kS32},
                                                   {"tid", kS32},
                                                   {"start", kHex64},
                                                   {"len", kHex64},
                                                   {"pgoff", kHex64},
                                                   {"build_id_size", kU8},
                                                   {"", kReserved},
                                                   {"build_id", kBuildId},
                                                   {"prot", kU32},
                                                   {"flags", kU32},
                                                   {"filename", kText},
                                                   {"data", kBit13}}};
constexpr std::array<PerfField, 4> kComm{
    {{"pid", kS32}, {"tid", kS32}, {"comm", kText}, {"exec", kBit13}}};
constexpr std::array<PerfField, 5> kTask{
    {{"pid", kS32}, {"ppid", kS32}, {"tid", kS32}, {"ptid", kS32}, {"time", kU64}}};
constexpr std::array<PerfField, 3> kThrottle{{{"time", kU64}, {"id", kU64}, {"stream_id", kU64}}};
constexpr std::array<PerfField, 3> kRead{{{"pid", kS32}, {"tid", kS32}, {"values", kU64s}}};
constexpr std::array<PerfField, 3> kAux{
    {{"aux_offset", kHex64}, {"aux_size", kHex64}, {"flags", kHex64}}};
constexpr std::array<PerfField, 2> kItraceStart{{{"pid", kS32}, {"tid", kS32}}};
constexpr std::array<PerfField, 2> kSwitch{{{"out", kBit13}, {"preempt", kBit14}}};
constexpr std::array<PerfField, 4> kSwitchCpuWide{
    {{"next_prev_pid", kS32}, {"next_prev_tid", kS32}, {"out", kBit13}, {"preempt", kBit14}}};
constexpr std::array<PerfField, 4> kNamespaces{
    {{"pid", kS32}, {"tid", kS32}, {"nr_namespaces", kU64}, {"link_info", kU64s}}};
constexpr std::array<PerfField, 5> kKsymbol{
    {{"addr", kHex64}, {"len", kU32}, {"ksym_type", kU16}, {"flags", kU16}, {"name", kText}}};
constexpr std::array<PerfField, 4> kBpf{
    {{"type", kU16}, {"flags", kU16}, {"id", kU32}, {"tag", kHex64}}};
constexpr std::array<PerfField, 2> kCgroup{{{"id", kU64}, {"path", kText}}};
constexpr std::array<PerfField, 4> kTextPoke{
    {{"addr", kHex64}, {"old_len", kU16}, {"new_len", kU16}, {"bytes", kBytes}}};
constexpr std::array<PerfField, 1> kHardwareId{{{"hw_id", kHex64}}};

constexpr std::uint16_t kMiscBit13 = 1u << 13, kMiscBit14 = 1u << 14;

// Source: include/uapi/linux/perf_event.h; names of tools/perf/util/data-convert-bt.c where it has
// one, else made like them.
constexpr std::array<PerfRecordKind, 19> kKinds{{
    {1, 0, "perf_mmap", kMmap},
    {3, 0, "perf_comm", kComm},
    {4, 0, "perf_exit", kTask},
    {5, 0, "perf_throttle", kThrottle},
    {6, 0, "perf_unthrottle", kThrottle},
    {7, 0, "perf_fork", kTask},
    {8, 0, "perf_read", kRead},
    {10, kMiscBit14, "perf_mmap2", kMmap2BuildId},
    {10, 0, "perf_mmap2", kMmap2},
    {11, 0, "perf_aux", kAux},
    {12, 0, "perf_itrace_start", kItraceStart},
    {14, 0, "perf_context_switch", kSwitch},
    {15, 0, "perf_context_switch_cpu_wide", kSwitchCpuWide},
    {16, 0, "perf_namespaces", kNamespaces},
    {17, 0, "perf_ksymbol", kKsymbol},
    {18, 0, "perf_bpf_event", kBpf},
    {19, 0, "perf_cgroup", kCgroup},
    {20, 0, "perf_text_poke", kTextPoke},
    {21, 0, "perf_aux_output_hw_id", kHardwareId},
}};

constexpr std::size_t kBuildIdBytes = 20;

}  // namespace

const PerfRecordKind* find_record_kind(std::uint32_t type, std::uint16_t misc) {
  for (const PerfRecordKind& kind : kKinds) {
    if (kind.type == type && type != 0 && (misc & kind.misc_bits) == kind.misc_bits) return &kind;
  }
  return nullptr;
}

ctf::FieldClassRef record_payload(const PerfRecordKind& kind) {
  ctf::PayloadBuilder builder;
  constexpr ctf::Base kHex = ctf::Base::kHexadecimal;
  for (const PerfField& field : kind.fields) {
    switch (field.kind) {
      case kU8:
      case kBit13:
      case kBit14: builder.integer(field.name, {.size_bytes = 1}); break;
      case kU16: builder.integer(field.name, {.size_bytes = 2}); break;
      case kU32: builder.integer(field.name, {.size_bytes = 4}); break;
      case kS32: builder.integer(field.name, {.size_bytes = 4, .is_signed = true}); break;
      case kU64: builder.integer(field.name, {.size_bytes = 8}); break;
      case kHex64: builder.integer(field.name, {.size_bytes = 8, .base = kHex}); break;
      case kBuildId: builder.blob(field.name, kBuildIdBytes, ctf::kDefaultMediaType); break;
      case kReserved: break;
      case kText: builder.string(field.name); break;
      case kU64s: builder.sequence(field.name, {.size_bytes = 8, .base = kHex}); break;
      case kBytes: builder.blob_sequence(field.name, ctf::kDefaultMediaType); break;
    }
  }
  return builder.build();
}

bool append_record(const PerfRecordKind& kind, std::uint16_t misc,
                   std::span<const std::byte> content, ctf::ByteOrder order,
                   std::vector<std::byte>* out) {
  const std::size_t before = out->size();
  RecordCursor cursor(content, order);
  for (const PerfField& field : kind.fields) {
    switch (field.kind) {
      case kU8: append_integer(cursor.integer(1), 1, out); break;
      case kU16: append_integer(cursor.u16(), 2, out); break;
      case kU32:
      case kS32: append_integer(cursor.u32(), 4, out); break;
      case kU64:
      case kHex64: append_integer(cursor.u64(), 8, out); break;
      case kBit13: append_integer((misc & kMiscBit13) != 0 ? 1 : 0, 1, out); break;
      case kBit14: append_integer((misc & kMiscBit14) != 0 ? 1 : 0, 1, out); break;
      case kReserved: cursor.skip(3); break;
      case kBuildId: {
        const auto bytes = cursor.take(kBuildIdBytes);
        out->insert(out->end(), bytes.begin(), bytes.end());
        break;
      }
      case kText: {
        const auto bytes = cursor.take(cursor.left());
        out->insert(out->end(), bytes.begin(), std::find(bytes.begin(), bytes.end(), std::byte{0}));
        out->push_back(std::byte{0});
        break;
      }
      case kU64s: {
        const std::size_t count = cursor.left() / 8;
        append_integer(count, 4, out);
        for (std::size_t i = 0; i < count; ++i) append_integer(cursor.u64(), 8, out);
        break;
      }
      case kBytes: {
        const auto bytes = cursor.take(cursor.left());
        append_integer(bytes.size(), 4, out);
        out->insert(out->end(), bytes.begin(), bytes.end());
        break;
      }
    }
  }
  if (!cursor.ok()) out->resize(before);
  return cursor.ok();
}

}  // namespace sillage::import
