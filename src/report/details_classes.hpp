// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/data_stream.hpp"
#include "report/details_brush.hpp"

#include <cstdint>
#include <string>

namespace sillage::report {

/// What options change about the clocks of all traces.
struct ClockChange {
  std::int64_t offset_ns = 0;      ///< added to all
  bool forces_unix_epoch = false;  ///< whatever metadata says about their origin
};

/// Appends what the metadata of a trace says, as `sink.text.details` writes it.
void append_trace_class(const ctf::Plan& plan, const ClockChange& change, Brush brush,
                        std::string* out);

}  // namespace sillage::report
