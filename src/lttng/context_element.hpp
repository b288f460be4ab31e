// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "lttng/xml_writer.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sillage::lttng {

/// Writes a context, named as on the command line, as LTTng's XML has it: <type>, <perf> or <app>.
void write_context(std::string_view context, XmlWriter* writer);

/// The context that <type> names: "vpid" for "VPID".
[[nodiscard]] std::string context_of_type(std::string_view type);
/// The context of <perf>: "perf:cpu:cycles" for "perf_cpu_cycles" of that type and configuration.
///
/// Errors: kInvalidArgument  a counter that has no name here.
[[nodiscard]] Result<std::string> context_of_counter(std::string_view field, std::uint64_t type,
                                                     std::uint64_t config);

}  // namespace sillage::lttng
