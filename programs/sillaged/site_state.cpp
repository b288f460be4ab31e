// SPDX-License-Identifier: MIT
#include "sillaged/site_state.hpp"

#include <string>

namespace sillage::daemon {

void fill(const apps::Site& site, v1::Site* message) {
  message->set_provider(site.provider);
  message->set_name(site.name);
  message->set_emf_uri(site.emf_uri);
  message->set_log_level(site.log_level);
  message->set_identity(site.identity);
  for (const apps::Field& from : site.fields) {
    v1::SiteField* field = message->add_fields();
    field->set_kind(from.kind);
    field->set_size(from.size);
    field->set_flags(from.flags);
    field->set_base(from.base);
    field->set_count(from.count);
    field->set_name(from.name);
    field->set_media_type(from.media_type);
    for (const apps::Label& each : from.labels) {
      v1::SiteLabel* label = field->add_labels();
      label->set_begin(each.begin);
      label->set_end(each.end);
      label->set_name(each.name);
    }
  }
}

Result<apps::Site> site_of(const v1::Site& message) {
  apps::Site site;
  site.provider = message.provider();
  site.name = message.name();
  site.emf_uri = message.emf_uri();
  site.log_level = static_cast<std::uint8_t>(message.log_level());
  site.identity = message.identity();
  for (const v1::SiteField& from : message.fields()) {
    if (from.kind() < SILLAGE_KIND_INTEGER || from.kind() > SILLAGE_KIND_BLOB_SEQUENCE ||
        from.size() > 8)
      return fail(Code::kCorrupt, "a field that cannot be");
    apps::Field field;
    field.kind = static_cast<sillage_field_kind>(from.kind());
    field.size = static_cast<std::uint8_t>(from.size());
    field.flags = static_cast<std::uint8_t>(from.flags());
    field.base = static_cast<std::uint8_t>(from.base());
    field.count = from.count();
    field.name = from.name();
    field.media_type = from.media_type();
    for (const v1::SiteLabel& label : from.labels())
      field.labels.push_back({label.begin(), label.end(), label.name()});
    site.fields.push_back(std::move(field));
  }
  return site;
}

}  // namespace sillage::daemon
