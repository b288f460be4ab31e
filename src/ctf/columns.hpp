// SPDX-License-Identifier: MIT
// Event records of one class as columns: the fields that are wanted are gathered from the places
// that scanning found, without decoding records.
#pragma once

#include "ctf/data_stream.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sillage::ctf {

/// How the cells of a column are stored.
enum class Cell : std::uint8_t {
  kUnsigned8,
  kUnsigned16,
  kUnsigned32,
  kUnsigned64,
  kSigned8,
  kSigned16,
  kSigned32,
  kSigned64,
  kFloat32,
  kFloat64,
  kBoolean,
  kText,     ///< a CellBytes
  kBlob,     ///< a CellBytes
  kNumbers,  ///< a CellBytes of the elements as they are in the trace, of `element`
};

struct CellBytes {
  const char* data = nullptr;
  std::size_t size = 0;
};

/// Bytes of a cell.
[[nodiscard]] std::size_t cell_bytes(Cell cell);

/// A column of a class.
struct ColumnPlan {
  std::uint32_t field = kNone;  ///< in Plan::fields()
  std::uint32_t op = kNone;     ///< in Plan::ops()
  Scope scope = Scope::kPayload;
  Cell cell = Cell::kUnsigned8, element = Cell::kUnsigned8;
  bool can_be_absent = false;  ///< stands in an option
  Place place{};               ///< if the class is scanned fast
};

/// The columns that a class of event records has: its scalars, text, BLOBs and arrays of whole
/// little- or big-endian numbers outside other arrays; those of the packet context first.
[[nodiscard]] std::vector<ColumnPlan> plan_columns(const Plan& plan, const StreamPlan& stream,
                                                   std::uint32_t event, const ClassScan& scan);

/// Cells of one column.
struct ColumnCells {
  const std::byte* data = nullptr;
  std::ptrdiff_t stride = 0;              ///< 0: the same for all
  const std::uint8_t* present = nullptr;  ///< a byte each; nullptr: always there
};

/// Event records of one class in one packet.
///
/// Lifetime: until the next call of the reader.
struct ColumnBatch {
  std::uint32_t event = 0;  ///< in StreamPlan::events
  std::span<const std::int64_t> times_ns{};
  std::span<const std::uint64_t> cycles{};
  std::span<const ColumnCells> columns{};  ///< as plan_columns()
  /// Keeps what the spans and cells point to; see ColumnReader::next().
  std::shared_ptr<const void> memory{};
};

/// Reads a data stream as batches of columns.
///
/// Lifetime: the stream must outlive it.
/// Cost:     no allocation per batch once buffers have grown.
class ColumnReader {
 public:
  explicit ColumnReader(DataStream* stream);

  /// The next batch; nullptr at the end.
  ///
  /// Times, cycles and cells of the last one are overwritten, unless a copy of its `memory` is held:
  /// then they stay as they are, and this batch gets memory of its own.
  [[nodiscard]] const ColumnBatch* next();

  [[nodiscard]] const DataStream& stream() const { return *stream_; }

 private:
  struct Buffer {
    std::vector<std::uint64_t> cells;  // as bytes; 64 bits so that all cells are aligned
    std::vector<std::uint8_t> present;
  };
  struct Memory {
    std::vector<std::int64_t> times;
    std::vector<std::uint64_t> cycles;
    std::vector<Buffer> buffers;
    std::deque<std::string> kept;  // text that is not in the trace as it is shown
  };
  struct Class {
    bool is_planned = false;
    std::vector<ColumnPlan> columns;
    std::vector<std::uint16_t> anchors;          // those that columns need, but for the first
    std::vector<std::uint32_t> column_by_field;  // from `first_field` on
    std::uint32_t first_field = 0;
  };

  bool fill();
  void prepare_memory();
  void group();
  Class& class_of(std::uint32_t event);
  void gather(Class* about, std::span<const std::uint32_t> rows);
  [[nodiscard]] bool find_anchors(const Class& about, std::uint32_t event,
                                  std::span<const std::uint32_t> rows);
  void gather_column(const ColumnPlan& plan, std::size_t count, Buffer* buffer);
  void gather_bytes(const ColumnPlan& plan, std::size_t count, CellBytes* cells);
  void decode_rows(Class* about, std::span<const std::uint32_t> rows);
  void set_cell(const ColumnPlan& plan, const Value& value, std::size_t row, Buffer* buffer);
  void set_constant(const ColumnPlan& plan, Buffer* buffer);
  std::string_view keep(std::string_view text);

  DataStream* stream_;
  RowReader rows_reader_;
  RowBatch batch_;
  std::vector<std::uint32_t> counts_;  // of the batch, by class
  std::vector<std::uint32_t> starts_;  // in order_, by class
  std::vector<std::uint32_t> classes_, order_;
  std::size_t class_ = 0;  // the next one, in classes_
  std::vector<Class> plans_;
  std::vector<std::vector<const std::uint8_t*>> bases_;  // by anchor
  std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
  std::vector<ColumnCells> cells_;
  ColumnBatch out_;
};

}  // namespace sillage::ctf
