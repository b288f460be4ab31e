// SPDX-License-Identifier: MIT
#include "lttng/process_value.hpp"

#include <grp.h>
#include <pwd.h>

#include <charconv>
#include <optional>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;

std::optional<std::uint32_t> look_up(const std::string& name, v1::ProcessAttribute attribute) {
  if (attribute == v1::UID || attribute == v1::VUID) {
    if (const passwd* user = getpwnam(name.c_str()); user != nullptr) return user->pw_uid;
  } else if (attribute == v1::GID || attribute == v1::VGID) {
    if (const group* entry = getgrnam(name.c_str()); entry != nullptr) return entry->gr_gid;
  }
  return std::nullopt;
}

}  // namespace

Result<v1::ProcessValue> process_value(const std::string& text, v1::ProcessAttribute attribute) {
  v1::ProcessValue value;
  std::uint32_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec == std::errc() && end.ptr == text.data() + text.size()) {
    value.set_number(number);
    return value;
  }
  const auto found = look_up(text, attribute);
  if (!found)
    return fail(Code::kInvalidArgument, "`" + text + "` is neither a number nor a name known here");
  value.set_name(text);
  value.set_number(*found);
  return value;
}

Status look_up_names(v1::Session* session) {
  for (v1::SessionDomain& domain : *session->mutable_domains())
    for (v1::InclusionSet& set : *domain.mutable_inclusion_sets())
      for (v1::ProcessValue& value : *set.mutable_values()) {
        if (value.name().empty()) continue;
        const auto found = look_up(value.name(), set.attribute());
        if (!found)
          return fail(Code::kInvalidArgument, "session " + session->name() + ": `" + value.name() +
                                                  "` is no user or group known here: take it out "
                                                  "of the file, or write its number");
        value.set_number(*found);
      }
  return {};
}

}  // namespace sillage::lttng
