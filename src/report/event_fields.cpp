// SPDX-License-Identifier: MIT
#include "report/event_fields.hpp"

#include <fmt/core.h>

namespace sillage::report {
namespace {

// A field class in one word: "u32", "text", "[u8]".
std::string type_text(const ctf::Plan& plan, std::uint32_t index) {
  const ctf::Field& field = plan.fields()[index];
  const ctf::FieldClass& type = *field.field_class;
  const auto integer_text = [](bool is_signed, unsigned bits, bool is_enumeration) {
    return fmt::format("{}{}{}", is_enumeration ? "enum " : "", is_signed ? 'i' : 'u', bits);
  };
  if (const auto* integer = type.as<ctf::Integer>()) {
    return integer_text(integer->is_signed, integer->layout.length_bits,
                        !integer->mappings.empty());
  }
  if (const auto* integer = type.as<ctf::VariableInteger>()) {
    return "variable " + integer_text(integer->is_signed, 64, !integer->mappings.empty());
  }
  if (const auto* real = type.as<ctf::Float>()) {
    return "f" + std::to_string(real->layout.length_bits);
  }
  if (type.as<ctf::Boolean>() != nullptr) return "boolean";
  if (const auto* bits = type.as<ctf::BitArray>()) {
    return "bits " + std::to_string(bits->layout.length_bits);
  }
  if (const auto* bits = type.as<ctf::BitMap>()) {
    return "flags " + std::to_string(bits->layout.length_bits);
  }
  if (type.as<ctf::StaticBlob>() != nullptr || type.as<ctf::DynamicBlob>() != nullptr) {
    return "blob";
  }
  const auto members = [&](const char* between) {
    std::string text;
    for (const std::uint32_t child : field.children) {
      if (plan.fields()[child].is_hidden) continue;
      const std::string& name = plan.fields()[child].name;
      text += (text.empty() ? "" : between) + (name.empty() ? "" : name + ": ") +
              type_text(plan, child);
    }
    return text;
  };
  if (type.as<ctf::Structure>() != nullptr) return "{" + members(", ") + "}";
  if (type.as<ctf::Variant>() != nullptr) return "one of {" + members(" | ") + "}";
  if (type.as<ctf::Optional>() != nullptr) return members("") + "?";
  if (type.as<ctf::StaticArray>() != nullptr || type.as<ctf::DynamicArray>() != nullptr) {
    return "[" + members("") + "]";
  }
  return "text";
}

void add_fields(const ctf::Plan& plan, const ctf::ScopePlan& scope, const char* prefix,
                EventFields* fields) {
  if (scope.empty()) return;
  for (const std::uint32_t child : plan.fields()[scope.root].children) {
    const ctf::Field& field = plan.fields()[child];
    if (!field.is_hidden) fields->push_back({prefix + field.name, type_text(plan, child)});
  }
}

}  // namespace

std::map<std::string, EventFields> fields_of(const ctf::Plan& plan) {
  std::map<std::string, EventFields> by_name;
  for (const ctf::StreamPlan& stream : plan.streams()) {
    for (const ctf::EventPlan& event : stream.events) {
      EventFields& fields = by_name[event.event_class->name];
      if (!fields.empty()) continue;
      add_fields(plan, event.payload, "", &fields);
      add_fields(plan, event.specific_context, "$ctx.", &fields);
      add_fields(plan, stream.common_context, "$ctx.", &fields);
      add_fields(plan, stream.packet_context, "$ctx.", &fields);
    }
  }
  return by_name;
}

}  // namespace sillage::report
