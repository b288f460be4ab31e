// SPDX-License-Identifier: MIT
#include "probe/catalog_writer.hpp"

#include <cstring>

namespace sillage::probe {
namespace {

/// Appends values, or only counts them.
class Output {
 public:
  explicit Output(char* to) : to_(to) {}

  void bytes(const void* data, std::uint32_t count) {
    if (to_ != nullptr) std::memcpy(to_ + used_, data, count);
    used_ += count;
  }
  template <class T>
  void value(T number) {
    bytes(&number, sizeof number);
  }
  void string(const char* text) {
    std::size_t length = text == nullptr ? 0 : std::strlen(text);
    if (length > UINT16_MAX) length = UINT16_MAX;
    value(static_cast<std::uint16_t>(length));
    bytes(text, static_cast<std::uint32_t>(length));
  }
  void pad_to_8() {
    while (used_ % 8 != 0) value(std::uint8_t{0});
  }
  [[nodiscard]] std::uint32_t used() const { return used_; }

 private:
  char* to_;
  std::uint32_t used_ = 0;
};

}  // namespace

std::uint32_t write_description(const sillage_event& event, char* to) {
  Output out(to);
  out.value(std::uint32_t{0});  // set below
  out.value(event.log_level);
  out.value(std::uint8_t{0});
  out.value(event.field_count);
  out.value(event.line);
  out.string(event.provider);
  out.string(event.name);
  out.string(event.file);
  out.string(event.emf_uri);
  for (std::uint16_t i = 0; i < event.field_count; i++) {
    const sillage_field& field = event.fields[i];
    out.value(field.kind);
    out.value(field.size);
    out.value(field.flags);
    out.value(field.base);
    out.value(field.count);
    out.string(field.name);
    out.string(field.media_type);
    out.value(field.label_count);
    for (std::uint32_t label = 0; label < field.label_count; label++) {
      out.value(field.labels[label].begin);
      out.value(field.labels[label].end);
      out.string(field.labels[label].label);
    }
  }
  out.pad_to_8();
  std::uint32_t total = out.used();
  if (to != nullptr) std::memcpy(to, &total, sizeof total);
  return total;
}

}  // namespace sillage::probe
