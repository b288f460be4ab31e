// SPDX-License-Identifier: MIT
#include "report/details_json.hpp"

#include "ctf/json_text.hpp"
#include "report/details_number.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sillage::report {
namespace {

using ctf::JsonMember;
using ctf::JsonValue;

class JsonWriter {
 public:
  JsonWriter(Brush brush, std::string* out) : brush_(brush), out_(*out) {}

  void write(const JsonValue& value, std::size_t indent) {
    if (const auto* members = value.as<JsonValue::Object>()) {
      write_object(*members, indent + 2);
    } else if (const auto* elements = value.as<JsonValue::Array>()) {
      write_array(*elements, indent + 2);
    } else if (const auto* is_true = value.as<bool>()) {
      out_ += ' ' + brush_.yes_or_no(*is_true);
    } else if (const auto* positive = value.as<std::uint64_t>()) {
      put(Ink::kValue, grouped(*positive));
    } else if (const auto* negative = value.as<std::int64_t>()) {
      put(Ink::kValue, grouped(*negative));
    } else if (const auto* real = value.as<double>()) {
      put(Ink::kValue, fmt::format("{:f}", *real));
    } else if (const auto* text = value.as<std::string>()) {
      put(Ink::kValue, *text);
    } else {
      put(Ink::kNone, "Null");
    }
  }

 private:
  void put(Ink ink, std::string_view text) { out_ += ' ' + brush_(ink, text); }

  void start_line(std::size_t indent, std::string_view name) {
    out_.append("\n").append(indent, ' ') += brush_(Ink::kProperty, name) + ':';
  }

  void write_object(const JsonValue::Object& members, std::size_t indent) {
    std::vector<const JsonMember*> sorted;
    sorted.reserve(members.size());
    for (const JsonMember& member : members) sorted.push_back(&member);
    std::ranges::sort(sorted, {},
                      [](const JsonMember* member) -> const std::string& { return member->name; });
    for (const JsonMember* member : sorted) {
      start_line(indent, member->name);
      write(member->value, indent);
    }
    if (sorted.empty()) put(Ink::kNone, "Empty");
  }

  void write_array(const JsonValue::Array& elements, std::size_t indent) {
    if (elements.empty()) {
      put(Ink::kNone, "Empty");
      return;
    }
    out_ += " Length " + brush_(Ink::kValue, grouped(std::uint64_t{elements.size()})) + ':';
    for (std::size_t i = 0; i < elements.size(); ++i) {
      start_line(indent, '[' + grouped(std::uint64_t{i}) + ']');
      write(elements[i], indent);
    }
  }

  Brush brush_;
  std::string& out_;
};

}  // namespace

void append_json_details(std::string_view json, Brush brush, std::size_t indent, std::string* out) {
  const ctf::MetadataLimits limits;
  ctf::MemoryBudget budget(limits, json.size());
  const auto value = ctf::parse_json(json, limits.nesting * 4, budget);
  if (value) {
    JsonWriter(brush, out).write(*value, indent);
  } else {
    out->append(" ").append(json);
  }
}

}  // namespace sillage::report
