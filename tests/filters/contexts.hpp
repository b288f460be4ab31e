// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sillage::tests {

constexpr std::int64_t kVtid = -7;
constexpr std::uint64_t kIp = 0x1234;
constexpr const char* kProcname = "abba";

/// vtid, ip and procname, as apps::FindContext.
[[nodiscard]] std::optional<std::uint32_t> find_context(std::string_view name);

/// The value of a context of applications, as it stands in a record: $app.t:s8 to u64, float, double and text; others are none.
[[nodiscard]] std::string app_value(std::string_view name);

}  // namespace sillage::tests
