// SPDX-License-Identifier: MIT
// What Python sees of an opened trace, made once: names, classes, streams.
#pragma once

#include <sillage/trace.hpp>

#include <pybind11/pybind11.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace sillage::python {

namespace py = pybind11;

/// A kind of event, for the objects of its events.
struct ClassTable {
  const trace::EventClass* info = nullptr;
  py::object name{};                 ///< interned, as all names
  std::vector<py::object> fields{};  ///< their names
  py::dict places{};                 ///< name -> place in EventClass::fields, the payload's first
  py::object event_class{};          ///< the object that Python sees
};

/// Readers of one pass over the events: more than one if several threads share the work.
using Pass = std::vector<std::shared_ptr<trace::Reader>>;

/// An opened reader, which is never read from itself: each pass gets a reader of its own from
/// split(), so that Python may go over the events any number of times.
///
/// Lifetime: shared by the objects Reader, EventIterator and Batch. Objects for classes keep the
///           reader, not the tables, which keep them.
/// Threads:  with the GIL held.
class Tables {
 public:
  Tables(trace::Reader opened, bool is_strict);

  [[nodiscard]] const trace::Reader& reader() const { return *reader_; }
  [[nodiscard]] const ClassTable& class_table(std::size_t index) {
    ClassTable& table = classes_[index];
    if (!table.name) fill(&table);
    return table;
  }
  [[nodiscard]] py::object stream(std::size_t index) const { return streams_[index]; }
  [[nodiscard]] const std::vector<py::object>& streams() const { return streams_; }

  /// A pass of at most so many readers; `losses()` and `damages()` are its from now on.
  [[nodiscard]] const Pass& start_pass(unsigned parts = 1);
  /// Says what was damaged: raises Error in strict mode, warns otherwise.
  ///
  /// Errors: throws py::error_already_set.
  void end_pass(const Pass& pass) const;

  [[nodiscard]] std::vector<trace::Loss> losses() const;
  [[nodiscard]] std::vector<trace::Error> damages() const;

  /// The classes of the events of that name; empty if there are none.
  [[nodiscard]] std::vector<std::size_t> find_classes(std::string_view name) const;

  [[nodiscard]] PyTypeObject* event_type() const {
    return reinterpret_cast<PyTypeObject*>(event_type_.ptr());
  }

 private:
  void fill(ClassTable* table) const;

  std::shared_ptr<const trace::Reader> reader_;
  bool is_strict_;
  std::vector<ClassTable> classes_;
  std::vector<py::object> streams_;
  py::object event_type_;
  Pass pass_;
};

}  // namespace sillage::python
