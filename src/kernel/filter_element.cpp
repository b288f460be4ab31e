// SPDX-License-Identifier: MIT
#include "kernel/filter_element.hpp"

#include "kernel/user_code.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace sillage::kernel {
namespace {

using Path = std::span<const filter::PathStep>;

// Far more than any event has, and small enough that no offset comes near its bound.
constexpr std::uint64_t kMostElements = 1u << 20;

std::uint64_t aligned(std::uint64_t bits, std::uint64_t alignment) {
  return (bits + alignment - 1) / alignment * alignment;
}

// Where a class of fixed size that begins at a bit ends; none if its size is not fixed.
std::optional<std::uint64_t> end_of(const ctf::FieldClass& field_class, std::uint64_t bit) {
  if (const auto* integer = field_class.as<ctf::Integer>())
    return aligned(bit, integer->layout.alignment_bits) + integer->layout.length_bits;
  if (const auto* text = field_class.as<ctf::StaticString>())
    return aligned(bit, 8) + 8 * text->length_bytes;
  std::optional<std::uint64_t> end = bit;
  if (const auto* array = field_class.as<ctf::StaticArray>()) {
    for (std::uint64_t i = 0; i < array->length && end; ++i) end = end_of(*array->element, *end);
    return end;
  }
  const auto* structure = field_class.as<ctf::Structure>();
  if (structure == nullptr) return std::nullopt;
  for (const ctf::Member& member : structure->members) {
    end = end_of(*member.field_class, *end);
    if (!end) break;
  }
  return end;
}

// An integer of a record.
struct BitPlace {
  std::uint64_t begin = 0;  // bits from the beginning of the field
  std::uint32_t bits = 0;
  bool is_signed = false, is_big_endian = false;
};

// Follows steps through what has a fixed size.
std::optional<BitPlace> find_bits(const ctf::FieldClass* field_class, Path path) {
  std::uint64_t begin = 0;
  for (const filter::PathStep& step : path) {
    std::optional<std::uint64_t> next = begin;
    if (const auto* array = field_class->as<ctf::StaticArray>()) {
      if (!step.member.empty() || step.index >= std::min(array->length, kMostElements))
        return std::nullopt;
      for (std::uint64_t i = 0; i < step.index && next; ++i) next = end_of(*array->element, *next);
      field_class = array->element.get();
    } else if (const auto* structure = field_class->as<ctf::Structure>()) {
      const auto found = std::ranges::find(structure->members, step.member, &ctf::Member::name);
      if (step.member.empty() || found == structure->members.end()) return std::nullopt;
      for (auto each = structure->members.begin(); each != found && next; ++each)
        next = end_of(*each->field_class, *next);
      field_class = found->field_class.get();
    } else {
      return std::nullopt;
    }
    if (!next) return std::nullopt;
    begin = *next;
  }
  const auto* integer = field_class->as<ctf::Integer>();
  if (integer == nullptr) return std::nullopt;
  const ctf::BitLayout& layout = integer->layout;
  return BitPlace{aligned(begin, layout.alignment_bits), layout.length_bits, integer->is_signed,
                  layout.byte_order == ctf::ByteOrder::kBig};
}

// The bytes that are loaded for it: 1, 2, 4 or 8 that lie at a multiple of their number.
struct Bytes {
  std::uint32_t offset = 0, count = 0;
};
std::optional<Bytes> bytes_of(const BitPlace& place) {
  if (place.bits > 64) return std::nullopt;
  if (place.begin % 8 == 0 &&
      (place.bits == 8 || place.bits == 16 || place.bits == 32 || place.bits == 64))
    return Bytes{static_cast<std::uint32_t>(place.begin / 8), place.bits / 8};
  for (std::uint32_t count = 1; count <= 8; count *= 2) {
    const std::uint64_t offset = place.begin / 8 / count * count;
    if (place.begin + place.bits <= 8 * (offset + count))
      return Bytes{static_cast<std::uint32_t>(offset), count};
  }
  return std::nullopt;
}

// Of bytes of the record those of memory; none if they are not all of one piece.
std::optional<std::uint32_t> offset_in(const std::vector<MemoryPiece>& pieces, const Bytes& bytes) {
  std::uint32_t at = 0;
  for (const MemoryPiece& piece : pieces) {
    if (bytes.offset >= at && bytes.offset + bytes.count <= at + piece.bytes)
      return piece.offset + bytes.offset - at;
    at += piece.bytes;
  }
  return std::nullopt;
}

Node load_of(Node base, std::uint64_t offset, const Bytes& bytes, const BitPlace& place,
             bool is_user) {
  Node node;
  node.kind = Node::Kind::kLoad;
  node.is_signed = place.is_signed;
  node.is_user = is_user;
  node.offset = static_cast<std::int32_t>(offset);
  node.load_bytes = bytes.count;
  if (place.bits != 8 * bytes.count) {
    node.bit_shift = static_cast<std::uint32_t>(place.begin - 8u * bytes.offset);
    node.bit_count = place.bits;
  }
  node.operands.push_back(std::move(base));
  return node;
}

Node constant(std::uint64_t value) {
  Node node;
  node.constant = value;
  return node;
}

Node operation(Operation operation, Node left, std::uint64_t right) {
  Node node;
  node.kind = Node::Kind::kOperation;
  node.operation = operation;
  node.operands = {std::move(left), constant(right)};
  return node;
}

std::optional<FieldPlan> integer_of(const FieldPlan& field, const BitPlace& place, Node value) {
  FieldPlan made;
  made.name = field.name;
  made.bytes = place.bits % 8 == 0 ? place.bits / 8 : 8;
  made.is_signed = place.is_signed;
  made.is_network_order = place.is_big_endian;
  made.value = std::move(value);
  return made;
}

// A part of what has a fixed size.
std::optional<FieldPlan> plan_part(const FieldPlan& field, const BitPlace& place) {
  const auto bytes = bytes_of(place);
  if (!bytes) return std::nullopt;
  const bool is_whole = place.bits == 8 * bytes->count;
  switch (field.kind) {
    case FieldPlan::Kind::kInteger: {
      if (place.begin + place.bits > 8u * field.bytes || place.bits == 64) return std::nullopt;
      return integer_of(
          field, place,
          operation(Operation::kAnd, operation(Operation::kShiftRight, field.value, place.begin),
                    (std::uint64_t{1} << place.bits) - 1));
    }
    case FieldPlan::Kind::kMemory:
      return integer_of(field, place, load_of(field.value, bytes->offset, *bytes, place, false));
    case FieldPlan::Kind::kUserMemory: {
      const auto offset = offset_in(field.user.pieces, *bytes);
      if (!offset) return std::nullopt;
      return integer_of(field, place, load_of(field.value, *offset, *bytes, place, true));
    }
    case FieldPlan::Kind::kRecordBytes: {
      if (!is_whole || bytes->offset + bytes->count > field.bytes) return std::nullopt;
      FieldPlan made = field;
      made.offset += bytes->offset;
      made.bytes = bytes->count;
      made.is_signed = place.is_signed;
      made.is_array = false;
      return made;
    }
    default: return std::nullopt;
  }
}

// An element of a sequence, or a part of it.
std::optional<FieldPlan> plan_item(const FieldPlan& field, std::uint64_t index,
                                   const BitPlace& place) {
  const auto bytes = bytes_of(place);
  if (!bytes || index >= kMostElements) return std::nullopt;
  std::optional<FieldPlan> made;
  switch (field.kind) {
    case FieldPlan::Kind::kUserElements: {
      const auto offset = offset_in(field.user.pieces, *bytes);
      // Where some are left out it takes all in front of it to know which it is.
      if (!offset || field.user.wanted || index >= field.user.max_count) return std::nullopt;
      made = integer_of(
          field, place,
          load_of(field.value, index * field.user.stride + *offset, *bytes, place, true));
      break;
    }
    case FieldPlan::Kind::kKernelElements: {
      if (index >= UserCode::kMaxElements) return std::nullopt;
      Node base = field.value;
      base.is_known = false;  // the first of them is all that the verifier knows of
      made = integer_of(
          field, place,
          load_of(std::move(base), index * field.offset + bytes->offset, *bytes, place, false));
      break;
    }
    case FieldPlan::Kind::kRecordSequence:
      if (bytes->offset != 0 || bytes->count != field.bytes) return std::nullopt;
      made = field;
      made->is_signed = place.is_signed;
      break;
    default: return std::nullopt;
  }
  if (made) {
    made->count = field.count;
    made->element = static_cast<std::uint32_t>(index);
  }
  return made;
}

// A text of those that an array of pointers points to, which a null ends.
std::optional<FieldPlan> plan_string(const FieldPlan& field, std::uint64_t index) {
  if (field.kind != FieldPlan::Kind::kUserStrings || index >= field.user.max_count)
    return std::nullopt;
  const std::uint32_t bytes = field.user.stride;
  const auto pointer = [&](std::uint64_t of) {
    return load_of(field.value, of * bytes, {0, bytes}, {0, 8 * bytes, false, false}, true);
  };
  FieldPlan made;
  made.kind = FieldPlan::Kind::kUserString;
  made.name = field.name;
  made.value = pointer(index);
  // It is there if no pointer up to its own is null.
  made.count = pointer(0);
  for (std::uint64_t i = 1; i <= index; ++i) {
    Node both;
    both.kind = Node::Kind::kOperation;
    both.operation = Operation::kLogicalAnd;
    both.operands = {std::move(made.count), pointer(i)};
    made.count = std::move(both);
  }
  made.element = 0;
  return made;
}

}  // namespace

