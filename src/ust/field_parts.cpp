// SPDX-License-Identifier: MIT
#include "ust/field_parts.hpp"

#include "abi/catalog.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

bool is_unwritten(const sillage_field& field) { return (field.flags & SILLAGE_FIELD_NOWRITE) != 0; }

/// Elements of a sequence: as many as the length in the record can say.
std::uint64_t recorded_count(std::uint64_t count, const sillage_field& field) {
  return field.count < sizeof count ? count & ((std::uint64_t{1} << 8 * field.count) - 1) : count;
}

/// Behind its NUL a text may end with the program's memory, and the record has nothing there.
void copy_text(char* to, const char* text, std::uint64_t text_bytes) {
  const auto bytes = static_cast<std::size_t>(text_bytes);
  const std::size_t length = strnlen(text, bytes);
  std::memcpy(to, text, length);
  std::memset(to + length, 0, bytes - length);
}

}  // namespace

bool is_recorded_as_is(const sillage_field& field) {
  return (field.flags & SILLAGE_FIELD_BIG_ENDIAN) == 0 &&
         (field.kind != SILLAGE_KIND_FLOAT || field.size == 8);
}

std::uint64_t recorded_word(std::uint64_t word, const sillage_field& field) {
  if (field.kind == SILLAGE_KIND_FLOAT) {
    if (field.size != 4) return word;
    double value;
    std::memcpy(&value, &word, sizeof value);
    const auto narrow = static_cast<float>(value);
    std::uint32_t bits;
    std::memcpy(&bits, &narrow, sizeof bits);
    return bits;
  }
  if ((field.flags & SILLAGE_FIELD_BIG_ENDIAN) == 0) return word;
  return __builtin_bswap64(word) >> (64 - 8 * field.size);
}

[[gnu::always_inline]] inline bool FieldParts::add(const void* data, std::uint64_t bytes,
                                                   std::uint32_t kind) {
  if (count_ == kMaxParts) return false;
  // No record has so many: it is counted as too large.
  const auto size = static_cast<std::uint32_t>(bytes < UINT32_MAX ? bytes : UINT32_MAX);
  parts_[count_++] = {data, size, kind};
  return true;
}

/// Words that follow each other become one part.
[[gnu::always_inline]] inline bool FieldParts::add_word(std::uint64_t word, std::uint32_t bytes,
                                                        std::uint32_t kind) {
  if (used_ + kWord > kRoom) return false;
  char* const to = room_ + used_;
  std::memcpy(to, &word, kWord);
  used_ += bytes;
  if (count_ != 0) {
    sillage_part& last = parts_[count_ - 1];
    if (last.kind == kind && static_cast<const char*>(last.data) + last.bytes == to) {
      last.bytes += bytes;
      return true;
    }
  }
  return add(to, bytes, kind);
}

bool FieldParts::add_text(const char* text, std::uint64_t bytes, std::uint32_t kind) {
  if (std::memchr(text, 0, static_cast<std::size_t>(bytes)) == nullptr)
    return add(text, bytes, kind);
  if (bytes > kRoom - used_) return false;
  char* const to = room_ + used_;
  copy_text(to, text, bytes);
  used_ += static_cast<std::uint32_t>(bytes);
  return add(to, bytes, kind);
}

template <bool kAll>
[[gnu::always_inline]] inline bool FieldParts::take(const sillage_event& event, const char* stack) {
  count_ = 0;
  used_ = 0;
  const sillage_field* const end = event.fields + event.field_count;
  for (const sillage_field* field = event.fields; field != end; field++) {
    const bool is_taken = kAll || is_unwritten(*field);
    const std::uint32_t flag = is_unwritten(*field) ? SILLAGE_PART_NOWRITE : 0;
    switch (field->kind) {
      case SILLAGE_KIND_STRING: {
        const auto* text = next<const char*>(&stack);
        if (is_taken && !add(text, UINT32_MAX, SILLAGE_PART_STRING | flag)) return false;
        break;
      }
      case SILLAGE_KIND_TEXT_ARRAY:
      case SILLAGE_KIND_ARRAY: {
        (void)next<unsigned long>(&stack);
        const auto* data = next<const char*>(&stack);
        if (!is_taken) break;
        if (!(field->kind == SILLAGE_KIND_ARRAY
                  ? add(data, std::uint64_t{field->count} * field->size, SILLAGE_PART_BYTES | flag)
                  : add_text(data, field->count, SILLAGE_PART_BYTES | flag)))
          return false;
        break;
      }
      case SILLAGE_KIND_TEXT_SEQUENCE:
      case SILLAGE_KIND_SEQUENCE: {
        const std::uint64_t count = recorded_count(next<unsigned long>(&stack), *field);
        const auto* data = next<const char*>(&stack);
        if (!is_taken) break;
        if (!add_word(count, field->count, SILLAGE_PART_BYTES | flag)) return false;
        const std::uint64_t bytes = count > UINT32_MAX ? UINT32_MAX : count * field->size;
        if (!(field->kind == SILLAGE_KIND_SEQUENCE || bytes >= UINT32_MAX
                  ? add(data, bytes, SILLAGE_PART_BYTES | flag)
                  : add_text(data, bytes, SILLAGE_PART_BYTES | flag)))
          return false;
        break;
      }
      default: {
        const auto word = next<std::uint64_t>(&stack);
        if (is_taken && !add_word(is_recorded_as_is(*field) ? word : recorded_word(word, *field),
                                  field->size, SILLAGE_PART_BYTES | flag))
          return false;
        break;
      }
    }
  }
  return true;
}

