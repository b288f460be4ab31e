// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/model.hpp"
#include "import/perf_cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sillage::import {

/// What a field of a record that is no sample is.
enum class PerfFieldKind : std::uint8_t {
  kU8,
  kU16,
  kU32,
  kS32,
  kU64,
  kHex64,
  kBuildId,   ///< 20 bytes
  kReserved,  ///< u8 and u16 that mean nothing
  kBit13,     ///< of the head's `misc`
  kBit14,     ///< of the head's `misc`
  kText,      ///< to its NUL
  kU64s,      ///< to the end, u64 each
  kBytes,     ///< to the end
};

struct PerfField {
  std::string_view name;
  PerfFieldKind kind;
};

/// A kind of record that perf has beside samples: names, mappings, births and deaths of tasks ...
struct PerfRecordKind {
  std::uint32_t type = 0;
  std::uint16_t misc_bits = 0;  ///< of bit 14: which of two kinds of the same type it is
  std::string_view name{};      ///< as `perf data convert` calls its events
  std::span<const PerfField> fields{};
};

/// The kind of a record by the type and `misc` of its head; nullptr for those that become no event.
[[nodiscard]] const PerfRecordKind* find_record_kind(std::uint32_t type, std::uint16_t misc);

/// The payload of its events.
[[nodiscard]] ctf::FieldClassRef record_payload(const PerfRecordKind& kind);

/// Appends the payload; false, and nothing appended, if the record is cut off. `content`: without head
/// and trailing identity.
[[nodiscard]] bool append_record(const PerfRecordKind& kind, std::uint16_t misc,
                                 std::span<const std::byte> content, ctf::ByteOrder order,
                                 std::vector<std::byte>* out);

}  // namespace sillage::import
