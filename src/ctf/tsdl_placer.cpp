// SPDX-License-Identifier: MIT
#include "ctf/tsdl_placer.hpp"

#include "ctf/reserved_names.hpp"
#include "ctf/tsdl_lexer.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace sillage::ctf {

namespace {

/// What the allocator and a shared pointer add to the size of a thing.
constexpr std::size_t kOverhead = 48;

/// How absolute references to each Scope begin.
constexpr std::array<std::array<std::string_view, 3>, kScopeCount> kScopePrefixes{{
    {"trace", "packet", "header"},
    {"stream", "packet", "context"},
    {"stream", "event", "header"},
    {"stream", "event", "context"},
    {"event", "context", ""},
    {"event", "fields", ""},
}};

/// A name as readers show it.
std::string_view without_underscore(std::string_view name) {
  return name.size() > 1 && name.front() == '_' ? name.substr(1) : name;
}

std::string text_of(const TsdlReference& reference) {
  std::string text;
  for (const std::string& word : reference.path) text += (text.empty() ? "" : ".") + word;
  return "'" + text + "'";
}

/// Members or options; null: it has none.
const std::vector<TsdlNamedType>* named_types(const TsdlType& type) {
  if (const auto* structure = type.as<TsdlStructure>()) return &structure->members;
  if (const auto* variant = type.as<TsdlVariant>()) return &variant->options;
  return nullptr;
}

/// Finds in `list` the entry whose `name` is asked for; of long lists through an index, made here.
template <class T, class Index>
const T* find_in(const std::vector<T>& list, std::string_view name, const Index& index_of_list) {
  constexpr std::size_t kShort = 16;
  if (list.size() <= kShort) {
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const T& entry) { return entry.name == name; });
    return found == list.end() ? nullptr : &*found;
  }
  auto& index = index_of_list();
  if (index.empty()) {
    for (std::size_t i = 0; i < list.size(); ++i) index.emplace(list[i].name, i);
  }
  const auto found = index.find(name);
  return found == index.end() ? nullptr : &list[found->second];
}

const Integer* integer_of(const TsdlType& type) {
  const auto* integer = type.as<TsdlInteger>();
  return integer == nullptr ? nullptr : integer->field_class->as<Integer>();
}

/// Whether arrays of this type are strings.
bool is_character(const TsdlType& type) {
  const Integer* integer = integer_of(type);
  return integer != nullptr && type.as<TsdlInteger>()->is_text &&
         integer->layout.length_bits == 8 && integer->layout.alignment_bits == 8;
}

/// Names as readers show them, each once in its structure.
class ShownNames {
 public:
  /// The underscore stays on a name that would be another's without it.
  std::string add(const std::string& name) {
    std::string shown(without_underscore(name));
    if (!taken_.insert(shown).second) {
      shown = name;
      while (!taken_.insert(shown).second) shown += '_';
    }
    return shown;
  }

 private:
  std::unordered_set<std::string> taken_;
};

}  // namespace

void TsdlPlacer::corrupt(std::size_t offset, std::string message) {
  if (!error_) error_ = Error{Code::kCorrupt, std::move(message), tsdl_place(text_, offset)};
}

bool TsdlPlacer::take(std::size_t bytes) {
  if (!ok()) return false;
  if (!budget_.take(bytes)) {
    error_ = Error{Code::kLimit,
                   "this metadata needs more than " + std::to_string(budget_.limit() >> 20) +
                       " MiB of memory for its size",
                   tsdl_place(text_, offset_)};
    return false;
  }
  taken_bytes_ += bytes;
  return true;
}

FieldClassRef TsdlPlacer::keep(FieldClass field_class) {
  if (!take(sizeof field_class + kOverhead)) return nullptr;
  return std::make_shared<const FieldClass>(std::move(field_class));
}

