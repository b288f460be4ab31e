// SPDX-License-Identifier: MIT
#pragma once

#include "lttng/xml_writer.hpp"

#include <string>
#include <string_view>

namespace sillage::lttng {

/// Writes a context, named as on the command line, as LTTng's XML has it: <type>, <perf> or <app>.
void write_context(std::string_view context, XmlWriter* writer);

/// The context that <type> names: "vpid" for "VPID".
[[nodiscard]] std::string context_of_type(std::string_view type);

}  // namespace sillage::lttng
