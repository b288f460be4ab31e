// SPDX-License-Identifier: MIT
// Fields that are not recorded (`_nowrite`): what filters of collectors ask of them.
#pragma once

#include <sillage/site.h>

#include <cstdint>

namespace sillage::ust {

/// Values of an event's fields that are not recorded, as libsillage.so takes them.
class Unwritten {
 public:
  /// Takes them from what generated code has put together for LTTng-UST's interpreter: for each field a word of 8
  /// bytes, a pointer, or a number of elements and a pointer. What is pointed to is not copied.
  ///
  /// Lifetime: `stack` is not needed afterwards.
  void take(const sillage_event& event, const char* stack);
  void forget() { event_ = nullptr; }

  /// Whether they are of this event.
  [[nodiscard]] bool are_of(const sillage_event& event) const { return event_ == &event; }
  [[nodiscard]] const sillage_part* parts() const { return parts_; }
  [[nodiscard]] std::uint32_t count() const { return count_; }

 private:
  static constexpr std::uint32_t kMax = 64;  // parts; an event with more has none of them

  void add(const void* data, std::uint64_t bytes, std::uint32_t kind);
  void add_word(std::uint64_t word, const sillage_field& field);

  const sillage_event* event_;
  std::uint32_t count_;
  sillage_part parts_[kMax + 1];
  std::uint64_t words_[kMax + 1];  ///< what parts point to
};

}  // namespace sillage::ust
