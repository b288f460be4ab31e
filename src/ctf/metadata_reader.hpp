// SPDX-License-Identifier: MIT
// Metadata streams into the trace model: CTF 1.8 text and CTF 2 JSON, plain or in packets.
#pragma once

#include "base/result.hpp"
#include "ctf/limits.hpp"
#include "ctf/model.hpp"

#include <cstddef>
#include <span>

namespace sillage::ctf {

/// Returns what a whole metadata stream says; its format is recognised from its bytes.
///
/// Shape:    field locations are resolved: `origin` and `path` lead to a field that is decoded
///           before, from the class's own place; path elements are names of structure members, and
///           arrays, options and variants on the way are passed as they are being decoded.
///           CTF 1.8's reserved names have become roles, its enumeration labels the ranges of
///           variant options, its 8-bit integers with an encoding in arrays strings, `uuid` in the
///           packet header a BLOB; names have lost their first underscore, as Babeltrace 2.2 shows
///           them. Nothing in the model refers to `bytes`.
/// Errors:   kCorrupt      this is not valid metadata; the location is "line L, column C" of the
///                         text, or "fragment N, byte B, /pointer" of a JSON text
///                         sequence.
///           kUnsupported  a version or extension that is not known.
///           kLimit        one of `limits` is passed.
/// Cost:     linear in the size of the metadata.
/// Source:   CTF 1.8.3 sections 4, 7 and appendix C; CTF2-SPEC-2.0; CTF2-PMETA-1.0.
[[nodiscard]] Result<TraceModel> read_metadata(std::span<const std::byte> bytes,
                                               const MetadataLimits& limits = {});

}  // namespace sillage::ctf
