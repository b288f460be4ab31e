// SPDX-License-Identifier: MIT
#include "ust/unwritten.hpp"

#include "abi/catalog.h"

#include <cstring>

namespace sillage::ust {
namespace {

/// Reads what was put there, unaligned, and steps behind it.
template <class Value>
Value next(const char** stack) {
  Value value;
  std::memcpy(&value, *stack, sizeof value);
  *stack += sizeof value;
  return value;
}

}  // namespace

void Unwritten::add(const void* data, std::uint64_t bytes, std::uint32_t kind) {
  const auto size = static_cast<std::uint32_t>(bytes < UINT32_MAX ? bytes : UINT32_MAX);
  if (count_ <= kMax) parts_[count_] = {data, size, kind | SILLAGE_PART_NOWRITE};
  if (count_ <= kMax) count_++;
}

/// As the field would stand in the record.
void Unwritten::add_word(std::uint64_t word, const sillage_field& field) {
  if (field.kind == SILLAGE_KIND_FLOAT && field.size == 4) {
    double value;
    std::memcpy(&value, &word, sizeof value);
    const auto narrow = static_cast<float>(value);
    std::memcpy(&word, &narrow, sizeof narrow);
  } else if ((field.flags & SILLAGE_FIELD_BIG_ENDIAN) != 0) {
    word = __builtin_bswap64(word) >> (64 - 8 * field.size);
  }
  words_[count_] = word;
  add(&words_[count_], field.size, SILLAGE_PART_BYTES);
}

void Unwritten::take(const sillage_event& event, const char* stack) {
  event_ = nullptr;
  count_ = 0;
  for (std::uint16_t i = 0; i < event.field_count; i++) {
    if (count_ > kMax) return;
    const sillage_field& field = event.fields[i];
    const bool is_taken = (field.flags & SILLAGE_FIELD_NOWRITE) != 0;
    switch (field.kind) {
      case SILLAGE_KIND_STRING: {
        const auto* text = next<const char*>(&stack);
        if (is_taken) add(text, UINT32_MAX, SILLAGE_PART_STRING);
        break;
      }
      case SILLAGE_KIND_TEXT_ARRAY:
      case SILLAGE_KIND_ARRAY: {
        const auto count = next<unsigned long>(&stack);
        const auto* data = next<const void*>(&stack);
        if (is_taken) add(data, std::uint64_t{count} * field.size, SILLAGE_PART_BYTES);
        break;
      }
      case SILLAGE_KIND_TEXT_SEQUENCE:
      case SILLAGE_KIND_SEQUENCE: {
        const auto count = next<unsigned long>(&stack);
        const auto* data = next<const void*>(&stack);
        if (!is_taken) break;
        words_[count_] = count;
        add(&words_[count_], sizeof(std::uint32_t), SILLAGE_PART_BYTES);
        add(data, std::uint64_t{count} * field.size, SILLAGE_PART_BYTES);
        break;
      }
      default: {
        const auto word = next<std::uint64_t>(&stack);
        if (is_taken) add_word(word, field);
        break;
      }
    }
  }
  if (count_ <= kMax) event_ = &event;
}

}  // namespace sillage::ust
