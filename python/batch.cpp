// SPDX-License-Identifier: MIT
#include "batch.hpp"

#include "collect.hpp"
#include "errors.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sillage::python {
namespace {

using trace::CellType;

py::dtype dtype_of(CellType type) {
  switch (type) {
    case CellType::kUnsigned8: return py::dtype::of<std::uint8_t>();
    case CellType::kUnsigned16: return py::dtype::of<std::uint16_t>();
    case CellType::kUnsigned32: return py::dtype::of<std::uint32_t>();
    case CellType::kUnsigned64: return py::dtype::of<std::uint64_t>();
    case CellType::kSigned8: return py::dtype::of<std::int8_t>();
    case CellType::kSigned16: return py::dtype::of<std::int16_t>();
    case CellType::kSigned32: return py::dtype::of<std::int32_t>();
    case CellType::kSigned64: return py::dtype::of<std::int64_t>();
    case CellType::kFloat32: return py::dtype::of<float>();
    case CellType::kFloat64: return py::dtype::of<double>();
    case CellType::kBoolean: return py::dtype::of<bool>();
    default: return py::dtype("O");
  }
}

// An array over memory that `owner` keeps, not to be written to: others may look at it, too.
py::array view(const py::dtype& type, std::size_t count, std::ptrdiff_t stride, const void* data,
               const py::handle& owner) {
  // NumPy makes memory of its own where it gets a null pointer.
  static constexpr std::uint64_t kNothing = 0;
  py::array made(type, {count}, {stride}, data == nullptr ? &kNothing : data, owner);
  py::detail::array_proxy(made.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return made;
}

// An array that takes over a vector.
template <class T>
py::array adopt(const py::dtype& type, std::vector<T> values) {
  const std::size_t count = values.size() * sizeof(T) / static_cast<std::size_t>(type.itemsize());
  auto* kept = new std::vector<T>(std::move(values));
  const py::capsule owner(kept, [](void* vector) { delete static_cast<std::vector<T>*>(vector); });
  static constexpr std::uint64_t kNothing = 0;
  const void* data = kept->empty() ? static_cast<const void*>(&kNothing) : kept->data();
  return py::array(type, {count}, {type.itemsize()}, data, owner);
}

// Makes objects of cells. Names repeat: the same text becomes the same object.
class ObjectMaker {
 public:
  ObjectMaker(CellType type, CellType element) : type_(type), element_(element) {}

  py::object make(std::string_view cell) {
    switch (type_) {
      case CellType::kText: return text(cell);
      case CellType::kBlob: return py::bytes(cell.data(), cell.size());
      default: return numbers(cell);
    }
  }

 private:
  // Bounds what is held besides the array itself.
  static constexpr std::size_t kTexts = 4096;

  py::object text(std::string_view cell) {
    const auto found = texts_.find(cell);
    if (found != texts_.end()) return found->second;
    auto made = py::reinterpret_steal<py::object>(decode(cell));
    if (!made) throw py::error_already_set();
    if (texts_.size() < kTexts) texts_.emplace(cell, made);
    return made;
  }

  py::object numbers(std::string_view cell) const {
    const py::dtype type = dtype_of(element_);
    py::array made(type, cell.size() / static_cast<std::size_t>(type.itemsize()));
    if (!cell.empty()) std::memcpy(made.mutable_data(), cell.data(), cell.size());
    return made;
  }

  CellType type_, element_;
  std::unordered_map<std::string_view, py::object> texts_;
};

template <class CellAt>
py::array objects(CellType type, CellType element, std::size_t count, const CellAt& cell_at) {
  py::array made(dtype_of(type), count);
  auto** slots = static_cast<PyObject**>(made.mutable_data());
  ObjectMaker maker(type, element);
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* before = std::exchange(slots[i], maker.make(cell_at(i)).release().ptr());
    Py_XDECREF(before);
  }
  return made;
}

py::dtype packed_type(CellType type, CellType element) {
  return type == CellType::kNumbers ? dtype_of(element) : py::dtype::of<std::uint8_t>();
}

[[noreturn]] void no_column(const std::string& path) {
  PyErr_SetObject(PyExc_KeyError, py::str(path).ptr());
  throw py::error_already_set();
}

[[noreturn]] void not_packed(const std::string& path) {
  throw py::type_error("field '" + path + "' is a number: packed() is for text, BLOBs and arrays");
}

// Offsets in bytes become offsets in elements.
py::tuple packed(CellType type, CellType element, std::vector<std::byte> bytes,
                 std::vector<std::int64_t> offsets) {
  const py::dtype each = packed_type(type, element);
  for (std::int64_t& offset : offsets) offset /= each.itemsize();
  return py::make_tuple(adopt(each, std::move(bytes)),
                        adopt(py::dtype::of<std::int64_t>(), std::move(offsets)));
}

// ---- Batch -------------------------------------------------------------------------------------

// Arrays keep the batch as their base, which keeps the cells and the mapped files.
class Batch {
 public:
  Batch(std::shared_ptr<Tables> tables, std::shared_ptr<trace::Reader> reader,
        const trace::Batch& batch)
      : tables_(std::move(tables)),
        reader_(std::move(reader)),
        batch_(batch),
        columns_(batch.columns.begin(), batch.columns.end()) {
    batch_.columns = columns_;
  }

