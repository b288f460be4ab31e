// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sillage::control {

/// Raised when an old command and a new daemon could misunderstand each other.
inline constexpr std::uint32_t kProtocolVersion = 1;

/// A request is patterns and options; an answer may list every tracepoint of every program.
inline constexpr std::size_t kMaxRequestBytes = 4u << 20;
inline constexpr std::size_t kMaxResponseBytes = 256u << 20;

/// `payload` with its length in front, as it goes over the socket.
[[nodiscard]] std::string frame(std::string_view payload);

/// Takes the first whole payload off the front of `received`; nothing if more bytes are needed.
///
/// Errors: kLimit  the length in front is above `limit_bytes`: hang up, nothing after it can be found.
[[nodiscard]] Result<std::optional<std::string>> take_frame(std::string* received,
                                                            std::size_t limit_bytes);

}  // namespace sillage::control