Result<FieldClassRef> TsdlPlacer::place(Scope scope, const TsdlRoots& roots) {
  const TsdlTypeRef& root = roots[static_cast<std::size_t>(scope)];
  if (!root) return FieldClassRef();
  scope_ = scope;
  roots_ = &roots;
  frames_.clear();
  event_indexes_ = {};
  error_.reset();
  FieldClassRef field_class = place_type({root, "", 0});
  if (error_) return tl::unexpected(std::move(*error_));
  return field_class;
}

FieldClassRef TsdlPlacer::place_type(const Named& named) {
  const TsdlType& type = *named.type;
  if (named.offset != 0) offset_ = named.offset;
  if (const auto* leaf = type.as<TsdlLeaf>()) return leaf->field_class;
  if (const auto* integer = type.as<TsdlInteger>()) return place_integer(*integer, named);
  if (const auto* array = type.as<TsdlArray>()) return place_array(*array, named);
  if (const auto* structure = type.as<TsdlStructure>()) return place_structure(*structure, named);
  return place_variant(*type.as<TsdlVariant>(), named);
}

std::optional<Role> TsdlPlacer::role_of(std::string_view name, const TsdlInteger& integer) const {
  const bool is_header = scope_ == Scope::kEventRecordHeader;
  if (is_header && integer.clock) return Role::kDefaultClockTimestamp;
  // Event headers have variants inside, LTTng's do; packets say what they say at once.
  if (!is_header && !is_top_level()) return std::nullopt;
  const std::optional<Role> role = reserved_role(scope_, name);
  return role == Role::kMetadataStreamUuid ? std::nullopt : role;  // an array: see is_uuid()
}

void TsdlPlacer::note_clock(const TsdlInteger& integer, std::string_view name) {
  if (integer.clock) {
    if (std::find(clocks_.mapped.begin(), clocks_.mapped.end(), *integer.clock) ==
        clocks_.mapped.end())
      clocks_.mapped.push_back(*integer.clock);
    return;
  }
  const bool is_timestamp =
      (scope_ == Scope::kEventRecordHeader && name == "timestamp") ||
      (scope_ == Scope::kPacketContext && (name == "timestamp_begin" || name == "timestamp_end"));
  if (is_timestamp) clocks_.has_unmapped_timestamp = true;
}

void TsdlPlacer::check_magic(const Integer& integer, const Named& named) {
  if (integer.layout.length_bits != 32)
    corrupt(named.offset, "'magic' of the packet header has 32 bits");
  if (frames_.back().index != 0)
    corrupt(named.offset, "'magic' is the first member of the packet header");
}

FieldClassRef TsdlPlacer::place_integer(const TsdlInteger& integer, const Named& named) {
  note_clock(integer, named.name);
  const std::optional<Role> role = role_of(named.name, integer);
  if (!role) return integer.field_class;
  Integer with_role = *integer.field_class->as<Integer>();
  if (with_role.is_signed) {
    // A mapped or inner field with a sign is one of the tracer's own.
    const bool is_reserved = is_top_level() && role != Role::kDefaultClockTimestamp;
    if (is_reserved || scope_ == Scope::kPacketContext)
      corrupt(named.offset, "'" + std::string(named.name) +
                                "' has a reserved name and a sign; it "
                                "must be an unsigned integer");
    return integer.field_class;
  }
  if (role == Role::kPacketMagicNumber) check_magic(with_role, named);
  with_role.roles = *role;
  return keep({std::move(with_role)});
}

bool TsdlPlacer::is_uuid(const TsdlArray& array, const Named& named) {
  if (scope_ != Scope::kPacketHeader || !is_top_level() || named.name != "uuid") return false;
  const Integer* element = integer_of(*array.element);
  const auto* length = std::get_if<std::uint64_t>(&array.length);
  const bool is_right = element != nullptr && length != nullptr && *length == 16 &&
                        !element->is_signed && element->layout.length_bits == 8 &&
                        element->layout.alignment_bits == 8;
  if (!is_right)
    corrupt(named.offset, "'uuid' of the packet header is an array of 16 unsigned bytes");
  return is_right;
}

