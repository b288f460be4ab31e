// SPDX-License-Identifier: MIT
// The text by which the kernel describes an event of tracefs: events/SYSTEM/EVENT/format.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::tracefs {

/// Where the bytes of a field are.
enum class FieldPlace : std::uint8_t {
  kFixed,     ///< at `offset`, `size_bytes` long
  kDataLoc,   ///< at `offset` stands where in the record they are: u32, size in the upper half
  kRelLoc,    ///< the same, counted from behind the u32
  kToTheEnd,  ///< from `offset` to the end of the record
};

/// What one element of a field is.
enum class FieldKind : std::uint8_t {
  kInteger,
  kText,   ///< characters: `char x[16]`, or a string whose length the record says
  kOpaque  ///< a structure, or an integer of a size that no integer has
};

/// One field of a record, as the kernel lays it out.
struct FormatField {
  std::string name{};
  std::string type{};  ///< as declared, without brackets and without __data_loc
  std::uint32_t offset = 0;
  std::uint32_t size_bytes = 0;
  bool is_signed = false;
  bool is_pointer = false;
  bool is_array = false;
  FieldPlace place = FieldPlace::kFixed;
  FieldKind kind = FieldKind::kInteger;
  std::uint32_t element_bytes = 0;  ///< of one element; of the whole field if it is no array

  /// Elements of an array at a fixed place.
  [[nodiscard]] std::uint32_t count() const {
    return element_bytes == 0 ? 0 : size_bytes / element_bytes;
  }
};

/// One event: what `format` says.
struct EventFormat {
  std::string system{};
  std::string name{};
  std::uint32_t id = 0;               ///< common_type of its records
  std::vector<FormatField> common{};  ///< `common_type` and the other fields that all events have
  std::vector<FormatField> fields{};  ///< the event's own
  std::string print_format{};         ///< what stands behind "print fmt: "

  /// The field of that name, common ones too; nullptr if there is none.
  [[nodiscard]] const FormatField* find(std::string_view field) const;
};

/// Bounds on one description.
inline constexpr std::size_t kMaxFormatBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxFormatFields = 1024;

/// Reads one description.
///
/// `long_bytes` is the size of the kernel's long: the size of an element of `unsigned long x[]`.
///
/// Errors: kCorrupt  not such a text: no name, no ID, a field line that cannot be.
///         kLimit    larger than the bounds above.
/// Source: kernel/trace/trace_events.c f_show(); the same text since Linux 2.6.39.
[[nodiscard]] Result<EventFormat> parse_event_format(std::string_view system, std::string_view text,
                                                     std::uint32_t long_bytes);

/// Reads the field lines of such a text alone: `events/header_page` has no name and no ID.
[[nodiscard]] Result<std::vector<FormatField>> parse_format_fields(std::string_view text,
                                                                   std::uint32_t long_bytes);

}  // namespace sillage::tracefs
