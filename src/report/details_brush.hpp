// SPDX-License-Identifier: MIT
// Colours of Babeltrace's `sink.text.details`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sillage::report {

/// What a piece of text is, which decides its colour.
enum class Ink : std::uint8_t {
  kObject,    ///< "Event", "Stream class"
  kProperty,  ///< a name that Babeltrace gives
  kMember,    ///< a name that the trace gives
  kType,      ///< "Signed integer"
  kValue,
  kYes,
  kNo,
  kNone,  ///< "Empty"
  kEventName,
  kTime,
  kTag,  ///< "{Trace "
  kTagNumber,
};

/// Puts codes for colours around text, or nothing.
///
/// Source: measured against babeltrace2 2.0.4 on a terminal where bright means bold.
class Brush {
 public:
  explicit Brush(bool has_colours) : has_colours_(has_colours) {}

  [[nodiscard]] std::string operator()(Ink ink, std::string_view text) const;
  /// Text that goes on in this colour, until another piece ends.
  [[nodiscard]] std::string begin(Ink ink) const;
  [[nodiscard]] std::string yes_or_no(bool is_yes) const {
    return is_yes ? (*this)(Ink::kYes, "Yes") : (*this)(Ink::kNo, "No");
  }

 private:
  bool has_colours_;
};

}  // namespace sillage::report
