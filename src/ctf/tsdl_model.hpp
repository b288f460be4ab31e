// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "ctf/limits.hpp"
#include "ctf/model.hpp"

#include <string_view>

namespace sillage::ctf {

/// The model that a CTF 1.8 metadata text says, the `/* CTF 1.8 */` line being there or not.
///
/// The order of blocks does not matter: a first pass finds them, then environment, clocks, types,
/// trace, streams and events are read, each block from its text to the model at once.
///
/// Shape:  as read_metadata.
/// Errors: kCorrupt or kLimit; the location is "line L, column C".
/// Cost:   linear in the size of the text; types of a block are freed behind it.
/// Source: CTF 1.8.3 sections 7 and 8. Deviations that tracers ship are read as babeltrace2 reads
///         them: unknown attributes are skipped; timestamps without `map` are of the only clock, or
///         of a new one of 1 GHz; LTTng's clock "monotonic" counts from the Unix epoch.
[[nodiscard]] Result<TraceModel> read_tsdl(std::string_view text, const MetadataLimits& limits);

}  // namespace sillage::ctf
