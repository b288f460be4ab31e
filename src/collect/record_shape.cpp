// SPDX-License-Identifier: MIT
#include "collect/record_shape.hpp"

#include "abi/ring.h"

#include <algorithm>
#include <bit>
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

// Bytes of the length that `location` leads to, if that is `member` and an unsigned integer in the machine's byte
// order; else 0.
std::uint8_t length_bytes_of(const ctf::FieldLocation& location, const ctf::Member* member) {
  if (member == nullptr || location.path.empty() || location.path.back() != member->name) return 0;
  const auto* integer = member->field_class->as<ctf::Integer>();
  if (integer == nullptr || integer->is_signed ||
      integer->layout.byte_order != ctf::kNativeByteOrder)
    return 0;
  const std::uint32_t bits = integer->layout.length_bits;
  return bits == 8 || bits == 16 || bits == 32 || bits == 64 ? static_cast<std::uint8_t>(bits / 8)
                                                             : std::uint8_t{0};
}

// The number of `length_bytes` that ends at `end`.
[[gnu::always_inline]] inline std::uint64_t length_before(const std::byte* end,
                                                          std::uint8_t length_bytes) {
  if (length_bytes == 4) [[likely]] {
    std::uint32_t count = 0;
    std::memcpy(&count, end - 4, 4);
    return count;
  }
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t count = 0;
  std::memcpy(&count, end - length_bytes, length_bytes);
  return count;
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
      parts_.push_back({Part::Kind::kString, 0, 1, 0});
    } else if (const auto dynamic = dynamic_of(field);
               dynamic && length_bytes_of(*dynamic->length, before) != 0) {
      parts_.push_back({Part::Kind::kSequence, length_bytes_of(*dynamic->length, before),
                        static_cast<std::uint32_t>(dynamic->element_bytes), 0});
    } else if (const auto* variant = field.as<ctf::Variant>();
               variant != nullptr && add_choice(*variant, before)) {
    } else {
      return fail(Code::kUnsupported, "the length of field \"" + member.name +
                                          "\" cannot be known from the fields before it");
    }
    before = &member;
  }
  return {};
}

bool RecordShape::add_choice(const ctf::Variant& variant, const ctf::Member* before) {
  if (before == nullptr || variant.selector.path.empty() ||
      variant.selector.path.back() != before->name)
    return false;
  const auto* tag = before->field_class->as<ctf::Integer>();
  if (tag == nullptr || tag->layout.length_bits != 8) return false;
  Choice choice;
  choice.bytes_of_tag.fill(Choice::kNone);
  for (const ctf::VariantOption& option : variant.options) {
    const auto* structure = option.field_class->as<ctf::Structure>();
    const bool is_empty = structure != nullptr && structure->members.empty();
    const auto bytes =
        is_empty ? std::optional<std::uint64_t>(0) : fixed_bytes_of(*option.field_class);
    const auto* text = option.field_class->as<ctf::NullTerminatedString>();
    const bool is_text = text != nullptr && text->encoding == ctf::Encoding::kUtf8;
    if (!is_text && (!bytes || *bytes >= Choice::kNone)) return false;
    for (const ctf::IntegerRange& range : option.ranges) {
      if (range.lower > range.upper || range.upper > INT8_MAX) return false;
      for (std::uint64_t value = range.lower; value <= range.upper; ++value)
        choice.bytes_of_tag[value] = is_text ? Choice::kString : static_cast<std::uint8_t>(*bytes);
    }
  }
  parts_.push_back({Part::Kind::kChoice, 1, static_cast<std::uint32_t>(choices_.size()), 0});
  choices_.push_back(choice);
  return true;
}

void RecordShape::add_fixed(std::uint64_t bytes) {
  std::uint64_t& run = parts_.empty() ? leading_bytes_ : parts_.back().fixed_behind;
  run = std::min(run + bytes, kTooLong);
}

std::size_t RecordShape::measure(std::span<const std::byte> bytes) const {
  std::uint64_t at = leading_bytes_;
  for (const Part& part : parts_) {
    if (at > bytes.size()) return kNoRecord;
    bool is_string = part.kind == Part::Kind::kString;
    std::uint64_t chosen = 0;
    if (part.kind == Part::Kind::kChoice) {
      // The tag is there, as the count of a sequence is.
      chosen =
          choices_[part.element_bytes]
              .bytes_of_tag[static_cast<std::uint8_t>(bytes[static_cast<std::size_t>(at) - 1])];
      if (chosen == Choice::kNone) return kNoRecord;
      is_string = chosen == Choice::kString;
    }
    if (is_string) {
      const void* end = std::memchr(bytes.data() + at, 0, bytes.size() - at);
      if (end == nullptr) return kNoRecord;
      at = static_cast<std::uint64_t>(static_cast<const std::byte*>(end) - bytes.data()) + 1;
    } else if (part.kind == Part::Kind::kChoice) {
      at += chosen;
    } else {
      // The count is a member in front of the part, so its bytes are there: compile() has seen to it.
      const std::uint64_t count = length_before(bytes.data() + at, part.length_bytes);
      if (count > UINT32_MAX) return kNoRecord;
      at += count * part.element_bytes;  // below 2^64: both are 32 bits, `at` is a size
      if (at > bytes.size()) return kNoRecord;
    }
    at += part.fixed_behind;
  }
  if (at > bytes.size()) return kNoRecord;
  return at;
}

}  // namespace sillage::collect
