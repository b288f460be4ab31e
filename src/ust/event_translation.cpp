// SPDX-License-Identifier: MIT
#include "ust/event_translation.hpp"

#include "abi/catalog.h"

#include <stdlib.h>

#include <cstdint>

namespace sillage::ust {
namespace {

constexpr std::uint8_t kDefaultLogLevel = 13;  // DEBUG_LINE
constexpr std::uint8_t kMaxLogLevel = 14;

template <class Type>
const Type* as(const ust_type* type) {
  return reinterpret_cast<const Type*>(type);
}

/// Size, order, sign and base of an integer, or of elements that are integers.
bool set_integer(const ust_type* type, sillage_field* field) {
  if (type == nullptr || type->kind != UST_TYPE_INTEGER) return false;
  const auto* integer = as<ust_type_integer>(type);
  const unsigned bits = integer->size;
  if (bits != 8 && bits != 16 && bits != 32 && bits != 64) return false;
  field->size = static_cast<std::uint8_t>(bits / 8);
  if (integer->signedness != 0) field->flags |= SILLAGE_FIELD_SIGNED;
  if (integer->reverse_byte_order != 0) field->flags |= SILLAGE_FIELD_BIG_ENDIAN;
  const unsigned base = integer->base;
  field->base = base == 2 || base == 8 || base == 16 ? static_cast<std::uint8_t>(base) : 10;
  return true;
}

/// Whether an array or sequence is text: of bytes, with an encoding.
bool is_text(const ust_type* element, std::uint32_t encoding) {
  return encoding != UST_ENCODING_NONE && element != nullptr && element->kind == UST_TYPE_INTEGER &&
         as<ust_type_integer>(element)->size == 8;
}

/// What stands behind `labels`; the labels of one enumeration.
///
/// An automatic value is one above the end of the label before, or 0 at the beginning, as in CTF.
sillage_label* set_enumeration(const ust_type_enum& type, sillage_field* field,
                               sillage_label* labels) {
  const ust_enum& desc = *type.desc;
  std::uint64_t next = 0;
  for (unsigned i = 0; i < desc.nr_entries; i++) {
    const ust_enum_entry& entry = *desc.entries[i];
    std::uint64_t begin = entry.start.value, end = entry.end.value;
    if ((entry.options & UST_ENUM_IS_AUTO) != 0) begin = end = next;
    next = end + 1;
    labels[i] = {static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end), entry.string};
  }
  field->kind = SILLAGE_KIND_ENUM;
  field->labels = labels;
  field->label_count = desc.nr_entries;
  return labels + desc.nr_entries;
}

/// Translates one field other than a sequence's length. `length_bytes` is of the length before it, or 0.
bool set_field(const ust_field& from, std::uint32_t length_bytes, sillage_field* field,
               sillage_label** labels) {
  field->name = from.name;
  field->base = 10;
  field->size = 1;
  field->flags = from.nowrite != 0 ? SILLAGE_FIELD_NOWRITE : 0;
  switch (from.type->kind) {
    case UST_TYPE_INTEGER: field->kind = SILLAGE_KIND_INTEGER; return set_integer(from.type, field);
    case UST_TYPE_STRING: field->kind = SILLAGE_KIND_STRING; return true;
    case UST_TYPE_FLOAT: {
      const auto* type = as<ust_type_float>(from.type);
      const unsigned bits = type->exp_dig + type->mant_dig;
      field->kind = SILLAGE_KIND_FLOAT;
      field->size = static_cast<std::uint8_t>(bits / 8);
      return (bits == 32 || bits == 64) && type->reverse_byte_order == 0;
    }
    case UST_TYPE_ENUM: {
      const auto* type = as<ust_type_enum>(from.type);
      if (type->desc == nullptr || !set_integer(type->container_type, field)) return false;
      *labels = set_enumeration(*type, field, *labels);
      return true;
    }
    case UST_TYPE_ARRAY: {
      const auto* type = as<ust_type_array>(from.type);
      field->count = type->length;
      field->kind = SILLAGE_KIND_TEXT_ARRAY;
      if (is_text(type->elem_type, type->encoding)) return true;
      field->kind = SILLAGE_KIND_ARRAY;
      return set_integer(type->elem_type, field);
    }
    case UST_TYPE_SEQUENCE: {
      const auto* type = as<ust_type_sequence>(from.type);
      if (length_bytes == 0 || type->length_name != nullptr) return false;
      field->count = length_bytes;
      field->kind = SILLAGE_KIND_TEXT_SEQUENCE;
      if (is_text(type->elem_type, type->encoding)) return true;
      field->kind = SILLAGE_KIND_SEQUENCE;
      return set_integer(type->elem_type, field);
    }
    default: return false;
  }
}

/// Whether the field behind `index` is a sequence: then this one is its length, which belongs to it here.
bool is_length(const ust_class& description, std::size_t index) {
  return index + 1 < description.nr_fields && description.fields[index]->type != nullptr &&
         description.fields[index + 1]->type != nullptr &&
         description.fields[index + 1]->type->kind == UST_TYPE_SEQUENCE &&
         description.fields[index]->type->kind == UST_TYPE_INTEGER;
}

const char* reason_of(const ust_type* type) {
  switch (type == nullptr ? UINT32_MAX : type->kind) {
    case UST_TYPE_STRUCT: return "it is a structure";
    case UST_TYPE_DYNAMIC: return "it is of dynamic type";
    case UST_TYPE_ARRAY:
    case UST_TYPE_SEQUENCE: return "its elements are no integers of 8, 16, 32 or 64 bits";
    case UST_TYPE_INTEGER:
    case UST_TYPE_FLOAT:
    case UST_TYPE_ENUM: return "it has a size or an order of bytes that records cannot have";
    default: return "it is of a type that LTTng-UST 2.13 does not have";
  }
}

bool set_fields(const ust_class& description, TranslatedEvent* to, Refusal* refusal) {
  sillage_label* labels = to->labels;
  std::uint16_t used = 0;
  std::uint32_t length_bytes = 0;
  for (std::size_t i = 0; i < description.nr_fields; i++) {
    const ust_field& from = *description.fields[i];
    if (is_length(description, i)) {
      length_bytes = as<ust_type_integer>(from.type)->size / 8;
      continue;
    }
    if (from.type == nullptr || !set_field(from, length_bytes, &to->fields[used++], &labels)) {
      *refusal = {from.name, reason_of(from.type)};
      return false;
    }
    length_bytes = 0;
  }
  to->event.field_count = used;
  return true;
}

std::size_t count_labels(const ust_class& description) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < description.nr_fields; i++) {
    const ust_type* type = description.fields[i]->type;
    if (type != nullptr && type->kind == UST_TYPE_ENUM && as<ust_type_enum>(type)->desc != nullptr)
      count += as<ust_type_enum>(type)->desc->nr_entries;
  }
  return count;
}

