// SPDX-License-Identifier: MIT
#include "sillaged/event_class.hpp"

#include "ctf/layout.hpp"

#include <vector>

namespace sillage::daemon {
namespace {

ctf::IntegerFormat format_of(const apps::Field& field) {
  return {field.size, (field.flags & SILLAGE_FIELD_SIGNED) != 0, static_cast<ctf::Base>(field.base),
          (field.flags & SILLAGE_FIELD_BIG_ENDIAN) != 0};
}

/// Bytes of a sequence's length: abi/catalog.h.
std::uint32_t length_of(const apps::Field& field) { return field.count == 0 ? 4 : field.count; }

std::vector<ctf::EnumerationLabel> labels_of(const apps::Field& field) {
  std::vector<ctf::EnumerationLabel> labels;
  for (const apps::Label& label : field.labels) {
    labels.push_back(
        {label.name,
         {static_cast<std::uint64_t>(label.begin), static_cast<std::uint64_t>(label.end)}});
  }
  return labels;
}

void add_field(ctf::PayloadBuilder* payload, const apps::Field& field) {
  const bool has_floats = (field.flags & SILLAGE_FIELD_FLOAT_ELEMENTS) != 0;
  switch (field.kind) {
    case SILLAGE_KIND_INTEGER: payload->integer(field.name, format_of(field)); break;
    case SILLAGE_KIND_BOOL: payload->boolean(field.name); break;
    case SILLAGE_KIND_ENUM:
      payload->enumeration(field.name, format_of(field), labels_of(field));
      break;
    case SILLAGE_KIND_FLOAT: payload->floating(field.name, field.size); break;
    case SILLAGE_KIND_STRING: payload->string(field.name); break;
    case SILLAGE_KIND_TEXT_ARRAY: payload->text_array(field.name, field.count); break;
    case SILLAGE_KIND_TEXT_SEQUENCE: payload->text_sequence(field.name, length_of(field)); break;
    case SILLAGE_KIND_ARRAY:
      if (has_floats) {
        payload->float_array(field.name, field.size, field.count);
      } else {
        payload->array(field.name, format_of(field), field.count);
      }
      break;
    case SILLAGE_KIND_SEQUENCE:
      if (has_floats) {
        payload->float_sequence(field.name, field.size, length_of(field));
      } else {
        payload->sequence(field.name, format_of(field), length_of(field));
      }
      break;
    case SILLAGE_KIND_BLOB: payload->blob(field.name, field.count, field.media_type); break;
    case SILLAGE_KIND_BLOB_SEQUENCE: payload->blob_sequence(field.name, field.media_type); break;
  }
}

}  // namespace

ctf::EventClass event_class_of(const apps::Site& site) {
  ctf::EventClass event;
  event.name = site.full_name();
  event.log_level = site.log_level;
  event.emf_uri = site.emf_uri;
  ctf::PayloadBuilder payload;
  for (const apps::Field& field : site.fields) {
    if ((field.flags & SILLAGE_FIELD_NOWRITE) == 0) add_field(&payload, field);
  }
  event.payload = payload.build();
  return event;
}

}  // namespace sillage::daemon
