// SPDX-License-Identifier: MIT
#pragma once

#include "base/units.hpp"

#include <cstdint>

namespace sillage::collect {

/// How large the files of a data stream may become.
struct FileLimits {
  std::uint64_t bytes =
      0;  ///< of one, but for a packet that alone is larger; 0: no limit, one file NAME
  std::uint32_t count =
      0;  ///< then NAME_0 to NAME_(count - 1), the oldest written over; 0: any number
};

/// How a channel's packets come to disk.
struct FileOptions {
  FileLimits limits{};
  /// How old what is published may become before it is written though its sub-buffer is not full; 0: any age.
  Nanoseconds switch_period{};
};

}  // namespace sillage::collect
