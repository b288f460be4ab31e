// SPDX-License-Identifier: MIT
// Traces of other tracers as CTF: the interface of this module.
#pragma once

#include "base/result.hpp"
#include "ctf/model.hpp"
#include "import/input.hpp"
#include "import/trace_output.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::import {

/// What to do with a file.
struct ImportOptions {
  /// Directory of the trace, made if missing; "" = write nothing, only look whether it could be read.
  std::string directory;
  ctf::Version version = ctf::Version::kCtf18;
  /// The trace's name in its environment.
  std::string trace_name;
  /// Called for each part that had to be left out. May be empty.
  std::function<void(const Error&)> on_damage;
  /// Called for what the user should know, such as times that are not those of another file.
  std::function<void(const std::string&)> on_note;
  /// Version of Sillage, for the environment.
  std::string importer_version;
};

/// What an import did.
struct ImportSummary {
  std::string_view format;  ///< "trace.dat" or "perf.data"
  OutputCounts counts;
  std::uint64_t damages = 0;  ///< calls of on_damage
};

/// Which tracer wrote a file.
enum class FileFormat : std::uint8_t { kTraceDat, kPerfData };

/// Errors: kUnsupported  neither's.
[[nodiscard]] Result<FileFormat> recognize(const Input& input);

/// Writes the events of a file as a CTF trace.
///
/// A damaged part is reported, its events counted as discarded where their number is known, and the rest
/// is read. Memory: a packet of 256 KiB per CPU and channel, a page or chunk per CPU of trace-cmd's, a
/// round of perf's buffers.
///
/// Errors: kUnsupported  not such a file, or a version that cannot be read; kCorrupt without what
///         is needed to read on; kAlreadyExists; those of writing.
[[nodiscard]] Result<ImportSummary> import_file(const Input& input, const ImportOptions& options);

/// The same for one format.
[[nodiscard]] Result<ImportSummary> import_trace_dat(const Input& input,
                                                     const ImportOptions& options);
[[nodiscard]] Result<ImportSummary> import_perf_data(const Input& input,
                                                     const ImportOptions& options);

}  // namespace sillage::import
