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

/// Whether nothing is in the way of swap_chunks().
///
/// Errors: kAlreadyExists  an archive of that name, or what is left of an interrupted rotation that nobody completed.
[[nodiscard]] Status check_swap(int output, const std::string& archive);

/// Puts the next chunk in the place of the current one, which becomes `archive` (a path below the output directory,
/// such as "archives/NAME"), or goes if that is "".
///
///   .tmp_new_chunk/ is there    the folders of the current chunk go to .tmp_old_chunk/, those of the next one take their places
///   it is not                   .tmp_old_chunk/ becomes the archive
///
/// Folders are moved, so that each file is always in one place; interrupted anywhere, complete_swap() can go on.
///
/// Errors: those of rename, and of check_swap(): the current chunk is current then.
[[nodiscard]] Status swap_chunks(int output, const std::string& archive);

/// Goes on with a swap that a killed process had begun, or was just about to begin. Returns false if it had been given up.
///
/// Errors: those of rename.
[[nodiscard]] Result<bool> complete_swap(int output, const std::string& archive);

/// Makes the current chunk an archive, or removes it, without another one.
///
/// Errors: as swap_chunks().
[[nodiscard]] Status end_chunk(int output, const std::string& archive);

}  // namespace sillage::collect
