// SPDX-License-Identifier: MIT
#include "info.hpp"

#include <sillage/trace.hpp>
#include "errors.hpp"

#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <variant>

namespace sillage::python {
namespace {

py::object text(const std::string& bytes) {
  auto made = py::reinterpret_steal<py::object>(decode(bytes));
  if (!made) throw py::error_already_set();
  return made;
}

// Bytes that are not UTF-8 are no reason to fail, as pybind11's own conversion would.
template <class T>
auto text_of(std::string T::*member) {
  return [member](const T& self) { return text(self.*member); };
}

const char* type_name(trace::FieldType type) {
  switch (type) {
    case trace::FieldType::kUnsigned: return "unsigned";
    case trace::FieldType::kSigned: return "signed";
    case trace::FieldType::kBoolean: return "boolean";
    case trace::FieldType::kBits: return "bits";
    case trace::FieldType::kFloat: return "float";
    case trace::FieldType::kText: return "text";
    case trace::FieldType::kBlob: return "blob";
    case trace::FieldType::kArray: return "array";
    case trace::FieldType::kStructure: return "structure";
    case trace::FieldType::kOptional: return "optional";
    default: return "variant";
  }
}

const char* scope_name(trace::Scope scope) {
  switch (scope) {
    case trace::Scope::kPacketContext: return "packet-context";
    case trace::Scope::kCommonContext: return "common-context";
    case trace::Scope::kSpecificContext: return "specific-context";
    default: return "payload";
  }
}

// NumPy's names where it has one.
std::string cell_name(trace::CellType type) {
  switch (type) {
    case trace::CellType::kUnsigned8: return "uint8";
    case trace::CellType::kUnsigned16: return "uint16";
    case trace::CellType::kUnsigned32: return "uint32";
    case trace::CellType::kUnsigned64: return "uint64";
    case trace::CellType::kSigned8: return "int8";
    case trace::CellType::kSigned16: return "int16";
    case trace::CellType::kSigned32: return "int32";
    case trace::CellType::kSigned64: return "int64";
    case trace::CellType::kFloat32: return "float32";
    case trace::CellType::kFloat64: return "float64";
    case trace::CellType::kBoolean: return "bool";
    case trace::CellType::kText: return "text";
    case trace::CellType::kBlob: return "blob";
    default: return "numbers";
  }
}

std::string column_type(const trace::ColumnInfo& column) {
  const bool has_elements = column.type == trace::CellType::kNumbers;
  return has_elements ? cell_name(column.element) + "[]" : cell_name(column.type);
}

py::list labels(const trace::FieldInfo& field) {
  py::list all;
  const bool is_signed = field.type == trace::FieldType::kSigned;
  for (const trace::Label& label : field.labels) {
    if (is_signed) {
      all.append(py::make_tuple(text(label.name), static_cast<std::int64_t>(label.lower),
                                static_cast<std::int64_t>(label.upper)));
    } else {
      all.append(py::make_tuple(text(label.name), label.lower, label.upper));
    }
  }
  return all;
}

py::dict environment(const trace::TraceInfo& trace) {
  py::dict all;
  for (const auto& [name, value] : trace.environment) {
    const auto* words = std::get_if<std::string>(&value);
    all[text(name)] = words != nullptr ? text(*words) : py::int_(std::get<std::int64_t>(value));
  }
  return all;
}

void add_trace_types(py::module_* core) {
  py::class_<trace::ClockInfo>(*core, "Clock", "A clock of a trace.")
      .def_property_readonly("name", text_of(&trace::ClockInfo::name))
      .def_property_readonly("uid", text_of(&trace::ClockInfo::uid))
      .def_property_readonly("description", text_of(&trace::ClockInfo::description))
      .def_readonly("frequency_hz", &trace::ClockInfo::frequency_hz)
      .def_readonly("offset_seconds", &trace::ClockInfo::offset_seconds,
                    "With offset_cycles: from the origin to its zero.")
      .def_readonly("offset_cycles", &trace::ClockInfo::offset_cycles)
      .def_readonly("origin_is_unix_epoch", &trace::ClockInfo::origin_is_unix_epoch)
      .def_readonly("precision_cycles", &trace::ClockInfo::precision_cycles)
      .def("__repr__", [](const trace::ClockInfo& self) {
        return "<sillage.Clock " + self.name + ": " + std::to_string(self.frequency_hz) + " Hz>";
      });
  py::class_<trace::TraceInfo>(*core, "Trace", "A trace: one metadata and its data streams.")
      .def_property_readonly("path", text_of(&trace::TraceInfo::path), "Of its first directory.")
      .def_property_readonly("name", text_of(&trace::TraceInfo::name), "The host's, or ''.")
      .def_property_readonly("uuid", text_of(&trace::TraceInfo::uuid), "Its text, or ''.")
      .def_property_readonly("environment", environment, "What the tracer says about itself.")
      .def_property_readonly("clocks", [](const trace::TraceInfo& self) { return self.clocks; })
      .def("__repr__",
           [](const trace::TraceInfo& self) { return text("<sillage.Trace " + self.path + ">"); });
  py::class_<trace::StreamInfo>(*core, "Stream",
                                "A data stream: what one CPU, thread or ring recorded.")
      .def_readonly("index", &trace::StreamInfo::index, "In Reader.streams.")
      .def_readonly("trace_index", &trace::StreamInfo::trace, "In Reader.traces.")
      .def_readonly("class_id", &trace::StreamInfo::class_id)
      .def_readonly("id", &trace::StreamInfo::id)
      .def_property_readonly("path", text_of(&trace::StreamInfo::path), "Of its first file.")
      .def_readonly("begin_ns", &trace::StreamInfo::begin_ns, "Of its packets, if they say.")
      .def_readonly("end_ns", &trace::StreamInfo::end_ns)
      .def_readonly("has_time", &trace::StreamInfo::has_time,
                    "Otherwise its events have no time: 0, and they come first.")
      .def("__repr__", [](const trace::StreamInfo& self) {
        return text("<sillage.Stream " + self.path + ">");
      });
  py::class_<trace::Loss>(*core, "Loss", "Events or packets that the tracer says it lost.")
      .def_readonly("is_packets", &trace::Loss::is_packets, "Packets, not events.")
      .def_readonly("count", &trace::Loss::count, "None: some, nobody knows how many.")
      .def_readonly("begin_ns", &trace::Loss::begin_ns, "When, if that is known.")
      .def_readonly("end_ns", &trace::Loss::end_ns)
      .def_readonly("stream_index", &trace::Loss::stream, "In Reader.streams.")
      .def("__repr__", [](const trace::Loss& self) {
        return "<sillage.Loss: " +
               (self.count ? std::to_string(*self.count) : std::string("some")) +
               (self.is_packets ? " packets" : " events") + " in stream " +
               std::to_string(self.stream) + ">";
      });
}

void add_class_types(py::module_* core) {
  // Held with the event class that they are parts of: what is returned keeps it.
  constexpr auto kInside = py::return_value_policy::reference_internal;
  py::class_<trace::FieldInfo, std::shared_ptr<trace::FieldInfo>>(
      *core, "Field", "What the metadata says about a field.")
      .def_property_readonly("name", text_of(&trace::FieldInfo::name),
                             "'' of elements of arrays and of what is in an optional.")
      .def_property_readonly(
          "type", [](const trace::FieldInfo& self) { return type_name(self.type); },
          "'unsigned', 'signed', 'boolean', 'bits', 'float', 'text', 'blob',\n"
          "'array', 'structure', 'optional' or 'variant'.")
      .def_property_readonly(
          "scope", [](const trace::FieldInfo& self) { return scope_name(self.scope); },
          "'packet-context', 'common-context', 'specific-context' or 'payload'.")
      .def_readonly("bits", &trace::FieldInfo::bits, "Of numbers; 0 if that varies.")
      .def_readonly("base", &trace::FieldInfo::base, "In which integers are shown: 2, 8, 10 or 16.")
      .def_property_readonly("labels", labels, "Of enumerations: (name, lowest, highest) each.")
      .def_property_readonly(
          "children",
          [](const py::object& self) {
            py::list all;
            for (trace::FieldInfo& child : self.cast<trace::FieldInfo&>().children) {
              all.append(py::cast(&child, kInside, self));
            }
            return all;
          },
          "Members, options, or the one element.")
      .def("__repr__", [](const trace::FieldInfo& self) {
        return text("<sillage.Field " + self.name + ": " + type_name(self.type) + ">");
      });
  py::class_<trace::ColumnInfo, std::shared_ptr<trace::ColumnInfo>>(
      *core, "Column", "A column that batches of a class have.")
      .def_property_readonly("path", text_of(&trace::ColumnInfo::path), "'name', or 'outer.name'.")
      .def_property_readonly("type", column_type,
                             "NumPy's name of the numbers; 'text', 'blob'; 'uint32[]' of arrays.")
      .def_property_readonly("scope",
                             [](const trace::ColumnInfo& self) { return scope_name(self.scope); })
      .def("__repr__", [](const trace::ColumnInfo& self) {
        return text("<sillage.Column " + self.path + ": " + column_type(self) + ">");
      });
  py::class_<trace::EventClass, std::shared_ptr<trace::EventClass>>(
      *core, "EventClass", "A kind of event, in one data stream class of one trace.")
      .def_readonly("index", &trace::EventClass::index, "In Reader.event_classes.")
      .def_readonly("trace_index", &trace::EventClass::trace, "In Reader.traces.")
      .def_readonly("stream_class_id", &trace::EventClass::stream_class_id)
      .def_readonly("id", &trace::EventClass::id)
      .def_property_readonly("name", text_of(&trace::EventClass::name))
      .def_readonly("log_level", &trace::EventClass::log_level,
                    "LTTng's 0 (EMERG) to 14 (DEBUG); None if it has none.")
      .def_property_readonly("emf_uri", text_of(&trace::EventClass::emf_uri))
      .def_property_readonly(
          "fields",
          [](const py::object& self) {
            py::list all;
            for (trace::FieldInfo& field : self.cast<trace::EventClass&>().fields) {
              all.append(py::cast(&field, kInside, self));
            }
            return all;
          },
          "Its Fields: packet context, contexts, payload.")
      .def_property_readonly(
          "columns",
          [](const py::object& self) {
            py::list all;
            for (trace::ColumnInfo& column : self.cast<trace::EventClass&>().columns) {
              all.append(py::cast(&column, kInside, self));
            }
            return all;
          },
          "The Columns that its batches have.")
      .def("__repr__", [](const trace::EventClass& self) {
        return text("<sillage.EventClass " + self.name + ">");
      });
}

}  // namespace

void add_info_types(py::module_* core) {
  add_trace_types(core);
  add_class_types(core);
}

}  // namespace sillage::python