std::optional<FieldPlan> plan_element(const EventPlan& event, Path path) {
  const auto* payload = event.payload ? event.payload->as<ctf::Structure>() : nullptr;
  if (payload == nullptr || path.size() < 2) return std::nullopt;
  const auto member = std::ranges::find(payload->members, path.front().member, &ctf::Member::name);
  const auto field = std::ranges::find(event.fields, path.front().member, &FieldPlan::name);
  if (member == payload->members.end() || field == event.fields.end()) return std::nullopt;
  const ctf::FieldClass& field_class = *member->field_class;
  if (const auto* sequence = field_class.as<ctf::DynamicArray>()) {
    if (!path[1].member.empty()) return std::nullopt;
    if (sequence->element->as<ctf::NullTerminatedString>() != nullptr && path.size() == 2)
      return plan_string(*field, path[1].index);
    const auto place = find_bits(sequence->element.get(), path.subspan(2));
    return place ? plan_item(*field, path[1].index, *place) : std::nullopt;
  }
  const auto place = find_bits(&field_class, path.subspan(1));
  if (!place) return std::nullopt;
  // An array of numbers that are fields of their own (`args` of unknown system calls).
  const auto index = static_cast<std::ptrdiff_t>(path[1].index);
  if (field_class.as<ctf::StaticArray>() != nullptr && field->kind == FieldPlan::Kind::kInteger)
    return index < event.fields.end() - field && field[index].name == field->name
               ? std::optional(field[index])
               : std::nullopt;
  return plan_part(*field, *place);
}

}  // namespace sillage::kernel
