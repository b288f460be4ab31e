// SPDX-License-Identifier: MIT
#include "errors.hpp"

#include <string>

namespace sillage::python {
namespace {

constexpr const char* kErrorDoc =
    "A trace that cannot be opened or is damaged.\n\n"
    "kind:     'invalid-argument', 'not-found', 'corrupt', 'incomplete', 'limit', 'unsupported' or "
    "'system'\n"
    "message:  one sentence: what happened, and what to do\n"
    "location: 'file:line:column', 'file@byte', or ''";
constexpr const char* kWarningDoc =
    "Damaged parts of a trace were skipped: Reader.damages has them. sillage.open(..., "
    "strict=True)\n"
    "raises Error instead.";

const char* kind_name(trace::Error::Kind kind) {
  switch (kind) {
    case trace::Error::Kind::kInvalidArgument: return "invalid-argument";
    case trace::Error::Kind::kNotFound: return "not-found";
    case trace::Error::Kind::kCorrupt: return "corrupt";
    case trace::Error::Kind::kIncomplete: return "incomplete";
    case trace::Error::Kind::kLimit: return "limit";
    case trace::Error::Kind::kUnsupported: return "unsupported";
    default: return "system";
  }
}

py::object new_type(const char* name, const char* doc, PyObject* base) {
  PyObject* type = PyErr_NewExceptionWithDoc(name, doc, base, nullptr);
  if (type == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(type);
}

py::object text(const std::string& bytes) {
  PyObject* made = decode(bytes);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

}  // namespace

void add_errors(py::module_* core) {
  core->attr("Error") = new_type("sillage.Error", kErrorDoc, PyExc_Exception);
  core->attr("DamageWarning") = new_type("sillage.DamageWarning", kWarningDoc, PyExc_UserWarning);
}

py::object core_attribute(const char* name) {
  return py::module_::import("sillage._core").attr(name);
}

py::object make_error(const trace::Error& error) {
  py::object made = core_attribute("Error")(text(error.text()));
  made.attr("kind") = kind_name(error.kind);
  made.attr("message") = text(error.message);
  made.attr("location") = text(error.location);
  return made;
}

void raise(const trace::Error& error) {
  const py::object made = make_error(error);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
  throw py::error_already_set();
}

void warn_of_damage(const trace::Error& first, std::size_t count) {
  std::string message = "skipped " + first.text();
  if (count > 1) message += " (and " + std::to_string(count - 1) + " more: see Reader.damages)";
  if (PyErr_WarnEx(core_attribute("DamageWarning").ptr(), message.c_str(), 1) != 0) {
    throw py::error_already_set();
  }
}

}  // namespace sillage::python
