// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/model.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sillage::import {

/// What a file says of the machine and the tracer that made it; "" = nothing.
struct Origin {
  std::string trace_name{}, hostname{}, kernel_release{}, machine{};
  std::string tracer_name{}, tracer_version{};
  std::string importer_version{};
  std::int64_t word_bits = 0;  ///< 0: not said
};

/// The environment of a kernel trace: LTTng's names in LTTng's order, the tracer's own name.
[[nodiscard]] std::vector<ctf::EnvironmentEntry> kernel_environment(const Origin& origin);

}  // namespace sillage::import