std::uint8_t log_level_of(const ust_event& event) {
  if (event.loglevel == nullptr || *event.loglevel == nullptr) return kDefaultLogLevel;
  const int level = **event.loglevel;
  return level >= 0 && level <= kMaxLogLevel ? static_cast<std::uint8_t>(level) : kDefaultLogLevel;
}

}  // namespace

bool translate_event(const ust_event& event, TranslatedEvent* to, Refusal* refusal) {
  const ust_class& description = *event.tp_class;
  *to = {};
  *refusal = {nullptr, "there is not enough memory"};
  if (description.nr_fields > UINT16_MAX) return false;
  // One more of each: calloc(0) may be NULL.
  to->fields =
      static_cast<sillage_field*>(calloc(description.nr_fields + 1, sizeof(sillage_field)));
  to->labels =
      static_cast<sillage_label*>(calloc(count_labels(description) + 1, sizeof(sillage_label)));
  if (to->fields == nullptr || to->labels == nullptr || !set_fields(description, to, refusal)) {
    free_event(to);
    return false;
  }
  to->event.provider = event.probe_desc->provider_name;
  to->event.name = event.event_name;
  to->event.file = "";
  to->event.emf_uri = event.model_emf_uri == nullptr ? nullptr : *event.model_emf_uri;
  to->event.fields = to->fields;
  to->event.log_level = log_level_of(event);
  return true;
}

void free_event(TranslatedEvent* event) {
  free(event->fields);
  free(event->labels);
  *event = {};
}

}  // namespace sillage::ust
