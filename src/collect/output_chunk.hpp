// SPDX-License-Identifier: MIT
// The traces of an output directory as one chunk: its folders "kernel" and "ust", which are moved together.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <string>

namespace sillage::collect {

/// Makes the folder in which the next chunk's traces are prepared, below the output directory; what an interrupted
/// rotation left there goes.
[[nodiscard]] Result<Fd> make_next_chunk(int output);
/// Takes it back.
void remove_next_chunk(int output);

/// Puts the next chunk in the place of the current one, which becomes `archive` (a path below the output directory,
/// such as "archives/NAME"), or goes if that is "".
///
/// The folders are moved, so that each file is always in one of the two; interrupted, what is no longer current is in
/// `.tmp_old_chunk`.
///
/// Errors: those of rename, and kAlreadyExists for an archive that is there: the current chunk is current then.
[[nodiscard]] Status swap_chunks(int output, const std::string& archive);

/// Makes the current chunk an archive, or removes it, without another one.
///
/// Errors: as swap_chunks().
[[nodiscard]] Status end_chunk(int output, const std::string& archive);

}  // namespace sillage::collect
