// SPDX-License-Identifier: MIT
// Sizes and times as people type and read them.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sillage::command {

/// "4096", "64k", "2M", "1G": powers of 1024, letters of either case.
///
/// Errors: kInvalidArgument  anything else, 0, or more than 64 bits hold.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// A time in nanoseconds: "1.5s", "200ms", "30us", "2m", "1h"; a bare number is in units of `bare_ns`.
///
/// Errors: kInvalidArgument  anything else, or more than 64 bits hold.
[[nodiscard]] Result<std::uint64_t> parse_duration(std::string_view text, std::uint64_t bare_ns);

/// "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);

/// "512 B", "1.5 KiB", "12.3 MiB".
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// "0.012 s", "3.41 s", "2 min 5 s".
[[nodiscard]] std::string duration_text(std::uint64_t ns);

}  // namespace sillage::command
