// SPDX-License-Identifier: MIT
#include "tables.hpp"

#include "errors.hpp"

#include <algorithm>
#include <string>

namespace sillage::python {
namespace {

py::object interned(const std::string& name) {
  PyObject* text = decode(name);
  if (text == nullptr) throw py::error_already_set();
  PyUnicode_InternInPlace(&text);
  return py::reinterpret_steal<py::object>(text);
}

}  // namespace

Tables::Tables(trace::Reader opened, bool is_strict)
    : reader_(std::make_shared<const trace::Reader>(std::move(opened))),
      is_strict_(is_strict),
      classes_(reader_->event_classes().size()),
      event_type_(core_attribute("Event")) {
  for (std::size_t i = 0; i < classes_.size(); ++i) classes_[i].info = &reader_->event_classes()[i];
  for (const trace::StreamInfo& stream : reader_->streams()) streams_.push_back(py::cast(stream));
}

void Tables::fill(ClassTable* table) const {
  const trace::EventClass& about = *table->info;
  for (std::size_t i = 0; i < about.fields.size(); ++i) {
    table->fields.push_back(interned(about.fields[i].name));
    table->places[table->fields.back()] = py::int_(i);  // the last one is the payload's
  }
  // pybind11 has no pointers to const objects; no method changes this one.
  table->event_class = py::cast(std::shared_ptr<trace::EventClass>(
      std::const_pointer_cast<trace::Reader>(reader_), const_cast<trace::EventClass*>(&about)));
  table->name = interned(about.name);
}

const Pass& Tables::start_pass(unsigned parts) {
  pass_.clear();
  for (trace::Reader& part : reader_->split(parts)) {
    pass_.push_back(std::make_shared<trace::Reader>(std::move(part)));
  }
  return pass_;
}

void Tables::end_pass(const Pass& pass) const {
  const trace::Error* first = nullptr;
  std::size_t count = 0;
  for (const auto& reader : pass) {
    if (first == nullptr && !reader->damages().empty()) first = &reader->damages().front();
    count += reader->damages().size();
  }
  if (first == nullptr) return;
  if (is_strict_) raise(*first);
  warn_of_damage(*first, count);
}

std::vector<trace::Loss> Tables::losses() const {
  std::vector<trace::Loss> all = reader_->losses();
  for (const auto& reader : pass_) {
    all.insert(all.end(), reader->losses().begin(), reader->losses().end());
  }
  return all;
}

std::vector<trace::Error> Tables::damages() const {
  std::vector<trace::Error> all = reader_->damages();
  for (const auto& reader : pass_) {
    all.insert(all.end(), reader->damages().begin(), reader->damages().end());
  }
  return all;
}

std::vector<std::size_t> Tables::find_classes(std::string_view name) const {
  std::vector<std::size_t> found;
  for (const ClassTable& table : classes_) {
    if (table.info->name == name) found.push_back(table.info->index);
  }
  return found;
}

}  // namespace sillage::python