  [[nodiscard]] const trace::Batch& get() const { return batch_; }
  [[nodiscard]] const ClassTable& about() const {
    return tables_->class_table(batch_.event_class->index);
  }
  [[nodiscard]] py::object stream() const { return tables_->stream(batch_.stream->index); }

  [[nodiscard]] const trace::Column& column(const std::string& path) const {
    const std::size_t place = batch_.event_class->find_column(path);
    if (place == trace::EventClass::kNotFound) no_column(path);
    return columns_[place];
  }
  [[nodiscard]] bool has(const std::string& path) const {
    return batch_.event_class->find_column(path) != trace::EventClass::kNotFound;
  }

 private:
  std::shared_ptr<Tables> tables_;
  std::shared_ptr<trace::Reader> reader_;
  trace::Batch batch_;
  std::vector<trace::Column> columns_;
};

std::string_view cell(const trace::Column& column, std::size_t row) {
  trace::Bytes bytes;
  std::memcpy(&bytes, column.data + static_cast<std::ptrdiff_t>(row) * column.stride, sizeof bytes);
  return {bytes.data, bytes.size};
}

py::array batch_column(const py::object& self, const std::string& path) {
  const auto& batch = self.cast<const Batch&>();
  const trace::Column& column = batch.column(path);
  if (cell_bytes(column.info->type) != 0) {
    return view(dtype_of(column.info->type), batch.get().size, column.stride, column.data, self);
  }
  return objects(column.info->type, column.info->element, batch.get().size,
                 [&](std::size_t row) { return cell(column, row); });
}

py::object batch_present(const py::object& self, const std::string& path) {
  const auto& batch = self.cast<const Batch&>();
  const trace::Column& column = batch.column(path);
  if (column.present == nullptr) return py::none();
  return view(dtype_of(CellType::kBoolean), batch.get().size, 1, column.present, self);
}

py::tuple batch_packed(const Batch& batch, const std::string& path) {
  const trace::Column& column = batch.column(path);
  if (cell_bytes(column.info->type) != 0) not_packed(path);
  std::vector<std::byte> bytes;
  std::vector<std::int64_t> offsets = {0};
  for (std::size_t row = 0; row < batch.get().size; ++row) {
    const std::string_view each = cell(column, row);
    const auto* first = reinterpret_cast<const std::byte*>(each.data());
    bytes.insert(bytes.end(), first, first + each.size());
    offsets.push_back(static_cast<std::int64_t>(bytes.size()));
  }
  return packed(column.info->type, column.info->element, std::move(bytes), std::move(offsets));
}

// Names in order of the record, each once.
py::list column_names(const std::vector<trace::ColumnInfo>& columns) {
  py::list names;
  for (const trace::ColumnInfo& column : columns) {
    const py::str name(column.path);
    if (!names.contains(name)) names.append(name);
  }
  return names;
}

class BatchIterator {
 public:
  BatchIterator(std::shared_ptr<Tables> tables, Pass pass)
      : tables_(std::move(tables)), pass_(std::move(pass)) {}

  py::object next() {
    if (is_busy_) throw std::runtime_error("another thread is reading the next batch");
    const trace::Batch* batch = nullptr;
    if (!is_over_) {
      is_busy_ = true;
      const py::gil_scoped_release unlocked;
      batch = pass_.front()->next_batch();
    }
    is_busy_ = false;
    if (batch != nullptr) {
      return py::cast(std::make_unique<Batch>(tables_, pass_.front(), *batch));
    }
    if (!std::exchange(is_over_, true)) tables_->end_pass(pass_);
    throw py::stop_iteration();
  }

