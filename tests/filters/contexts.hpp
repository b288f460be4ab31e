// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sillage::tests {

constexpr std::int64_t kVtid = -7;
constexpr std::uint64_t kIp = 0x1234;
constexpr const char* kProcname = "abba";

/// vtid, ip and procname, as apps::FindContext.
[[nodiscard]] std::optional<std::uint32_t> find_context(std::string_view name);

}  // namespace sillage::tests
