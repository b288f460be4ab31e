// SPDX-License-Identifier: MIT
// Traces to traces: in the other version of the format, or only the part of a range of time.
#pragma once

#include "base/result.hpp"
#include "ctf/data_stream.hpp"
#include "ctf/model.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sillage::convert {

struct CopyOptions {
  std::optional<ctf::Version> version{};  ///< none: each trace keeps its own
  ctf::TimeRange range{};
  ctf::DamageReport on_damage{};  ///< what could not be read, and is not in the copy
  std::function<void(const std::string&)> on_notice{};  ///< what the new format cannot say
};

/// What was done.
struct CopySummary {
  std::uint64_t traces = 0;
  std::uint64_t packets_copied = 0;    ///< as they were, but for the counter of lost events
  std::uint64_t packets_written = 0;   ///< in another form, or without some of their events
  std::uint64_t packets_left_out = 0;  ///< outside the range
  std::uint64_t damages = 0;
};

/// Writes the traces at or below `paths` into the new directory `output`.
///
/// Layout:   each directory of a trace keeps its place below the path, so rotated chunks stay
///           chunks; of several paths each has its own directory. Files keep their names; index
///           files are made where packets say their times.
/// Bytes:    packets are copied whole where their layout stays, and written again where it does not
///           or where the range ends inside. Metadata of the same version is copied as it is.
/// Counters: packet sequence numbers stay. Event records lost before the first packet that is kept
///           are left out of the counters: what the copy says was lost, was lost in it.
/// Errors:   kNotFound       a path is not there, or has no trace;
///           kAlreadyExists  the output is there and not an empty directory;
///           those of read_metadata(), Plan::compile() and to_ctf18(), and of writing.
[[nodiscard]] Result<CopySummary> copy_traces(const std::vector<std::string>& paths,
                                              const std::string& output,
                                              const CopyOptions& options);

}  // namespace sillage::convert
