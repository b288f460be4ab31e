// SPDX-License-Identifier: MIT
// Tracepoints for tests of filters: as the daemon reads their description, and as the probe gets their events.
#pragma once

#include <sillage/detail/record.h>
#include "abi/catalog.h"
#include "apps/event_filter.hpp"
#include "apps/image_catalog.hpp"
#include "filter/evaluate.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::tests {

/// Of each field its bytes: texts without a NUL, elements of sequences without the count.
using Values = std::vector<std::string>;

struct TestSite {
  std::string name;
  apps::Site site;
  bool is_for_kernel = false;
  std::vector<sillage_field> fields{};
  sillage_event event{};

  [[nodiscard]] static bool is_dynamic(const apps::Field& field) {
    return field.kind == SILLAGE_KIND_STRING || field.kind == SILLAGE_KIND_TEXT_SEQUENCE ||
           field.kind == SILLAGE_KIND_SEQUENCE || field.kind == SILLAGE_KIND_BLOB_SEQUENCE;
  }
  /// An event's payload, as it stands in the record.
  [[nodiscard]] std::string payload(const Values& values) const {
    std::string bytes;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const apps::Field& field = site.fields[i];
      if (is_unwritten(field)) continue;
      if (is_dynamic(field) && field.kind != SILLAGE_KIND_STRING) {
        const auto count = static_cast<std::uint32_t>(values[i].size() / field.size);
        bytes.append(reinterpret_cast<const char*>(&count), sizeof count);
      }
      bytes += fixed(field, values[i]);
      if (field.kind == SILLAGE_KIND_STRING) bytes += '\0';
    }
    return bytes;
  }
  [[nodiscard]] static bool is_unwritten(const apps::Field& field) {
    return (field.flags & SILLAGE_FIELD_NOWRITE) != 0;
  }
  /// The bytes of a field of fixed size: texts and BLOBs are filled up.
  [[nodiscard]] static std::string fixed(const apps::Field& field, std::string bytes) {
    const bool has_count = field.kind == SILLAGE_KIND_TEXT_ARRAY || field.kind == SILLAGE_KIND_BLOB;
    if (has_count) bytes.resize(field.count);
    return bytes;
  }
};

/// An event as the macros of tracepoint.h hand it over: by the same function.
class Parts {
 public:
  /// `only_unwritten`: those of fields that are not recorded.
  Parts(const TestSite& site, const Values& values, bool only_unwritten = false)
      : bytes_(values),
        parts_(2 * values.size() + 1),
        scratch_(SILLAGE_I_MERGED_BYTES * values.size() + 1) {
    pieces_ = {parts_.data(), scratch_.data(), 0, 0, 0};
    for (std::size_t i = 0; i < values.size(); ++i) {
      const apps::Field& field = site.site.fields[i];
      if (only_unwritten && !TestSite::is_unwritten(field)) continue;
      if (!TestSite::is_dynamic(field)) bytes_[i] = TestSite::fixed(field, values[i]);
      sillage_i_item item = item_of(field, bytes_[i]);
      if (TestSite::is_unwritten(field)) item.form |= SILLAGE_I_FORM_NOWRITE;
      sillage_i_append(&pieces_, item);
    }
  }
  [[nodiscard]] const sillage_part* begin() const { return parts_.data(); }
  [[nodiscard]] std::uint32_t count() const { return pieces_.count; }

 private:
  static sillage_i_item item_of(const apps::Field& field, const std::string& bytes) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    if (field.kind == SILLAGE_KIND_STRING)
      return {bytes.c_str(), UINT32_MAX, 0, SILLAGE_I_FORM_STRING};
    if (TestSite::is_dynamic(field))
      return {bytes.data(), size, size / field.size, SILLAGE_I_FORM_SEQUENCE};
    return {bytes.data(), size, 0, SILLAGE_I_FORM_FIXED};
  }

  Values bytes_;
  std::vector<sillage_part> parts_;
  std::vector<char> scratch_;
  sillage_i_pieces pieces_{};
};

/// One element of a field, or the field itself, as an evaluator sees it.
[[nodiscard]] filter::Scalar scalar_of(const apps::Field& field, std::string_view bytes,
                                       std::uint64_t element);

/// An event for filter::matches(); contexts as contexts.hpp has them.
class EventRecord final : public filter::Record {
 public:
  EventRecord(const TestSite& site, const Values& values,
              const std::vector<apps::SiteSchema::Place>& places)
      : site_(site), values_(values), places_(places) {}
  [[nodiscard]] filter::Scalar read(std::uint32_t slot) const override;

 private:
  const TestSite& site_;
  const Values& values_;
  const std::vector<apps::SiteSchema::Place>& places_;
};

/// "words": integers of 24 bytes; "block": all of fixed size; "kernel": integers and texts; "mixed": everything; "hidden": what
/// is not recorded comes first.
[[nodiscard]] const TestSite* find_site(std::string_view name);

/// The fields' bytes of a line: hexadecimal digits, "-" = none, with spaces between.
[[nodiscard]] Values values_of(const std::string& line);

}  // namespace sillage::tests