 private:
  std::shared_ptr<Tables> tables_;
  Pass pass_;
  bool is_busy_ = false, is_over_ = false;
};

// ---- Columns -----------------------------------------------------------------------------------

class Columns {
 public:
  Columns(py::list of_classes, Collected collected, const std::vector<ColumnRequest>& requests)
      : classes(std::move(of_classes)),
        size(collected.times_ns.size()),
        times_ns(adopt(py::dtype::of<std::int64_t>(), std::move(collected.times_ns))),
        cycles(adopt(py::dtype::of<std::uint64_t>(), std::move(collected.cycles))),
        streams(adopt(py::dtype::of<std::uint32_t>(), std::move(collected.streams))) {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      add(requests[i], std::move(collected.columns[i]));
    }
  }

  [[nodiscard]] py::object column(const std::string& path) const {
    const Kept& kept = find(path);
    if (kept.offsets.is_none()) return kept.data;
    const auto* bytes = static_cast<const char*>(py::array(kept.data).data());
    const auto offsets = py::array_t<std::int64_t>(kept.offsets);
    const auto unit = py::array(kept.data).itemsize();
    return objects(kept.type, kept.element, size, [&](std::size_t row) {
      const std::int64_t first = offsets.data()[row] * unit, end = offsets.data()[row + 1] * unit;
      return std::string_view(bytes + first, static_cast<std::size_t>(end - first));
    });
  }
  [[nodiscard]] py::object present(const std::string& path) const { return find(path).present; }
  [[nodiscard]] py::tuple packed(const std::string& path) const {
    const Kept& kept = find(path);
    if (kept.offsets.is_none()) not_packed(path);
    return py::make_tuple(kept.data, kept.offsets);
  }
  [[nodiscard]] py::list names() const {
    py::list all;
    for (const auto& [path, kept] : columns_) all.append(path);
    return all;
  }
  [[nodiscard]] bool has(const std::string& path) const {
    return std::any_of(columns_.begin(), columns_.end(),
                       [&](const auto& each) { return each.first == path; });
  }

  py::list classes;
  std::size_t size;
  py::array times_ns, cycles, streams;

 private:
  struct Kept {
    CellType type, element;
    py::object data, offsets = py::none(), present = py::none();
  };

  void add(const ColumnRequest& request, CollectedColumn column) {
    Kept kept{.type = request.type, .element = request.element, .data = py::none()};
    if (!column.present.empty()) {
      kept.present = adopt(dtype_of(CellType::kBoolean), std::move(column.present));
    }
    if (column.offsets.empty()) {
      kept.data = adopt(dtype_of(request.type), std::move(column.bytes));
    } else {
      const py::tuple both = python::packed(request.type, request.element, std::move(column.bytes),
                                            std::move(column.offsets));
      kept.data = both[0];
      kept.offsets = both[1];
    }
    columns_.emplace_back(request.path, std::move(kept));
  }

  [[nodiscard]] const Kept& find(const std::string& path) const {
    for (const auto& [name, kept] : columns_) {
      if (name == path) return kept;
    }
    no_column(path);
  }

  std::vector<std::pair<std::string, Kept>> columns_;
};

std::vector<std::string> all_paths(const std::vector<const trace::EventClass*>& classes) {
  std::vector<std::string> paths;
  for (const trace::EventClass* each : classes) {
    for (const trace::ColumnInfo& column : each->columns) {
      if (std::find(paths.begin(), paths.end(), column.path) == paths.end()) {
        paths.push_back(column.path);
      }
    }
  }
  return paths;
}

}  // namespace

py::object make_batch_iterator(std::shared_ptr<Tables> tables, const Pass& pass) {
  return py::cast(std::make_unique<BatchIterator>(std::move(tables), pass));
}

py::object make_columns(Tables* tables, const std::vector<std::size_t>& classes,
                        const std::optional<std::vector<std::string>>& paths, unsigned threads,
                        bool is_sorted) {
  std::vector<const trace::EventClass*> infos;
  py::list objects;
  for (const std::size_t index : classes) {
    infos.push_back(tables->class_table(index).info);
    objects.append(tables->class_table(index).event_class);
  }
  std::vector<ColumnRequest> requests;
  for (const std::string& path : paths ? *paths : all_paths(infos)) {
    auto request = request_column(infos, path);
    if (!request && request.error().kind == trace::Error::Kind::kNotFound) {
      throw py::key_error(
          request.error().message + "; there are: " +
          py::str(py::str(", ").attr("join")(py::cast(all_paths(infos)))).cast<std::string>());
    }
    if (!request) throw py::value_error(request.error().message);
    requests.push_back(std::move(*request));
  }
  const Pass pass = tables->start_pass(threads);
  Collected collected;
  {
    const py::gil_scoped_release unlocked;
    collected = collect(pass, classes, requests, is_sorted);
  }
  tables->end_pass(pass);
  return py::cast(std::make_unique<Columns>(objects, std::move(collected), requests));
}

