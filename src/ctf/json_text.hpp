// SPDX-License-Identifier: MIT
// JSON texts as values that know where in the text they stand.
#pragma once

#include "base/result.hpp"
#include "ctf/memory_budget.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sillage::ctf {

struct JsonMember;

/// A JSON value. Integers that do not fit in 64 bits are reals.
struct JsonValue {
  using Array = std::vector<JsonValue>;
  using Object = std::vector<JsonMember>;

  /// std::int64_t holds negative integers only. No `{}`: clang 14 would want JsonMember complete.
  std::variant<std::nullptr_t, bool, std::uint64_t, std::int64_t, double, std::string, Array,
               Object>
      value;
  std::size_t begin = 0;  ///< byte in the text: of arrays and objects the first, else near it
  std::size_t end = 0;    ///< of arrays and objects the byte behind the last

  template <class T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&value);
  }
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

/// Parses one JSON text.
///
/// Errors: kCorrupt  no JSON (RFC 8259, UTF-8 included), or an object with two members of a name;
///         kLimit    nested deeper than `depth`, or the budget is used up.
///         The location is the byte, as decimal digits.
/// Cost:   two allocations for an array or object; recursion is bounded by `depth`.
[[nodiscard]] Result<JsonValue> parse_json(std::string_view text, std::size_t depth,
                                           MemoryBudget& budget);

}  // namespace sillage::ctf
