// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/trace_reader.hpp"
#include "report/event_printer.hpp"
#include "report/event_selection.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sillage::report {

/// A table with one row for each event: see sillage-read(1), "CSV".
///
/// The header has a column for each field that an event of the selection may have, so that it does
/// not depend on the events themselves; fields of the same name share one.
class CsvPrinter final : public EventPrinter {
 public:
  CsvPrinter(const ctf::TraceReader& reader, const EventSelection& selection);

  void print(const ctf::DataStream& stream) override;
  [[nodiscard]] std::string_view text() const override { return text_; }
  void clear() override { text_.clear(); }

 private:
  using Columns = std::vector<std::uint32_t>;  // by field of the plan; ctf::kNone: not a cell
  void add_columns(const ctf::Plan& plan, std::uint32_t field, const std::string& name,
                   Columns* columns);
  std::uint32_t column_of(const std::string& name);
  std::string& cell(std::uint32_t column);
  void put_row();
  void put_values(const ctf::Plan& plan, const Columns& columns, ctf::Values values);

  std::vector<std::string> names_;
  std::map<std::string, std::uint32_t, std::less<>> by_name_;
  std::unordered_map<const ctf::Plan*, Columns> columns_;
  std::vector<std::string> cells_;   // of the row
  std::vector<std::uint32_t> used_;  // columns that are not empty, and perhaps again
  std::string text_;
};

}  // namespace sillage::report
