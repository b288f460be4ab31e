// SPDX-License-Identifier: MIT
#pragma once

#include "report/details_brush.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sillage::report {

/// Appends a JSON value as `sink.text.details` writes user attributes: from behind the name, which
/// is indented by `indent`, to the end of the last line. Members of objects are sorted.
///
/// `json` was read before, as part of metadata; what is not JSON is written as it stands.
/// Source: text of Babeltrace 2.2, src/plugins/text/details.
void append_json_details(std::string_view json, Brush brush, std::size_t indent, std::string* out);

}  // namespace sillage::report
