// SPDX-License-Identifier: MIT
// The types Batch, BatchIterator and Columns: cells as NumPy arrays.
#pragma once

#include "tables.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sillage::python {

/// Adds the types.
void add_column_types(py::module_* core);

/// Goes over the batches that the reader of `pass` gives.
[[nodiscard]] py::object make_batch_iterator(std::shared_ptr<Tables> tables, const Pass& pass);

/// All events of these classes as Columns. No paths: all columns that there are.
///
/// Errors: throws KeyError for a path that is no column, ValueError for one that has several types,
///         and what Tables::end_pass() throws.
[[nodiscard]] py::object make_columns(Tables* tables, const std::vector<std::size_t>& classes,
                                      const std::optional<std::vector<std::string>>& paths,
                                      unsigned threads, bool is_sorted);

}  // namespace sillage::python
