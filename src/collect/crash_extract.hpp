// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sillage::collect {

/// What was found in the buffers of recordings that nobody goes on with.
struct CrashExtract {
  std::vector<std::string>
      traces{};  ///< directories that were written, each with events or without
  std::uint64_t events = 0, packets = 0;
  std::uint64_t lost =
      0;  ///< events that no reader can get any more: overwritten, or not what they claim
  /// Streams whose last packet may be in the trace, too, as that is not where it was.
  std::uint64_t doubtful_streams = 0;
  std::vector<Error> refused{};  ///< what is no buffer, with file and offset; the rest was read
};

/// Writes what the buffers in files (BufferFiles) below a directory hold and their collector did not write any more, as traces
/// of the same identity: what is in the recording's own trace is not here, and each other event is once. Nothing below `buffers`
/// or in the recording's trace changes; programs may still be writing, events that come meanwhile may be missed.
///
/// Shape:  `output`/D holds what the buffers in `buffers`/D hold.
/// Errors: kNotFound       there are no buffers, or no such directory.
///         kAlreadyExists  `output` is there.
///         those of the output's files.
/// Cost:   as long as the disk takes; memory of a sub-buffer.
[[nodiscard]] Result<CrashExtract> extract_buffers(const std::string& buffers,
                                                   const std::string& output);

}  // namespace sillage::collect
