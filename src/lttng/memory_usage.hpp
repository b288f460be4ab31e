// SPDX-License-Identifier: MIT
#pragma once

#include "control/control.pb.h"
#include "lttng/mi_document.hpp"

#include <cstdint>
#include <string>

namespace sillage::lttng {

/// How much is said of the memory that channels take: --mem-usage.
enum class MemoryShown : std::uint8_t {
  kNothing,
  kTotal,    ///< of each channel
  kCompact,  ///< of each user or process, too
  kFull,     ///< of each CPU, too
};

/// Such as "1.50 MiB".
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

/// Lines of a channel's statistics; "" if nobody asked, or if it has no buffers yet. What is used, and what can be at most.
[[nodiscard]] std::string memory_text(const control::v1::SessionChannel& channel,
                                      MemoryShown shown);

/// A channel's <data_stream_info_sets>.
void write_memory(const control::v1::SessionChannel& channel, MiDocument* document);

}  // namespace sillage::lttng
