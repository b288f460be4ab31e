// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "symbols/object_symbols.hpp"

#include <cstdint>
#include <string>

namespace sillage::symbols {

/// Opens the separate file of an object's symbols; no descriptor if there is none that fits.
///
/// Looked for as gdb does: DIR/.build-id/ab/cdef.debug; then the debug link beside the object, in .debug there, and in DIR with
/// the object's own path; DIR is the directory of `options`, or /usr/lib/debug.
/// Source: gdb manual, "Debugging Information in Separate Files".
[[nodiscard]] Fd open_debug_file(const MappedObject& object, const SearchOptions& options,
                                 std::string* path);

/// Whether a file has the checksum that debug links have of a whole file.
[[nodiscard]] bool has_checksum(const Fd& file, std::uint32_t wanted);

}  // namespace sillage::symbols