namespace {

[[gnu::always_inline]] inline char* append_bytes(const char* from, std::uint64_t bytes, char* to,
                                                 const char* end) {
  if (to > end || bytes > static_cast<std::uint64_t>(end - to)) return nullptr;
  if (bytes != 0) std::memcpy(to, from, static_cast<std::size_t>(bytes));
  return to + bytes;
}

char* append_text(const char* from, std::uint64_t bytes, char* to, const char* end) {
  if (to > end || bytes > static_cast<std::uint64_t>(end - to)) return nullptr;
  copy_text(to, from, bytes);
  return to + bytes;
}

// Reads whole blocks, which a sanitizer of the test does not see to be within a page.
[[gnu::no_sanitize_address]] inline char* append_string(const char* from, char* to,
                                                        const char* end) {
#if defined(__SSE2__)
  const __m128i zero = _mm_setzero_si128();
  // Whole blocks, the last beyond the text but never beyond the page that it ends in. What is looked at is what is kept:
  // another thread may change the text meanwhile.
  while (to < end && (reinterpret_cast<std::uintptr_t>(from) & 4095) <= 4080) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), block);
    const auto nuls = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, zero)));
    if (nuls != 0) return to + __builtin_ctz(nuls) + 1;
    from += 16;
    to += 16;
  }
#endif
  while (to < end) {
    const char c = *static_cast<const volatile char*>(from++);
    *to++ = c;
    if (c == 0) return to;
  }
  return nullptr;
}

/// Arrays and sequences. A function of its own, so that others need fewer registers saved.
[[gnu::noinline]] char* append_elements(const sillage_field& field, const char* from, char* to,
                                        const char* end) {
  std::uint64_t count = next<unsigned long>(&from);
  const auto* data = next<const char*>(&from);
  if (field.kind == SILLAGE_KIND_ARRAY || field.kind == SILLAGE_KIND_TEXT_ARRAY) {
    count = field.count;
  } else {
    count = recorded_count(count, field);
    std::memcpy(to, &count, sizeof count);
    to += field.count;
  }
  if (count > UINT32_MAX) return nullptr;
  return field.kind == SILLAGE_KIND_ARRAY || field.kind == SILLAGE_KIND_SEQUENCE
             ? append_bytes(data, count * field.size, to, end)
             : append_text(data, count, to, end);
}

}  // namespace

std::uint32_t assemble_fields(const sillage_event& event, const char* stack, char* begin,
                              std::size_t room) {
  char* to = begin;
  const char* const limit = begin + room - kOverwrite;
  const sillage_field* const end = event.fields + event.field_count;
  for (const sillage_field* field = event.fields; field != end; field++) {
    if (to == nullptr || to >= limit) return UINT32_MAX;
    if (field->kind < SILLAGE_KIND_STRING) {
      auto word = next<std::uint64_t>(&stack);
      if (!is_recorded_as_is(*field)) [[unlikely]]
        word = recorded_word(word, *field);
      std::memcpy(to, &word, sizeof word);
      to += field->size;
    } else if (field->kind == SILLAGE_KIND_STRING) {
      to = append_string(next<const char*>(&stack), to, limit);
    } else {
      to = append_elements(*field, stack, to, limit);
      stack += sizeof(unsigned long) + sizeof(void*);
    }
  }
  return to == nullptr ? UINT32_MAX : static_cast<std::uint32_t>(to - begin);
}

template bool FieldParts::take<true>(const sillage_event& event, const char* stack);
template bool FieldParts::take<false>(const sillage_event& event, const char* stack);

bool FieldParts::can_be_large(const sillage_event& event) {
  std::uint32_t parts = 0;
  std::size_t room = 0;
  for (std::uint16_t i = 0; i < event.field_count; i++) {
    const sillage_field& field = event.fields[i];
    parts++;
    switch (field.kind) {
      case SILLAGE_KIND_STRING:
      case SILLAGE_KIND_ARRAY: break;
      case SILLAGE_KIND_TEXT_ARRAY: room += field.count; break;
      case SILLAGE_KIND_TEXT_SEQUENCE: return true;
      case SILLAGE_KIND_SEQUENCE: parts++; [[fallthrough]];
      default: room += kWord; break;
    }
  }
  return parts > kMaxParts || room + kWord > kRoom;
}

}  // namespace sillage::ust
