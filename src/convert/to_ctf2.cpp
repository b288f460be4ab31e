// SPDX-License-Identifier: MIT
#include "convert/translation.hpp"
#include "ctf/json_names.hpp"
#include "ctf/metadata.hpp"
#include "ctf/text.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace sillage::convert {

using namespace ctf;  // the model's names are this file's words

namespace {

// Bounds of signed ranges in the order of unsigned numbers, and back.
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

// What is left of `range` without what `taken` holds; all in unsigned order.
std::vector<IntegerRange> without(const IntegerRange& range,
                                  const std::vector<IntegerRange>& taken) {
  std::vector<IntegerRange> left{range};
  for (const IntegerRange& other : taken) {
    std::vector<IntegerRange> next;
    for (const IntegerRange& part : left) {
      if (other.upper < part.lower || other.lower > part.upper) {
        next.push_back(part);
        continue;
      }
      if (part.lower < other.lower) next.push_back({part.lower, other.lower - 1});
      if (part.upper > other.upper) next.push_back({other.upper + 1, part.upper});
    }
    left = std::move(next);
  }
  return left;
}

/// Changes the few field classes that CTF 1.8 allows and CTF 2 does not; shares the others.
class ClassTranslator {
 public:
  explicit ClassTranslator(bool has_uuid) : has_uuid_(has_uuid) {}

  [[nodiscard]] FieldClassRef translate(const FieldClassRef& field_class) const {
    if (!field_class) return field_class;
    if (const auto* structure = field_class->as<Structure>()) {
      return structure_of(field_class, *structure);
    }
    if (const auto* variant = field_class->as<Variant>()) return variant_of(field_class, *variant);
    if (const auto* array = field_class->as<StaticArray>()) return array_of(field_class, *array);
    if (const auto* array = field_class->as<DynamicArray>()) return array_of(field_class, *array);
    if (const auto* blob = field_class->as<StaticBlob>()) {
      if (blob->roles.empty() || has_uuid_) return field_class;
      // There is none to compare it with: no packet was found.
      StaticBlob plain = *blob;
      plain.roles = {};
      return make_field_class(std::move(plain));
    }
    return field_class;
  }

 private:
  [[nodiscard]] FieldClassRef structure_of(const FieldClassRef& same,
                                           const Structure& structure) const {
    Structure to = structure;
    bool is_same = true;
    for (Member& member : to.members) {
      FieldClassRef translated = translate(member.field_class);
      is_same = is_same && translated == member.field_class;
      member.field_class = std::move(translated);
    }
    return is_same ? same : make_field_class(std::move(to));
  }

  template <class Array>
  [[nodiscard]] FieldClassRef array_of(const FieldClassRef& same, const Array& array) const {
    FieldClassRef element = translate(array.element);
    if (element == array.element) return same;
    Array to = array;
    to.element = std::move(element);
    return make_field_class(std::move(to));
  }

  [[nodiscard]] FieldClassRef variant_of(const FieldClassRef& same, const Variant& variant) const {
    Variant to = variant;
    const std::uint64_t flip = variant.selector_is_signed ? kSignBit : 0;
    std::vector<IntegerRange> taken;
    for (VariantOption& option : to.options) {
      option.field_class = translate(option.field_class);
      std::vector<IntegerRange> ranges;
      for (const IntegerRange& range : option.ranges) {
        for (const IntegerRange& part : without({range.lower ^ flip, range.upper ^ flip}, taken)) {
          taken.push_back(part);
          ranges.push_back({part.lower ^ flip, part.upper ^ flip});
        }
      }
      option.ranges = std::move(ranges);
    }
    // What can never be chosen cannot be said.
    std::erase_if(to.options, [](const VariantOption& option) { return option.ranges.empty(); });
    const bool is_same =
        std::equal(to.options.begin(), to.options.end(), variant.options.begin(),
                   variant.options.end(), [](const VariantOption& a, const VariantOption& b) {
                     return a.ranges == b.ranges && a.field_class == b.field_class;
                   });
    return is_same ? same : make_field_class(std::move(to));
  }

  bool has_uuid_;
};

}  // namespace

Translation to_ctf2(const Plan& plan, const std::optional<Uuid>& packet_uuid) {
  Translation translation{.model = plan.model(), .form = same_form(plan)};
  TraceModel& model = translation.model;
  model.version = Version::kCtf2;
  // The UUID of CTF 1.8 identifies the trace as well as its packets.
  if (model.trace.uuid) model.trace.uid = uuid_text(*model.trace.uuid);
  if (follows_lttng(model.trace)) model.trace.name_space = kLttngNamespace;
  if (!model.trace.uuid) model.trace.uuid = packet_uuid;
  const ClassTranslator classes(model.trace.uuid.has_value());
  model.trace.packet_header = classes.translate(model.trace.packet_header);
  const bool has_stream_ids = roles_in(model.trace.packet_header).has(Role::kDataStreamClassId);
  for (DataStreamClass& stream : model.streams) {
    // A class whose number no field says has the number 0.
    const bool has_event_ids = roles_in(stream.event_header).has(Role::kEventRecordClassId);
    for (EventClass& event : model.events) {
      if (event.stream_class_id != stream.id) continue;
      if (!has_event_ids) event.id = 0;
      if (!has_stream_ids) event.stream_class_id = 0;
    }
    if (!has_stream_ids) stream.id = 0;
    stream.packet_context = classes.translate(stream.packet_context);
    stream.event_header = classes.translate(stream.event_header);
    stream.common_context = classes.translate(stream.common_context);
  }
  for (EventClass& event : model.events) {
    event.specific_context = classes.translate(event.specific_context);
    event.payload = classes.translate(event.payload);
  }
  return translation;
}

bool follows_lttng(const TraceClass& trace) {
  return std::any_of(trace.environment.begin(), trace.environment.end(),
                     [](const EnvironmentEntry& entry) {
                       const auto* name = std::get_if<std::string>(&entry.value);
                       return entry.name == "tracer_name" && name != nullptr &&
                              (name->starts_with("lttng-") || *name == "sillage");
                     });
}

std::string metadata_text(const TraceModel& model) {
  const bool is_ctf18 = model.version == Version::kCtf18;
  std::string text = metadata_head(model.version, model.trace);
  for (const DataStreamClass& stream : model.streams) {
    text += is_ctf18 ? tsdl_stream_class(model.trace, stream, Identifiers::kGiven)
                     : json_stream_class(model.trace, stream);
  }
  for (const EventClass& event : model.events) {
    text += is_ctf18 ? tsdl_event_class(model.trace, event, Identifiers::kGiven)
                     : json_event_class(model.trace, event);
  }
  return text;
}

}  // namespace sillage::convert
