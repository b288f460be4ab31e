// SPDX-License-Identifier: MIT
// The extension module sillage._core. People import `sillage`, which is sillage/__init__.py.
#include <sillage/trace.hpp>
#include "batch.hpp"
#include "errors.hpp"
#include "event.hpp"
#include "info.hpp"
#include "tables.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sillage::python {
namespace {

std::shared_ptr<Tables> open(const std::vector<std::string>& paths, trace::Options options) {
  const bool is_strict = options.is_strict;
  std::optional<trace::Result<trace::Reader>> opened;
  {
    const py::gil_scoped_release unlocked;
    opened.emplace(trace::Reader::open(paths, std::move(options)));
  }
  if (!*opened) raise(opened->error());
  if (is_strict && !(*opened)->damages().empty()) raise((*opened)->damages().front());
  return std::make_shared<Tables>(std::move(**opened), is_strict);
}

unsigned thread_count(unsigned threads) {
  return threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : threads;
}

py::dict count(Tables* tables, unsigned threads) {
  const Pass pass = tables->start_pass();
  std::vector<std::uint64_t> counts;
  {
    const py::gil_scoped_release unlocked;
    counts = pass.front()->count(thread_count(threads));
  }
  tables->end_pass(pass);
  py::dict by_name;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const py::object name = tables->class_table(i).name;
    const py::object before = by_name.attr("get")(name, 0);
    by_name[name] = before + py::int_(counts[i]);
  }
  return by_name;
}

py::object columns(Tables* tables, const py::object& event,
                   const std::optional<std::vector<std::string>>& fields, unsigned threads,
                   bool sort) {
  std::vector<std::size_t> classes;
  if (py::isinstance<py::str>(event)) {
    const auto name = event.cast<std::string>();
    classes = tables->find_classes(name);
    if (classes.empty()) throw py::key_error("no event has the name '" + name + "'");
  } else {
    const auto& one = event.cast<const trace::EventClass&>();
    const auto& all = tables->reader().event_classes();
    if (one.index >= all.size() || &all[one.index] != &one) {
      throw py::value_error("the event class is another reader's");
    }
    classes.push_back(one.index);
  }
  return make_columns(tables, classes, fields, thread_count(threads), sort);
}

py::list event_classes(Tables* tables) {
  py::list all;
  for (std::size_t i = 0; i < tables->reader().event_classes().size(); ++i) {
    all.append(tables->class_table(i).event_class);
  }
  return all;
}

py::list damages(const Tables& tables) {
  py::list all;
  for (const trace::Error& damage : tables.damages()) all.append(make_error(damage));
  return all;
}

void add_reader(py::module_* core) {
  py::class_<Tables, std::shared_ptr<Tables>>(
      *core, "Reader",
      "One or several traces, read as one: made by sillage.open().\n\n"
      "Iterating gives Events in order of time. A reader may be gone over any number of times, "
      "and\n"
      "by several iterators at once. Files stay open until it and all that came from it are gone.")
      .def("__iter__",
           [](const std::shared_ptr<Tables>& self) {
             return make_event_iterator(self, self->start_pass());
           })
      .def(
          "batches",
          [](const std::shared_ptr<Tables>& self) {
            return make_batch_iterator(self, self->start_pass());
          },
          "Goes over all events as Batches: stream by stream, up to 4096 events at a time, those "
          "of\n"
          "one class together. For who computes over more than memory holds.")
      .def("columns", columns, py::arg("event"), py::arg("fields") = py::none(), py::kw_only(),
           py::arg("threads") = 1, py::arg("sort") = true,
           "All events of a name, or of an EventClass, as Columns.\n\n"
           "fields:  paths of columns ('prev_tid', 'outer.inner'); None: all\n"
           "threads: that read at the same time; 0: as many as there are CPUs\n"
           "sort:    in order of time; False: stream by stream, which is faster")
      .def("count", count, py::kw_only(), py::arg("threads") = 1,
           "The number of events by name, of those that there are. Nothing is decoded.")
      .def_property_readonly(
          "traces", [](const Tables& self) { return self.reader().traces(); }, "The Traces.")
      .def_property_readonly("event_classes", event_classes, "The EventClasses of all traces.")
      .def_property_readonly(
          "streams", [](const Tables& self) { return self.streams(); },
          "The Streams of all traces.")
      .def_property_readonly(
          "losses", &Tables::losses,
          "The Losses that the pass begun last met so far. A pass is an iteration,\n"
          "batches(), columns() or count().")
      .def_property_readonly(
          "damages", damages,
          "What was skipped, as Errors: at opening, and in the pass begun last so far.");
}

}  // namespace

PYBIND11_MODULE(_core, core) {
  core.doc() = "The part of sillage that is written in C++.";
  add_errors(&core);
  add_info_types(&core);
  add_event_types(&core);
  add_column_types(&core);
  add_reader(&core);
  core.def(
      "open",
      [](const std::vector<std::string>& paths, std::vector<std::string> events,
         std::optional<std::int64_t> begin_ns, std::optional<std::int64_t> end_ns,
         std::int64_t clock_offset_ns, bool stream_intersection, bool strict) {
        return open(paths, {.events = std::move(events),
                            .begin_ns = begin_ns,
                            .end_ns = end_ns,
                            .clock_offset_ns = clock_offset_ns,
                            .stream_intersection = stream_intersection,
                            .is_strict = strict});
      },
      "sillage.open() with paths as bytes and times in nanoseconds.");
  // People know them as sillage's.
  for (const char* name : {"Batch", "BatchIterator", "Clock", "Column", "Columns", "EventClass",
                           "Field", "Loss", "Reader", "Stream", "Trace"}) {
    core.attr(name).attr("__module__") = "sillage";
  }
}

}  // namespace sillage::python
