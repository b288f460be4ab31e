// SPDX-License-Identifier: MIT
// All events of some classes as whole columns. Knows nothing of Python, so that it runs without the
// GIL and on several threads.
#pragma once

#include <sillage/trace.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sillage::python {

/// A wanted column, of events of several classes: one and the same event of several traces.
struct ColumnRequest {
  std::string path{};
  trace::CellType type = trace::CellType::kUnsigned8;  ///< that the cells of all classes fit into
  trace::CellType element = trace::CellType::kUnsigned8;
  std::vector<std::size_t> places{};  ///< in EventClass::columns, by class; EventClass::kNotFound
};

/// Finds the column in each class.
///
/// Errors: kNotFound        no class has it.
///         kInvalidArgument they have it in types that no type holds all of.
[[nodiscard]] trace::Result<ColumnRequest> request_column(
    std::span<const trace::EventClass* const> classes, const std::string& path);

/// Bytes of a cell of fixed length; 0 of others.
[[nodiscard]] std::size_t cell_bytes(trace::CellType type);

/// The cells of a column.
///
/// Shape: cells of fixed length stand in `bytes` one behind the other; of others cell i is
///        bytes[offsets[i]] up to bytes[offsets[i + 1]].
struct CollectedColumn {
  std::vector<std::byte> bytes{};
  std::vector<std::int64_t> offsets{};
  std::vector<std::uint8_t> present{};  ///< empty: always there
};

struct Collected {
  std::vector<std::int64_t> times_ns{};
  std::vector<std::uint64_t> cycles{};
  std::vector<std::uint32_t> streams{};    ///< places in Reader::streams()
  std::vector<CollectedColumn> columns{};  ///< as the requests
};

/// Reads them with one thread for each reader; the readers are parts of one, earliest first.
///
/// With `is_sorted` in order of time, at the same time in order of streams; otherwise stream by
/// stream in each reader's part.
/// Cost: with `is_sorted` half as much memory again while a column is put in order.
[[nodiscard]] Collected collect(std::span<const std::shared_ptr<trace::Reader>> readers,
                                std::span<const std::size_t> classes,
                                std::span<const ColumnRequest> requests, bool is_sorted);

}  // namespace sillage::python
