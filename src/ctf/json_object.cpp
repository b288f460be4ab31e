// SPDX-License-Identifier: MIT
#include "ctf/json_object.hpp"

#include <algorithm>

namespace sillage::ctf {

namespace {

const char* kind_of(const JsonValue& value) {
  constexpr const char* kKinds[] = {"null",   "a boolean", "an integer", "a negative integer",
                                    "a real", "a string",  "an array",   "an object"};
  return kKinds[value.value.index()];
}

void set_kind_error(const JsonValue& value, const char* expected, JsonPlace& place) {
  place.set_error(value, std::string("expected ") + expected + ", this is " + kind_of(value));
}

}  // namespace

Status JsonPlace::status() const {
  if (error_) return tl::unexpected(*error_);
  return {};
}

void JsonPlace::set_error(const JsonValue& value, std::string message, Code code) {
  set_error_at(value.begin, std::move(message), code);
}

void JsonPlace::set_error_at(std::size_t byte, std::string message, Code code) {
  if (error_) return;
  std::string location =
      "fragment " + std::to_string(number_) + ", byte " + std::to_string(offset_ + byte);
  if (!path_.empty()) location += ", " + pointer();
  error_ = Error{code, std::move(message), std::move(location)};
}

// RFC 6901; long names are cut, since people read it.
std::string JsonPlace::pointer() const {
  constexpr std::size_t kLongestName = 64;
  std::string text;
  for (const auto& step : path_) {
    text += '/';
    if (const auto* index = std::get_if<std::size_t>(&step)) {
      text += std::to_string(*index);
      continue;
    }
    for (const char c : std::get<std::string_view>(step).substr(0, kLongestName)) {
      if (c == '~') {
        text += "~0";
      } else if (c == '/') {
        text += "~1";
      } else {
        text += c;
      }
    }
  }
  return text;
}

std::uint64_t json_number(const JsonValue& value, JsonPlace& place) {
  if (const auto* number = value.as<std::uint64_t>()) return *number;
  set_kind_error(value, "an integer from 0 to 2^64 - 1", place);
  return 0;
}

const std::string& json_string(const JsonValue& value, JsonPlace& place) {
  static const std::string none;
  if (const auto* text = value.as<std::string>()) return *text;
  set_kind_error(value, "a string", place);
  return none;
}

std::span<const JsonValue> json_elements(const JsonValue& value, JsonPlace& place) {
  if (const auto* elements = value.as<JsonValue::Array>()) return *elements;
  set_kind_error(value, "an array", place);
  return {};
}

std::span<const JsonMember> json_members(const JsonValue& value, JsonPlace& place) {
  if (const auto* members = value.as<JsonValue::Object>()) return *members;
  set_kind_error(value, "an object", place);
  return {};
}

const JsonValue* JsonObject::find(std::string_view name) {
  asked_.push_back(name);
  for (const JsonMember& member : members_) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

const JsonValue* JsonObject::must_find(std::string_view name) {
  const JsonValue* found = find(name);
  if (found == nullptr) set_error("property '" + std::string(name) + "' is missing here");
  return found;
}

std::optional<std::uint64_t> JsonObject::number(std::string_view name) {
  const JsonValue* found = find(name);
  if (found == nullptr) return std::nullopt;
  const JsonPlace::Inside inside(place_, name);
  return json_number(*found, place_);
}

std::optional<std::int64_t> JsonObject::signed_number(std::string_view name) {
  const JsonValue* found = find(name);
  if (found == nullptr) return std::nullopt;
  const JsonPlace::Inside inside(place_, name);
  if (const auto* negative = found->as<std::int64_t>()) return *negative;
  if (const auto* number = found->as<std::uint64_t>(); number && *number <= INT64_MAX)
    return static_cast<std::int64_t>(*number);
  set_kind_error(*found, "an integer from -2^63 to 2^63 - 1", place_);
  return 0;
}

std::optional<std::string> JsonObject::text(std::string_view name) {
  const JsonValue* found = find(name);
  if (found == nullptr) return std::nullopt;
  const JsonPlace::Inside inside(place_, name);
  return json_string(*found, place_);
}

std::optional<std::size_t> JsonObject::choice(std::string_view name,
                                              std::span<const char* const> names) {
  const JsonValue* found = find(name);
  if (found == nullptr) return std::nullopt;
  const JsonPlace::Inside inside(place_, name);
  const std::string& text = json_string(*found, place_);
  const auto place = std::find(names.begin(), names.end(), text);
  if (place != names.end()) return static_cast<std::size_t>(place - names.begin());
  std::string expected;
  for (const char* one : names) expected += std::string(expected.empty() ? "" : ", ") + one;
  place_.set_error(*found, "'" + text.substr(0, 64) + "' is none of " + expected);
  return std::nullopt;
}

void JsonObject::finish() {
  for (const JsonMember& member : members_) {
    if (std::find(asked_.begin(), asked_.end(), member.name) != asked_.end()) continue;
    const JsonPlace::Inside inside(place_, member.name);
    place_.set_error(member.value, "CTF 2 has no such property here");
    return;
  }
}

}  // namespace sillage::ctf