void add_column_types(py::module_* core) {
  const char* const present_doc =
      "A bool for each event, False where it has no such field; None if all have it.";
  const char* const packed_doc =
      "Text, BLOBs or arrays without an object for each: all of them behind each other, and where\n"
      "each begins. Event i's is data[offsets[i]:offsets[i + 1]].";
  py::class_<Batch>(
      *core, "Batch",
      "Events of one class that follow each other in one stream, as columns.\n\n"
      "batch['fd'] is a read-only array over the cells themselves; of text, BLOBs and\n"
      "arrays an array of objects, made when it is asked for. A batch and its arrays\n"
      "may be kept as long as one likes.")
      .def("__len__", [](const Batch& self) { return self.get().size; })
      .def("__getitem__", batch_column, py::arg("field"))
      .def("__contains__", &Batch::has, py::arg("field"))
      .def(
          "__iter__",
          [](const Batch& self) { return py::iter(column_names(self.get().event_class->columns)); })
      .def(
          "keys", [](const Batch& self) { return column_names(self.get().event_class->columns); },
          "The names of the columns.")
      .def("present", batch_present, py::arg("field"), present_doc)
      .def("packed", batch_packed, py::arg("field"), packed_doc)
      .def_property_readonly(
          "name", [](const Batch& self) { return self.about().name; }, "The events' name.")
      .def_property_readonly(
          "event_class", [](const Batch& self) { return self.about().event_class; },
          "Their EventClass.")
      .def_property_readonly("stream", &Batch::stream, "The Stream that they stand in.")
      .def_property_readonly(
          "time_ns",
          [](const py::object& self) {
            const trace::Batch& batch = self.cast<const Batch&>().get();
            return view(py::dtype::of<std::int64_t>(), batch.size, 8, batch.times_ns, self);
          },
          "Their times in nanoseconds from the clock's origin.")
      .def_property_readonly(
          "cycles",
          [](const py::object& self) {
            const trace::Batch& batch = self.cast<const Batch&>().get();
            return view(py::dtype::of<std::uint64_t>(), batch.size, 8, batch.cycles, self);
          },
          "The clock's values as recorded.")
      .def("__repr__", [](const Batch& self) {
        return "<sillage.Batch " + self.get().event_class->name + ": " +
               std::to_string(self.get().size) + " events>";
      });
  py::class_<BatchIterator>(*core, "BatchIterator", "Goes over the events of a Reader in batches.")
      .def("__iter__", [](const py::object& self) { return self; })
      .def("__next__", &BatchIterator::next);
  py::class_<Columns>(*core, "Columns",
                      "All events of a name as columns.\n\n"
                      "columns['fd'] is an array of numbers, not copied when it is asked for; of\n"
                      "text, BLOBs and arrays an array of objects, made when it is asked for.\n"
                      "Arrays may be kept as long as one likes.")
      .def("__len__", [](const Columns& self) { return self.size; })
      .def("__getitem__", &Columns::column, py::arg("field"))
      .def("__contains__", &Columns::has, py::arg("field"))
      .def("__iter__", [](const Columns& self) { return py::iter(self.names()); })
      .def("keys", &Columns::names, "The names of the columns.")
      .def("present", &Columns::present, py::arg("field"), present_doc)
      .def("packed", &Columns::packed, py::arg("field"), packed_doc)
      .def_readonly("event_classes", &Columns::classes, "The EventClasses of the events.")
      .def_readonly("time_ns", &Columns::times_ns,
                    "Their times in nanoseconds from the clock's origin.")
      .def_readonly("cycles", &Columns::cycles, "The clock's values as recorded.")
      .def_readonly("streams", &Columns::streams, "Their places in Reader.streams.")
      .def("__repr__", [](const Columns& self) {
        return "<sillage.Columns: " + std::to_string(self.size) + " events>";
      });
}

}  // namespace sillage::python