FieldClassRef TsdlPlacer::place_array(const TsdlArray& array, const Named& named) {
  if (is_uuid(array, named))
    return keep({StaticBlob{.length_bytes = 16, .roles = Role::kMetadataStreamUuid}});
  const bool is_string = is_character(*array.element);
  if (const auto* length = std::get_if<std::uint64_t>(&array.length)) {
    if (is_string) return keep({StaticString{.length_bytes = *length}});
    frames_.push_back({named.type.get(), 0});
    FieldClassRef element = place_type({array.element, "", named.offset});
    frames_.pop_back();
    return keep({StaticArray{.length = *length, .element = std::move(element)}});
  }
  const auto& reference = std::get<TsdlReference>(array.length);
  Target target = find(reference);
  if (!ok()) return nullptr;
  const Integer* length = integer_of(*target.type);
  if (length == nullptr || length->is_signed) {
    corrupt(reference.offset,
            text_of(reference) + " is no length: a length is an unsigned integer");
    return nullptr;
  }
  if (is_string) return keep({DynamicString{.length_bytes = std::move(target.location)}});
  frames_.push_back({named.type.get(), 0});
  FieldClassRef element = place_type({array.element, "", named.offset});
  frames_.pop_back();
  return keep({DynamicArray{.length = std::move(target.location), .element = std::move(element)}});
}

FieldClassRef TsdlPlacer::place_structure(const TsdlStructure& structure, const Named& named) {
  Structure result{.minimum_alignment_bits = structure.minimum_alignment_bits};
  if (!take(structure.members.size() * sizeof(Member))) return nullptr;
  result.members.reserve(structure.members.size());
  ShownNames names;
  frames_.push_back({named.type.get(), 0});
  for (std::size_t i = 0; ok() && i < structure.members.size(); ++i) {
    const TsdlNamedType& member = structure.members[i];
    frames_.back().index = i;
    FieldClassRef field_class = place_type({member.type, member.name, member.offset});
    if (member.name.size() >= sizeof(std::string) / 2 && !take(member.name.size() + kOverhead))
      break;
    result.members.push_back({names.add(member.name), std::move(field_class)});
  }
  frames_.pop_back();
  return keep({std::move(result)});
}

FieldClassRef TsdlPlacer::place_variant(const TsdlVariant& variant, const Named& named) {
  if (!variant.selector) {
    corrupt(named.offset, "a variant needs a <tag> where it is used");
    return nullptr;
  }
  Target target = find(*variant.selector);
  if (!ok()) return nullptr;
  const Integer* tag = integer_of(*target.type);
  if (tag == nullptr || tag->mappings.empty()) {
    corrupt(variant.selector->offset,
            text_of(*variant.selector) + " is no tag: a tag is an enumeration");
    return nullptr;
  }
  Variant result{.selector = std::move(target.location), .selector_is_signed = tag->is_signed};
  if (!take(variant.options.size() * sizeof(VariantOption))) return nullptr;
  result.options.reserve(variant.options.size());
  ShownNames names;
  frames_.push_back({named.type.get(), 0});
  for (std::size_t i = 0; ok() && i < variant.options.size(); ++i) {
    const TsdlNamedType& option = variant.options[i];
    frames_.back().index = i;
    FieldClassRef field_class = place_type({option.type, option.name, option.offset});
    // An option without a label can never be chosen: it is left out.
    const Mapping* mapping = find_label(*tag, option.name, *target.indexes);
    if (mapping == nullptr) continue;
    const std::vector<IntegerRange>& ranges = mapping->ranges;
    if (!take(ranges.size() * sizeof(IntegerRange) + option.name.size() + kOverhead)) break;
    result.options.push_back({names.add(option.name), ranges, std::move(field_class)});
  }
  frames_.pop_back();
  if (ok() && result.options.empty())
    corrupt(named.offset,
            "no option of this variant has the name of a label of " + text_of(*variant.selector));
  return keep({std::move(result)});
}

