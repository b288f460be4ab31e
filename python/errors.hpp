// SPDX-License-Identifier: MIT
// The library's errors as Python's, and its text as str.
#pragma once

#include <sillage/trace.hpp>

#include <pybind11/pybind11.h>

#include <cstddef>
#include <string_view>

namespace sillage::python {

namespace py = pybind11;

/// Adds sillage.Error and sillage.DamageWarning.
void add_errors(py::module_* core);

/// An attribute of sillage._core, for what is needed rarely: the module is loaded, so this is a
/// look-up.
[[nodiscard]] py::object core_attribute(const char* name);

/// An instance of sillage.Error.
[[nodiscard]] py::object make_error(const trace::Error& error);
/// Raises it: throws py::error_already_set.
[[noreturn]] void raise(const trace::Error& error);
/// Warns that `count` places were skipped. Throws if warnings are errors.
void warn_of_damage(const trace::Error& first, std::size_t count);

/// Text of a trace as str; bytes that are not UTF-8 become surrogates, as in file names.
///
/// Returns: a new reference; nullptr with an exception set if memory is short.
[[nodiscard]] inline PyObject* decode(std::string_view text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape");
}

}  // namespace sillage::python
