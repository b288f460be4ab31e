// SPDX-License-Identifier: MIT
// What the metadata says: traces, clocks, streams, classes, fields. Plain data, bound as it is.
#pragma once

#include <pybind11/pybind11.h>

namespace sillage::python {

/// Adds the types Trace, Clock, Stream, EventClass, Field, Column and Loss.
void add_info_types(pybind11::module_* core);

}  // namespace sillage::python
