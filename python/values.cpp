// SPDX-License-Identifier: MIT
#include "values.hpp"

#include "errors.hpp"

#include <cstdint>
#include <vector>

namespace sillage::python {
namespace {

PyObject* new_number(const trace::FieldInfo& info, std::uint64_t number) {
  switch (info.type) {
    case trace::FieldType::kSigned: return PyLong_FromLongLong(static_cast<std::int64_t>(number));
    case trace::FieldType::kBoolean: return PyBool_FromLong(number != 0);
    default: return PyLong_FromUnsignedLongLong(number);
  }
}

// Numbers are fetched all at once; other elements one by one.
PyObject* new_list(const trace::Field& field) {
  const std::size_t count = field.size();
  PyObject* list = PyList_New(static_cast<Py_ssize_t>(count));
  if (list == nullptr) return nullptr;
  const trace::FieldInfo& about = field.info().children.front();
  std::vector<std::uint64_t> numbers;
  std::vector<double> reals;
  if (about.type <= trace::FieldType::kBits) {
    numbers.resize(count);
    field.copy_numbers(numbers);
  } else if (about.type == trace::FieldType::kFloat) {
    reals.resize(count);
    field.copy_numbers(reals);
  }
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* element = !numbers.empty() ? new_number(about, numbers[i])
                        : !reals.empty() ? PyFloat_FromDouble(reals[i])
                                         : new_value(field[i]);
    if (element == nullptr) {
      Py_DECREF(list);
      return nullptr;
    }
    PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), element);
  }
  return list;
}

PyObject* new_dict(const trace::Field& field) {
  PyObject* dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  const std::vector<trace::FieldInfo>& members = field.info().children;
  for (std::size_t i = 0; i < members.size(); ++i) {
    PyObject* name = decode(members[i].name);
    PyObject* value = name == nullptr ? nullptr : new_value(field[i]);
    const bool is_set = value != nullptr && PyDict_SetItem(dict, name, value) == 0;
    Py_XDECREF(name);
    Py_XDECREF(value);
    if (!is_set) {
      Py_DECREF(dict);
      return nullptr;
    }
  }
  return dict;
}

}  // namespace

PyObject* new_value(const trace::Field& field) {
  if (!field) Py_RETURN_NONE;
  switch (field.type()) {
    case trace::FieldType::kFloat: return PyFloat_FromDouble(field.as_double());
    case trace::FieldType::kText: return decode(field.as_text());
    case trace::FieldType::kBlob: {
      const std::string_view bytes = field.as_text();
      return PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
    }
    case trace::FieldType::kArray: return new_list(field);
    case trace::FieldType::kStructure: return new_dict(field);
    case trace::FieldType::kOptional:
    case trace::FieldType::kVariant: return new_value(field[0]);
    default: return new_number(field.info(), field.as_unsigned());
  }
}

}  // namespace sillage::python
