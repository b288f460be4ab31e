// SPDX-License-Identifier: MIT
// Fields as Python's own values.
#pragma once

#include <sillage/trace.hpp>

#include <pybind11/pybind11.h>

namespace sillage::python {

/// The value of a field: int, bool, float, str, bytes; lists of arrays, dicts of structures; of an
/// optional its content or None; of a variant the selected option.
///
/// Returns: a new reference; nullptr with an exception set if memory is short.
[[nodiscard]] PyObject* new_value(const trace::Field& field);

}  // namespace sillage::python
