// SPDX-License-Identifier: MIT
// Objects of a metadata fragment, read property by property, with the place of what is wrong.
#pragma once

#include "base/result.hpp"
#include "ctf/json_text.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sillage::ctf {

/// Where in a metadata stream a reader is, and the first thing that was wrong there. Nothing is
/// thrown: after an error readers go on with values that mean nothing, and the error is looked at
/// in the end.
class JsonPlace {
 public:
  /// Of fragment `number`, counted from 1, whose text begins at byte `offset`.
  JsonPlace(std::string_view text, std::size_t number, std::size_t offset)
      : text_(text), number_(number), offset_(offset) {}

  /// The text of an array or object.
  [[nodiscard]] std::string_view text_of(const JsonValue& value) const {
    return text_.substr(value.begin, value.end - value.begin);
  }

  [[nodiscard]] bool ok() const { return !error_; }
  /// The first error, if there was one.
  [[nodiscard]] Status status() const;

  /// Notes an error of `value`, which is the one that was entered last.
  void set_error(const JsonValue& value, std::string message, Code code = Code::kCorrupt);
  /// Notes an error at a byte of the fragment.
  void set_error_at(std::size_t byte, std::string message, Code code = Code::kCorrupt);

  /// Goes into a property or element for as long as the object lives.
  class Inside {
   public:
    Inside(JsonPlace& place, std::string_view name) : place_(place) {
      place_.path_.emplace_back(name);
    }
    Inside(JsonPlace& place, std::size_t index) : place_(place) {
      place_.path_.emplace_back(index);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { place_.path_.pop_back(); }

   private:
    JsonPlace& place_;
  };

 private:
  /// The way from the fragment to the value, as a JSON pointer.
  [[nodiscard]] std::string pointer() const;

  std::string_view text_;
  std::size_t number_, offset_;
  std::vector<std::variant<std::string_view, std::size_t>> path_;
  std::optional<Error> error_;
};

/// The value as an integer that is not negative, or an error.
[[nodiscard]] std::uint64_t json_number(const JsonValue& value, JsonPlace& place);
/// The value as a string, or an error and "".
[[nodiscard]] const std::string& json_string(const JsonValue& value, JsonPlace& place);
/// The elements of an array, or an error and none.
[[nodiscard]] std::span<const JsonValue> json_elements(const JsonValue& value, JsonPlace& place);
/// The members of an object, or an error and none.
[[nodiscard]] std::span<const JsonMember> json_members(const JsonValue& value, JsonPlace& place);

/// Takes the properties of one object by their names.
///
/// Lifetime: the value and the place must outlive it.
class JsonObject {
 public:
  JsonObject(const JsonValue& value, JsonPlace& place)
      : value_(value), members_(json_members(value, place)), place_(place) {}

  [[nodiscard]] const JsonValue& value() const { return value_; }
  [[nodiscard]] JsonPlace& place() { return place_; }

  /// The property of this name, or null.
  const JsonValue* find(std::string_view name);
  /// As find(), but an error where there is none.
  const JsonValue* must_find(std::string_view name);

  /// An integer that is not negative; none if the property is not there.
  std::optional<std::uint64_t> number(std::string_view name);
  std::optional<std::int64_t> signed_number(std::string_view name);
  std::optional<std::string> text(std::string_view name);
  /// The index of the property's string in `names`; an error if it is none of them.
  std::optional<std::size_t> choice(std::string_view name, std::span<const char* const> names);

  /// Refuses the properties that nobody has asked for.
  void finish();

  /// Notes an error of the object itself.
  void set_error(std::string message, Code code = Code::kCorrupt) {
    place_.set_error(value_, std::move(message), code);
  }

 private:
  const JsonValue& value_;
  std::span<const JsonMember> members_;
  JsonPlace& place_;
  std::vector<std::string_view> asked_;
};

}  // namespace sillage::ctf
