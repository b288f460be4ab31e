// SPDX-License-Identifier: MIT
// The types Event and EventIterator, made by hand.
//
// Everything else of the module is pybind11's. An event is not: pybind11 makes an object, an entry
// in its table of instances and a holder for each (some 200 ns), where reading the event takes 20.
// So an event is a plain object of a few words. It holds where the event stands, not what it says:
// fields are read when they are asked for, also long after the iterator went on. That makes events
// cheap to make and safe to keep.
#pragma once

#include "tables.hpp"

#include <memory>

namespace sillage::python {

/// Adds both types.
void add_event_types(py::module_* core);

/// An iterator over the events that `reader` gives.
[[nodiscard]] py::object make_event_iterator(std::shared_ptr<Tables> tables, const Pass& pass);

}  // namespace sillage::python
