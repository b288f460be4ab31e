// SPDX-License-Identifier: MIT
// What filters ask of contexts, for programs without libsillage's own: the same for every event.
#include "contexts.hpp"

#include "abi/app_protocol.h"
#include "probe/app_context.hpp"
#include "probe/filter_machine.hpp"

#include <cstring>

namespace sillage::tests {

std::optional<std::uint32_t> find_context(std::string_view name) {
  if (name == "vtid") return SILLAGE_CONTEXT_VTID;
  if (name == "ip") return SILLAGE_CONTEXT_IP;
  if (name == "procname") return SILLAGE_CONTEXT_PROCNAME;
  return std::nullopt;
}

std::string app_value(std::string_view name) {
  const auto tagged = [](sillage_app_context_tag tag, const auto& value) {
    return static_cast<char>(tag) +
           std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  if (name == "$app.t:s8") return tagged(SILLAGE_APP_CONTEXT_S8, std::int8_t{-7});
  if (name == "$app.t:s16") return tagged(SILLAGE_APP_CONTEXT_S16, std::int16_t{-300});
  if (name == "$app.t:s32") return tagged(SILLAGE_APP_CONTEXT_S32, std::int32_t{-70000});
  if (name == "$app.t:s64") return tagged(SILLAGE_APP_CONTEXT_S64, std::int64_t{-1} << 40);
  if (name == "$app.t:u8") return tagged(SILLAGE_APP_CONTEXT_U8, std::uint8_t{200});
  if (name == "$app.t:u16") return tagged(SILLAGE_APP_CONTEXT_U16, std::uint16_t{60000});
  if (name == "$app.t:u32") return tagged(SILLAGE_APP_CONTEXT_U32, std::uint32_t{4000000000});
  if (name == "$app.t:u64") return tagged(SILLAGE_APP_CONTEXT_U64, UINT64_MAX);
  if (name == "$app.t:float") return tagged(SILLAGE_APP_CONTEXT_FLOAT, 1.5f);
  if (name == "$app.t:double") return tagged(SILLAGE_APP_CONTEXT_DOUBLE, -2.25);
  if (name == "$app.t:text")
    return std::string(1, SILLAGE_APP_CONTEXT_STRING) + "abba" + std::string(1, '\0');
  return std::string(1, SILLAGE_APP_CONTEXT_NONE);
}

}  // namespace sillage::tests

namespace sillage::probe {

std::uint64_t filter_context(std::uint64_t context, const RingView*, std::uint64_t ip) {
  if (context == SILLAGE_CONTEXT_VTID) return static_cast<std::uint64_t>(tests::kVtid);
  return context == SILLAGE_CONTEXT_IP ? ip : 0;
}
const char* filter_context_text(std::uint32_t, const RingView*) { return tests::kProcname; }

const char* take_filter_values(const Filter* filter, std::uint64_t, ValueRoom* room) {
  room->pages = nullptr;
  char* to = room->bytes;
  for (std::uint32_t i = 0; i < filter->field_count; i++) {
    const sillage_filter_field& field = filter->fields[i];
    if (field.kind != SILLAGE_FILTER_APP_VALUE) continue;
    const std::string value =
        tests::app_value(filter->text + filter->literals[field.offset].offset);
    const auto bytes = static_cast<std::uint32_t>(value.size());
    std::memcpy(to, &bytes, sizeof bytes);
    std::memcpy(to + sizeof bytes, value.data(), value.size());
    to += sizeof bytes + value.size();
  }
  return room->bytes;
}
void give_back(ValueRoom*) {}

}  // namespace sillage::probe
