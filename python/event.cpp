// SPDX-License-Identifier: MIT
#include "event.hpp"

#include "errors.hpp"
#include "values.hpp"

#include <array>
#include <new>
#include <string_view>
#include <utility>

namespace sillage::python {
namespace {

struct EventObject;

// Events keep their iterator, which keeps the reader: so their bytes stay mapped.
struct IteratorObject {
  PyObject head;
  std::shared_ptr<Tables> tables;
  Pass pass;
  trace::Reader* reader;
  // A loop lets go of an event when it has the next one, so two objects take turns.
  EventObject* spare;
  bool is_over;
};

struct EventObject {
  PyObject head;
  IteratorObject* from;
  const ClassTable* table;
  std::int64_t time_ns;
  trace::EventPlace place;
};

IteratorObject* iterator_of(PyObject* self) { return reinterpret_cast<IteratorObject*>(self); }
EventObject* event_of(PyObject* self) { return reinterpret_cast<EventObject*>(self); }
PyObject* object_of(EventObject* event) { return reinterpret_cast<PyObject*>(event); }

// Frees the memory of an object whose members are gone. The types are made at run time: each object
// counts as a reference to its type.
void free_object(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

// ---- Event -------------------------------------------------------------------------------------

void event_dealloc(PyObject* self) {
  IteratorObject* from = event_of(self)->from;
  if (from->spare == nullptr) {
    from->spare = event_of(self);
  } else {
    free_object(self);
  }
  Py_DECREF(from);
}

trace::Field field_at(const EventObject& event, std::size_t index) {
  return event.from->reader->at(event.place)[index];
}

// The place of a field by name: -1 if there is none, -2 with an exception set.
Py_ssize_t find_field(const EventObject& event, PyObject* name) {
  PyObject* place = PyDict_GetItemWithError(event.table->places.ptr(), name);
  if (place != nullptr) return PyLong_AsSsize_t(place);
  return PyErr_Occurred() != nullptr ? -2 : -1;
}

PyObject* event_subscript(PyObject* self, PyObject* name) {
  const EventObject& event = *event_of(self);
  const Py_ssize_t place = find_field(event, name);
  if (place >= 0) return new_value(field_at(event, static_cast<std::size_t>(place)));
  if (place == -1) PyErr_SetObject(PyExc_KeyError, name);
  return nullptr;
}

Py_ssize_t event_length(PyObject* self) { return PyDict_Size(event_of(self)->table->places.ptr()); }

int event_contains(PyObject* self, PyObject* name) {
  return PyDict_Contains(event_of(self)->table->places.ptr(), name);
}

PyObject* event_iter(PyObject* self) {
  return PyObject_GetIter(event_of(self)->table->places.ptr());
}

PyObject* event_keys(PyObject* self, PyObject* /*unused*/) {
  return PyDict_Keys(event_of(self)->table->places.ptr());
}

PyObject* event_get(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  if (count < 1 || count > 2) {
    PyErr_Format(PyExc_TypeError, "get() takes a name and a default, not %zd arguments", count);
    return nullptr;
  }
  const EventObject& event = *event_of(self);
  const Py_ssize_t place = find_field(event, arguments[0]);
  if (place >= 0) return new_value(field_at(event, static_cast<std::size_t>(place)));
  if (place == -2) return nullptr;
  PyObject* fallback = count == 2 ? arguments[1] : Py_None;
  return Py_NewRef(fallback);
}

constexpr std::array<std::pair<std::string_view, trace::Scope>, 4> kScopes = {{
    {"packet-context", trace::Scope::kPacketContext},
    {"common-context", trace::Scope::kCommonContext},
    {"specific-context", trace::Scope::kSpecificContext},
    {"payload", trace::Scope::kPayload},
}};

// In order of the record; of two fields with one name the payload's stays.
PyObject* new_fields(const EventObject& event, const trace::Scope* scope) {
  PyObject* dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  const trace::Event& read = event.from->reader->at(event.place);
  const ClassTable& table = *event.table;
  for (std::size_t i = 0; i < table.fields.size(); ++i) {
    if (scope != nullptr && table.info->fields[i].scope != *scope) continue;
    PyObject* value = new_value(read[i]);
    const bool is_set = value != nullptr && PyDict_SetItem(dict, table.fields[i].ptr(), value) == 0;
    Py_XDECREF(value);
    if (!is_set) {
      Py_DECREF(dict);
      return nullptr;
    }
  }
  return dict;
}

PyObject* event_fields(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  if (count == 0 || (count == 1 && arguments[0] == Py_None)) {
    return new_fields(*event_of(self), nullptr);
  }
  if (count != 1) {
    PyErr_Format(PyExc_TypeError, "fields() takes at most one scope, not %zd arguments", count);
    return nullptr;
  }
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(arguments[0], &size);
  if (text == nullptr) return nullptr;
  for (const auto& [name, scope] : kScopes) {
    if (name == std::string_view(text, static_cast<std::size_t>(size))) {
      return new_fields(*event_of(self), &scope);
    }
  }
  PyErr_Format(PyExc_ValueError,
               "no scope %R; there are 'packet-context', 'common-context', 'specific-context' and "
               "'payload'",
               arguments[0]);
  return nullptr;
}

PyObject* event_label(PyObject* self, PyObject* name) {
  const EventObject& event = *event_of(self);
  const Py_ssize_t place = find_field(event, name);
  if (place < 0) {
    if (place == -1) PyErr_SetObject(PyExc_KeyError, name);
    return nullptr;
  }
  const std::string_view label = field_at(event, static_cast<std::size_t>(place)).label();
  if (label.empty()) Py_RETURN_NONE;
  return PyUnicode_DecodeUTF8(label.data(), static_cast<Py_ssize_t>(label.size()),
                              "surrogateescape");
}

PyObject* event_repr(PyObject* self) {
  const EventObject& event = *event_of(self);
  PyObject* fields = new_fields(event, nullptr);
  if (fields == nullptr) return nullptr;
  PyObject* text =
      PyUnicode_FromFormat("<sillage.Event %U at %lld ns: %R>", event.table->name.ptr(),
                           static_cast<long long>(event.time_ns), fields);
  Py_DECREF(fields);
  return text;
}

PyObject* event_name(PyObject* self, void* /*unused*/) {
  return Py_NewRef(event_of(self)->table->name.ptr());
}

PyObject* event_time_ns(PyObject* self, void* /*unused*/) {
  return PyLong_FromLongLong(event_of(self)->time_ns);
}

PyObject* event_cycles(PyObject* self, void* /*unused*/) {
  const EventObject& event = *event_of(self);
  return PyLong_FromUnsignedLongLong(event.from->reader->at(event.place).cycles());
}

PyObject* event_stream(PyObject* self, void* /*unused*/) {
  const EventObject& event = *event_of(self);
  const std::size_t index = event.from->reader->at(event.place).stream().index;
  return Py_NewRef(event.from->tables->streams()[index].ptr());
}

PyObject* event_class(PyObject* self, void* /*unused*/) {
  return Py_NewRef(event_of(self)->table->event_class.ptr());
}

PyMethodDef event_methods[] = {
    {"get", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(event_get)), METH_FASTCALL,
     "get($self, name, default=None, /)\n--\n\nThe field's value; the default if there is none."},
    {"fields", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(event_fields)), METH_FASTCALL,
     "fields($self, scope=None, /)\n--\n\n"
     "All fields as a dict, or those of one scope: 'packet-context', 'common-context',\n"
     "'specific-context' or 'payload'."},
    {"keys", event_keys, METH_NOARGS, "keys($self, /)\n--\n\nThe names of the fields."},
    {"label", event_label, METH_O,
     "label($self, name, /)\n--\n\nThe first label of an enumeration's value, None if it has "
     "none."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef event_attributes[] = {
    {"name", event_name, nullptr, "The event's name.", nullptr},
    {"time_ns", event_time_ns, nullptr,
     "Nanoseconds from the clock's origin, usually the Unix epoch; 0 without a clock.", nullptr},
    {"cycles", event_cycles, nullptr, "The clock's value as recorded.", nullptr},
    {"stream", event_stream, nullptr, "The Stream that the event stands in.", nullptr},
    {"event_class", event_class, nullptr, "The EventClass.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

constexpr const char* kEventDoc =
    "An event: a read-only mapping of its fields, contexts included.\n\n"
    "event['fd'] is an int, bool, float, str or bytes; a list of arrays, a dict of structures; "
    "None\n"
    "of fields that are not there. Of two fields with one name it is the payload's. Fields are "
    "read\n"
    "from the trace when they are asked for; an event may be kept as long as one likes.";

template <class T>
void* slot(T* function) {
  return reinterpret_cast<void*>(function);
}

py::object make_event_type(py::module_* core) {
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>(kEventDoc)},
      {Py_tp_dealloc, slot(event_dealloc)},
      {Py_tp_repr, slot(event_repr)},
      {Py_tp_iter, slot(event_iter)},
      {Py_tp_methods, event_methods},
      {Py_tp_getset, event_attributes},
      {Py_mp_subscript, slot(event_subscript)},
      {Py_mp_length, slot(event_length)},
      {Py_sq_contains, slot(event_contains)},
      {0, nullptr},
  };
  PyType_Spec spec = {
      .name = "sillage.Event",
      .basicsize = sizeof(EventObject),
      .itemsize = 0,
      .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
      .slots = slots};
  return py::reinterpret_steal<py::object>(PyType_FromModuleAndSpec(core->ptr(), &spec, nullptr));
}

// ---- EventIterator -----------------------------------------------------------------------------

void iterator_dealloc(PyObject* self) {
  IteratorObject* iterator = iterator_of(self);
  if (iterator->spare != nullptr) free_object(object_of(iterator->spare));
  std::destroy_at(&iterator->pass);
  std::destroy_at(&iterator->tables);
  free_object(self);
}

// nullptr with StopIteration, Error or, where warnings are errors, DamageWarning.
PyObject* end(IteratorObject* iterator) {
  if (iterator->is_over) return nullptr;
  iterator->is_over = true;
  try {
    iterator->tables->end_pass(iterator->pass);
  } catch (py::error_already_set& error) {
    error.restore();
  }
  return nullptr;
}

const ClassTable* table_of(Tables* tables, std::size_t index) {
  try {
    return &tables->class_table(index);
  } catch (py::error_already_set& error) {
    error.restore();
    return nullptr;
  }
}

// An object without a reference to its type, as is `spare`.
EventObject* take_memory(IteratorObject* iterator) {
  if (iterator->spare != nullptr) {
    EventObject* event = std::exchange(iterator->spare, nullptr);
    PyTypeObject* type = Py_TYPE(object_of(event));
    PyObject_Init(object_of(event), type);
    Py_DECREF(type);  // its reference from before it was spare
    return event;
  }
  PyObject* made = PyType_GenericAlloc(iterator->tables->event_type(), 0);
  return made == nullptr ? nullptr : event_of(made);
}

PyObject* iterator_next(PyObject* self) {
  IteratorObject* iterator = iterator_of(self);
  const trace::Event* read = iterator->is_over ? nullptr : iterator->reader->next();
  if (read == nullptr) return end(iterator);
  const ClassTable* table = table_of(iterator->tables.get(), read->event_class().index);
  if (table == nullptr) return nullptr;
  EventObject* event = take_memory(iterator);
  if (event == nullptr) return nullptr;
  Py_INCREF(self);
  event->from = iterator;
  event->table = table;
  event->time_ns = read->time_ns();
  event->place = read->place();
  return object_of(event);
}

py::object make_iterator_type(py::module_* core) {
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("Goes over the events of a Reader in order of time.")},
      {Py_tp_dealloc, slot(iterator_dealloc)},
      {Py_tp_iter, slot(PyObject_SelfIter)},
      {Py_tp_iternext, slot(iterator_next)},
      {0, nullptr},
  };
  PyType_Spec spec = {
      .name = "sillage.EventIterator",
      .basicsize = sizeof(IteratorObject),
      .itemsize = 0,
      .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
      .slots = slots};
  return py::reinterpret_steal<py::object>(PyType_FromModuleAndSpec(core->ptr(), &spec, nullptr));
}

}  // namespace

void add_event_types(py::module_* core) {
  py::object event = make_event_type(core);
  if (!event) throw py::error_already_set();
  core->attr("Event") = event;
  py::object iterator = make_iterator_type(core);
  if (!iterator) throw py::error_already_set();
  core->attr("EventIterator") = iterator;
}

py::object make_event_iterator(std::shared_ptr<Tables> tables, const Pass& pass) {
  const py::object type = core_attribute("EventIterator");
  PyObject* made = PyType_GenericAlloc(reinterpret_cast<PyTypeObject*>(type.ptr()), 0);
  if (made == nullptr) throw py::error_already_set();
  IteratorObject* iterator = iterator_of(made);
  new (&iterator->tables) std::shared_ptr<Tables>(std::move(tables));
  new (&iterator->pass) Pass(pass);
  iterator->reader = pass.front().get();
  iterator->spare = nullptr;
  iterator->is_over = false;
  return py::reinterpret_steal<py::object>(made);
}

}  // namespace sillage::python
