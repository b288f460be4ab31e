// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/data_stream.hpp"

#include <string>

namespace sillage::command {

/// Appends what the metadata of a trace says, as `sink.text.details` writes it.
void append_trace_class(const ctf::Plan& plan, std::string* out);

}  // namespace sillage::command
