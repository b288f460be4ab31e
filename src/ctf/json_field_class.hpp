// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/json_object.hpp"
#include "ctf/limits.hpp"
#include "ctf/memory_budget.hpp"
#include "ctf/model.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sillage::ctf {

/// A field class, and what those around it must know of it.
struct JsonFieldClass {
  FieldClassRef field_class{};  ///< null: there was an error
  std::uint32_t nesting = 1;    ///< classes inside each other, this one included
  std::uint64_t fields = 1;     ///< this one and all inside, arrays counted once
  Roles roles{};                ///< of this one and all inside
  bool has_locations = false;   ///< this one or one inside needs a length or selector
};

/// Reads the field classes of a CTF 2 metadata stream and keeps its aliases.
///
/// Lifetime: limits and budget must outlive it.
/// Source:   CTF2-SPEC-2.0rB sections 5.3 and 5.5.
class JsonFieldClassReader {
 public:
  JsonFieldClassReader(const MetadataLimits& limits, MemoryBudget& budget)
      : limits_(limits), budget_(budget) {}

  /// The class that `value` says, an object or the name of an alias; what is wrong with it, and
  /// limits that it passes, are noted in `place`.
  ///
  /// Shape: ranges of selectors are signed if one of their bounds is negative. What field locations
  ///        lead to is not looked at: JsonLocationChecker does.
  JsonFieldClass read(const JsonValue& value, JsonPlace& place);

  /// Gives a class a name; false if another class has it.
  bool add_alias(const std::string& name, JsonFieldClass field_class);

  /// Memory that the classes read so far hold, as taken from the budget.
  [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  JsonFieldClass read_object(const JsonValue& value, JsonPlace& place);
  /// The class that a property of an object says.
  JsonFieldClass read_property(JsonObject& in, std::string_view name);
  JsonFieldClass read_structure(JsonObject& in);
  template <class Array>
  JsonFieldClass read_array(JsonObject& in, Array array);
  JsonFieldClass read_optional(JsonObject& in);
  JsonFieldClass read_variant(JsonObject& in);
  template <class AnyInteger>
  JsonFieldClass read_integer(JsonObject& in, AnyInteger integer);
  JsonFieldClass read_bit_map(JsonObject& in);
  JsonFieldClass read_float(JsonObject& in);

  BitLayout read_layout(JsonObject& in);
  std::uint32_t read_alignment(JsonObject& in, std::string_view name);
  std::uint64_t read_length(JsonObject& in);
  std::vector<Mapping> read_mappings(const JsonValue& value, bool is_signed, JsonPlace& place);
  std::vector<IntegerRange> read_ranges(const JsonValue& value, bool is_signed, JsonPlace& place);
  FieldLocation read_location(JsonObject& in, std::string_view name);

  /// Adds what is in `inner` to the class around it.
  void nest(const JsonFieldClass& inner, JsonFieldClass& outer, JsonObject& in);
  /// Makes the class of an object all of whose own properties have been read.
  template <class Kind>
  JsonFieldClass keep(JsonObject& in, Kind kind, JsonFieldClass result = {});
  bool take(std::size_t bytes, const JsonValue& value, JsonPlace& place);

  const MetadataLimits& limits_;
  MemoryBudget& budget_;
  std::size_t kept_bytes_ = 0;
  std::unordered_map<std::string, JsonFieldClass> aliases_;
};

/// Takes `attributes` and `extensions` of an object: returns the text of the first, "" if there
/// are none, and refuses any of the second, since none is known that could have been declared.
std::string take_json_attributes(JsonObject& in);

/// Takes a name or other string; none if the property is not there.
std::optional<std::string> take_json_name(JsonObject& in, std::string_view name,
                                          const MetadataLimits& limits);

}  // namespace sillage::ctf
