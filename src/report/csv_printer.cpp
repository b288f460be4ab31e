// SPDX-License-Identifier: MIT
#include "report/csv_printer.hpp"

#include "report/json_value.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace sillage::report {
namespace {

using ctf::Value;
using ctf::ValueKind;

// In front of the columns of fields.
constexpr std::array<const char*, 5> kFixed = {"time_ns", "trace", "stream_class", "stream",
                                               "event"};

bool is_looked_through(const ctf::FieldClass& field_class) {
  return field_class.as<ctf::Structure>() != nullptr ||
         field_class.as<ctf::Optional>() != nullptr || field_class.as<ctf::Variant>() != nullptr;
}

// RFC 4180: quotes around what has commas, quotes or line ends in it.
void append_cell(std::string_view text, std::string* out) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    *out += text;
    return;
  }
  *out += '"';
  for (const char character : text) {
    if (character == '"') *out += '"';
    *out += character;
  }
  *out += '"';
}

void append_value(const ctf::Plan& plan, const Value* value, std::string* cell) {
  switch (value->kind) {
    case ValueKind::kText: {
      const std::string_view text = value->text();
      *cell += text.substr(0, text.find('\0'));
      break;
    }
    // Without labels: a column of numbers stays one.
    case ValueKind::kUnsigned:
    case ValueKind::kBits: append_number(value->number, cell); break;
    case ValueKind::kSigned: append_number(static_cast<std::int64_t>(value->number), cell); break;
    case ValueKind::kArray: append_json(plan, value, cell); break;
    default: {
      const std::size_t start = cell->size();
      append_json(plan, value, cell);
      // What JSON writes as a text without being one: BLOBs, NaN.
      if (cell->size() > start + 1 && (*cell)[start] == '"') {
        cell->pop_back();
        cell->erase(start, 1);
      }
    }
  }
}

}  // namespace

CsvPrinter::CsvPrinter(const ctf::TraceReader& reader, const EventSelection& selection) {
  for (const char* name : kFixed) column_of(name);
  for (const auto& trace : reader.traces()) {
    const ctf::Plan& plan = *trace->plan;
    Columns& columns = columns_[&plan];
    columns.assign(plan.fields().size(), ctf::kNone);
    const auto add = [&](const ctf::ScopePlan& scope, const std::string& name) {
      if (!scope.empty()) add_columns(plan, scope.root, name, &columns);
    };
    for (const ctf::StreamPlan& stream : plan.streams()) {
      bool is_stream_added = false;
      for (const ctf::EventPlan& event : stream.events) {
        if (!selection.may_want(event)) continue;
        if (!is_stream_added) {
          add(stream.packet_context, "packet");
          add(stream.common_context, "context");
        }
        is_stream_added = true;
        add(event.specific_context, "event_context");
        add(event.payload, "");
      }
    }
  }
  cells_.resize(names_.size());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (i != 0) text_ += ',';
    append_cell(names_[i], &text_);
  }
  text_ += '\n';
}

std::uint32_t CsvPrinter::column_of(const std::string& name) {
  const auto [place, is_new] =
      by_name_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
  if (is_new) names_.push_back(name);
  return place->second;
}

void CsvPrinter::add_columns(const ctf::Plan& plan, std::uint32_t field, const std::string& name,
                             Columns* columns) {
  const ctf::Field& node = plan.fields()[field];
  if (node.is_hidden) return;
  if (!is_looked_through(*node.field_class)) {
    // A payload may have a field of one of our own names.
    const auto taken = by_name_.find(name);
    const bool is_fixed = taken != by_name_.end() && taken->second < kFixed.size();
    (*columns)[field] = column_of(is_fixed ? "payload." + name : name);
    return;
  }
  for (const std::uint32_t child : node.children) {
    const std::string& own = plan.fields()[child].name;
    std::string path = name;
    if (!name.empty() && !own.empty()) path += '.';
    path += own;
    add_columns(plan, child, path, columns);
  }
}

void CsvPrinter::put_values(const ctf::Plan& plan, const Columns& columns, ctf::Values values) {
  if (values.empty()) return;
  const Value* const end = values.data() + values.size();
  for (const Value* value = values.data(); value < end;) {
    const std::uint32_t column = columns[value->field];
    if (column != ctf::kNone) {
      append_value(plan, value, &cell(column));
      value += value->extent;
    } else if (is_looked_through(*plan.fields()[value->field].field_class)) {
      ++value;
    } else {
      value += value->extent;
    }
  }
}

std::string& CsvPrinter::cell(std::uint32_t column) {
  std::string& text = cells_[column];
  if (text.empty()) used_.push_back(column);
  return text;
}

void CsvPrinter::print(const ctf::DataStream& stream) {
  const ctf::EventView& event = stream.event();
  const ctf::Plan& plan = *stream.trace().plan;
  if (stream.has_time()) append_number(stream.ns(), &cell(0));
  cell(1) = stream.trace().path;
  append_number(stream.plan().stream_class->id, &cell(2));
  append_number(stream.id(), &cell(3));
  cell(4) = event.event->event_class->name;
  const Columns& columns = columns_.find(&plan)->second;
  put_values(plan, columns, event.packet_context);
  put_values(plan, columns, event.common_context);
  put_values(plan, columns, event.specific_context);
  put_values(plan, columns, event.payload);
  put_row();
}

// A trace may have a thousand columns, of which an event fills ten.
void CsvPrinter::put_row() {
  std::ranges::sort(used_);
  std::uint32_t column = 0;
  for (const std::uint32_t used : used_) {
    text_.append(used - column, ',');
    column = used;
    append_cell(cells_[used], &text_);
    cells_[used].clear();
  }
  text_.append(names_.size() - 1 - column, ',');
  text_ += '\n';
  used_.clear();
}

}  // namespace sillage::report
