// SPDX-License-Identifier: MIT
#include "collect/record_shape.hpp"

#include "abi/ring.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace sillage::collect {
namespace {

// Larger than any sub-buffer, small enough that no sum of them overflows: such a record never fits.
constexpr std::uint64_t kTooLong = SILLAGE_RING_MAX_SUBBUF_BYTES + 1;

std::optional<std::uint64_t> layout_bytes(const ctf::BitLayout& layout) {
  if (layout.length_bits % 8 != 0 || layout.alignment_bits > 8) return std::nullopt;
  return layout.length_bits / 8;
}

// Bytes of a field that always has the same number of them; nothing for other kinds and for what is
// not made of whole bytes.
std::optional<std::uint64_t> fixed_bytes_of(const ctf::FieldClass& field) {
  if (const auto* integer = field.as<ctf::Integer>()) return layout_bytes(integer->layout);
  if (const auto* boolean = field.as<ctf::Boolean>()) return layout_bytes(boolean->layout);
  if (const auto* real = field.as<ctf::Float>()) return layout_bytes(real->layout);
  if (const auto* array = field.as<ctf::BitArray>()) return layout_bytes(array->layout);
  if (const auto* map = field.as<ctf::BitMap>()) return layout_bytes(map->layout);
  if (const auto* text = field.as<ctf::StaticString>())
    return std::min(text->length_bytes, kTooLong);
  if (const auto* blob = field.as<ctf::StaticBlob>()) return std::min(blob->length_bytes, kTooLong);
  if (const auto* array = field.as<ctf::StaticArray>()) {
    const auto element = fixed_bytes_of(*array->element);
    if (!element) return std::nullopt;
    if (*element != 0 && array->length > kTooLong / *element) return kTooLong;
    return array->length * *element;
  }
  return std::nullopt;
}

struct Dynamic {
  const ctf::FieldLocation* length;
  std::uint64_t element_bytes;
};

std::optional<Dynamic> dynamic_of(const ctf::FieldClass& field) {
  if (const auto* text = field.as<ctf::DynamicString>()) return Dynamic{&text->length_bytes, 1};
  if (const auto* blob = field.as<ctf::DynamicBlob>()) return Dynamic{&blob->length_bytes, 1};
  if (const auto* array = field.as<ctf::DynamicArray>()) {
    const auto element = fixed_bytes_of(*array->element);
    if (element && *element <= UINT32_MAX) return Dynamic{&array->length, *element};
  }
  return std::nullopt;
}

// Whether `location` leads to the member named `name`, and that is a u32 in the machine's byte
// order.
bool is_length(const ctf::FieldLocation& location, const ctf::Member* member) {
  if (member == nullptr || location.path.empty() || location.path.back() != member->name)
    return false;
  const auto* integer = member->field_class->as<ctf::Integer>();
  return integer != nullptr && !integer->is_signed && integer->layout.length_bits == 32 &&
         integer->layout.byte_order == ctf::kNativeByteOrder;
}

}  // namespace

Result<RecordShape> RecordShape::compile(const ctf::FieldClassRef& common_context,
                                         const ctf::FieldClassRef& specific_context,
                                         const ctf::FieldClassRef& payload) {
  RecordShape shape;
  for (const auto* structure : {&common_context, &specific_context, &payload})
    if (*structure != nullptr) SILLAGE_TRY(shape.add(*structure));
  return shape;
}

Status RecordShape::add(const ctf::FieldClassRef& structure) {
  const auto* members = structure->as<ctf::Structure>();
  if (members == nullptr) return fail(Code::kUnsupported, "an event's fields are not a structure");
  const ctf::Member* before = nullptr;
  for (const ctf::Member& member : members->members) {
    const ctf::FieldClass& field = *member.field_class;
    if (const auto bytes = fixed_bytes_of(field)) {
      add_fixed(*bytes);
    } else if (const auto* text = field.as<ctf::NullTerminatedString>();
               text != nullptr && text->encoding == ctf::Encoding::kUtf8) {
      parts_.push_back({Part::Kind::kString, 1, 0});
    } else if (const auto dynamic = dynamic_of(field);
               dynamic && is_length(*dynamic->length, before)) {
      parts_.push_back(
          {Part::Kind::kSequence, static_cast<std::uint32_t>(dynamic->element_bytes), 0});
    } else {
      return fail(Code::kUnsupported, "the length of field \"" + member.name +
                                          "\" cannot be known from the fields before it");
    }
    before = &member;
  }
  return {};
}

void RecordShape::add_fixed(std::uint64_t bytes) {
  std::uint64_t& run = parts_.empty() ? leading_bytes_ : parts_.back().fixed_behind;
  run = std::min(run + bytes, kTooLong);
}

std::size_t RecordShape::measure(std::span<const std::byte> bytes) const {
  std::uint64_t at = leading_bytes_;
  for (const Part& part : parts_) {
    if (at > bytes.size()) return kNoRecord;
    if (part.kind == Part::Kind::kString) {
      const void* end = std::memchr(bytes.data() + at, 0, bytes.size() - at);
      if (end == nullptr) return kNoRecord;
      at = static_cast<std::uint64_t>(static_cast<const std::byte*>(end) - bytes.data()) + 1;
    } else {
      // The count is a member in front of the part, so there are 4 bytes: compile() has seen to it.
      std::uint32_t count = 0;
      std::memcpy(&count, bytes.data() + at - sizeof count, sizeof count);
      at += std::uint64_t{count} *
            part.element_bytes;  // below 2^64: both are 32 bits, `at` is a size
      if (at > bytes.size()) return kNoRecord;
    }
    at += part.fixed_behind;
  }
  if (at > bytes.size()) return kNoRecord;
  return at;
}

}  // namespace sillage::collect
