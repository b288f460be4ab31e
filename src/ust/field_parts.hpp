// SPDX-License-Identifier: MIT
// What generated code has put together of an event's fields for LTTng-UST's interpreter, as libsillage.so takes it.
#pragma once

#include <sillage/site.h>

#include <cstddef>
#include <cstdint>

namespace sillage::ust {

/// The parts of an event's payload, and of its fields that are not recorded (`_nowrite`), for filters.
class FieldParts {
 public:
  /// Takes all fields, or those that are not recorded, from generated code's memory: for each field a word of 8 bytes, a
  /// pointer, or a number of elements and a pointer. What is pointed to is not copied, but for texts that end before their
  /// field does: those are filled up with NULs.
  ///
  /// Returns: false if they do not fit; can_be_large() says of which events that is never so.
  /// Lifetime: `stack` is not needed afterwards; parts point into this object.
  [[nodiscard]] bool take_all(const sillage_event& event, const char* stack) {
    return take<true>(event, stack);
  }
  [[nodiscard]] bool take_unwritten(const sillage_event& event, const char* stack) {
    return take<false>(event, stack);
  }

  [[nodiscard]] const sillage_part* parts() const { return parts_; }
  [[nodiscard]] std::uint32_t count() const { return count_; }

  /// Whether there are values of the event that do not fit.
  [[nodiscard]] static bool can_be_large(const sillage_event& event);

 private:
  static constexpr std::uint32_t kMaxParts = 64;  // as many as libsillage.so takes
  static constexpr std::size_t kRoom = 320;
  static constexpr std::size_t kWord = 8;

  template <bool kAll>
  bool take(const sillage_event& event, const char* stack);
  bool add(const void* data, std::uint64_t bytes, std::uint32_t kind);
  bool add_word(std::uint64_t word, std::uint32_t bytes, std::uint32_t kind);
  bool add_text(const char* text, std::uint64_t bytes, std::uint32_t kind);

  std::uint32_t count_;
  std::uint32_t used_;  // of the room
  sillage_part parts_[kMaxParts];
  char room_[kRoom];
};

/// Puts the fields of an event that are recorded together as they stand in the record. `room` bytes can be written at `to`.
///
/// Returns: how many bytes they have; UINT32_MAX if they do not surely fit. Those are kOverwrite less than `room` at most.
[[nodiscard]] std::uint32_t assemble_fields(const sillage_event& event, const char* stack, char* to,
                                            std::size_t room);
constexpr std::size_t kOverwrite = 16;

/// A field's word as the field stands in the record: its first bytes.
[[nodiscard]] std::uint64_t recorded_word(std::uint64_t word, const sillage_field& field);

/// Whether that is the word itself.
[[nodiscard]] bool is_recorded_as_is(const sillage_field& field);

}  // namespace sillage::ust