TsdlPlacer::Target TsdlPlacer::find(const TsdlReference& reference) {
  for (std::size_t scope = 0; scope < kScopeCount; ++scope) {
    const auto& prefix = kScopePrefixes[scope];
    const std::size_t words = prefix[2].empty() ? 2 : 3;
    if (reference.path.size() > words &&
        std::equal(prefix.begin(), prefix.begin() + static_cast<std::ptrdiff_t>(words),
                   reference.path.begin()))
      return find_absolute(reference, static_cast<Scope>(scope), words);
  }
  return find_relative(reference);
}

const TsdlNamedType* TsdlPlacer::find_name(const TsdlType& type, std::string_view name,
                                           Indexes& indexes) {
  const auto* types = named_types(type);
  if (types == nullptr) return nullptr;
  return find_in(
      *types, name, [&]() -> auto& { return indexes.members[&type]; });
}

const Mapping* TsdlPlacer::find_label(const Integer& tag, std::string_view label,
                                      Indexes& indexes) {
  return find_in(
      tag.mappings, label, [&]() -> auto& { return indexes.labels[&tag]; });
}

bool TsdlPlacer::descend(const TsdlReference& reference, std::size_t first, const TsdlType* type,
                         Target& target) {
  for (std::size_t i = first; i < reference.path.size(); ++i) {
    const TsdlNamedType* next = find_name(*type, reference.path[i], *target.indexes);
    if (next == nullptr) return false;
    // Options are passed as they are being decoded.
    if (type->as<TsdlStructure>() != nullptr)
      target.location.path.emplace_back(std::string(without_underscore(next->name)));
    type = next->type.get();
  }
  target.type = type;
  return !target.location.path.empty();
}

TsdlPlacer::Target TsdlPlacer::find_relative(const TsdlReference& reference) {
  std::size_t parents = 0;
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    const auto* structure = frame->type->as<TsdlStructure>();
    if (structure == nullptr) continue;
    const TsdlNamedType* member = find_name(*frame->type, reference.path.front(), event_indexes_);
    const auto index = member == nullptr
                           ? frame->index
                           : static_cast<std::size_t>(member - structure->members.data());
    if (index < frame->index) {
      Target target{.indexes = &event_indexes_};
      target.location.path.resize(parents);
      target.location.path.emplace_back(std::string(without_underscore(member->name)));
      if (descend(reference, 1, member->type.get(), target)) return target;
    }
    ++parents;
  }
  corrupt(reference.offset, "there is no field " + text_of(reference) + " before this one");
  return {};
}

TsdlPlacer::Target TsdlPlacer::find_absolute(const TsdlReference& reference, Scope scope,
                                             std::size_t prefix) {
  const TsdlTypeRef& root = (*roots_)[static_cast<std::size_t>(scope)];
  const bool is_of_stream = scope < scope_ && scope < Scope::kSpecificContext;
  Target target{.indexes = is_of_stream ? &stream_indexes_ : &event_indexes_};
  target.location.origin = scope;
  if (!root || scope > scope_ || !descend(reference, prefix, root.get(), target)) {
    corrupt(reference.offset, "there is no field " + text_of(reference) + " before this one");
    return {};
  }
  if (scope < scope_) return target;
  // In the same root structure: it must turn off from the way to here, and before it.
  const TsdlType* type = root.get();
  std::size_t word = prefix;
  for (const Frame& frame : frames_) {
    if (frame.type != type) break;
    if (const auto* array = type->as<TsdlArray>()) {
      type = array->element.get();
      continue;
    }
    if (word == reference.path.size()) break;
    const TsdlNamedType* next = find_name(*type, reference.path[word], *target.indexes);
    if (next == nullptr) break;
    const auto index = static_cast<std::size_t>(next - named_types(*type)->data());
    if (type->as<TsdlStructure>() != nullptr && index < frame.index) return target;
    if (index != frame.index) break;
    type = next->type.get();
    ++word;
  }
  corrupt(reference.offset, "there is no field " + text_of(reference) + " before this one");
  return {};
}

}  // namespace sillage::ctf
