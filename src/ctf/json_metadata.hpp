// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "ctf/limits.hpp"
#include "ctf/model.hpp"

#include <string_view>

namespace sillage::ctf {

/// Whether a metadata text is a JSON text sequence: it begins with a record separator.
[[nodiscard]] bool is_json_metadata(std::string_view text);

/// The model that a CTF 2 metadata text says.
///
/// Refused is what CTF2-SPEC-2.0 says must not be, properties that it does not have, and any
/// extension: none is known. Not refused: members of headers that mean nothing.
///
/// Shape:  as read_metadata. Log levels and EMF URIs are taken from the attributes of LTTng and
///         Babeltrace; all attributes but those of members and options are kept as they stand.
/// Errors: kCorrupt, kUnsupported or kLimit; the location is "fragment N, byte B, /pointer": N from
///         1, B from the start of the text and near the value, the JSON pointer from the fragment.
/// Source: CTF2-SPEC-2.0rB section 5; RFC 7464.
[[nodiscard]] Result<TraceModel> read_json_metadata(std::string_view text,
                                                    const MetadataLimits& limits);

}  // namespace sillage::ctf
