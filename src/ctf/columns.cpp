// SPDX-License-Identifier: MIT
#include "ctf/columns.hpp"

#include "ctf/byte_search.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace sillage::ctf {
namespace {

/// Rows of a batch: enough that a class has several, few enough that their bytes stay in the
/// second-level cache between scanning and gathering.
constexpr std::size_t kRows = 4096;

Cell integer_cell(unsigned bits, bool is_signed) {
  const unsigned step = bits <= 8 ? 0 : bits <= 16 ? 1 : bits <= 32 ? 2 : 3;
  return static_cast<Cell>(static_cast<unsigned>(is_signed ? Cell::kSigned8 : Cell::kUnsigned8) +
                           step);
}

Cell scalar_cell(const Op& op, unsigned bits) {
  switch (op.kind) {
    case ValueKind::kBoolean: return Cell::kBoolean;
    case ValueKind::kFloat32: return Cell::kFloat32;
    case ValueKind::kFloat64: return Cell::kFloat64;
    default: return integer_cell(bits, op.kind == ValueKind::kSigned);
  }
}

bool is_number(Cell cell) { return cell < Cell::kText; }

// Arrays are given as they are in the trace: they must be of the machine's order, or of bytes.
bool has_plain_elements(const Op& op) {
  const bool is_native =
      op.load == Load::kByte ||
      (op.load >= Load::kLittle16 && op.load <= Load::kLittle64 && kIsLittleHost) ||
      (op.load >= Load::kBig16 && op.load <= Load::kBig64 && !kIsLittleHost);
  return op.code == OpCode::kScalars && is_native && op.stride == op.length_bits &&
         !op.is_reversed && !(op.kind == ValueKind::kFloat32 && op.length_bits == 16);
}

bool plan_column(const Op& op, ColumnPlan* column) {
  switch (op.code) {
    case OpCode::kScalar: column->cell = scalar_cell(op, op.length_bits); return true;
    case OpCode::kVariable: column->cell = scalar_cell(op, 64); return true;
    case OpCode::kTerminatedText:
    case OpCode::kText: column->cell = Cell::kText; return true;
    case OpCode::kBlob: column->cell = Cell::kBlob; return true;
    case OpCode::kScalars:
      column->cell = Cell::kNumbers;
      column->element = scalar_cell(op, op.length_bits);
      return has_plain_elements(op);
    default: return false;
  }
}

template <class T>
void gather_plain(const std::uint8_t* const* bases, std::size_t offset, std::size_t count,
                  std::byte* out) {
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(out + i * sizeof(T), bases[i] + offset, sizeof(T));
  }
}

// Cells of absent fields are 0.
void store(Cell cell, std::uint64_t bits, std::size_t row, std::byte* out) {
  const std::size_t bytes = cell_bytes(cell);
  if constexpr (kIsLittleHost) {
    std::memcpy(out + row * bytes, &bits, bytes);
  } else {
    std::memcpy(out + row * bytes, reinterpret_cast<const std::byte*>(&bits) + 8 - bytes, bytes);
  }
}

std::uint64_t bits_of(Cell cell, const Op& op, std::uint64_t raw) {
  if (cell == Cell::kFloat32 || cell == Cell::kFloat64) {
    if (op.is_reversed) raw = reverse_bits(raw, op.length_bits);
    if (op.length_bits != 16) return raw;
    return std::bit_cast<std::uint32_t>(static_cast<float>(real_of(raw, 16)));
  }
  return integer_of(op, raw);
}

// Text of fixed length ends at its first NUL.
std::size_t text_size(const std::uint8_t* text, std::size_t most) {
  const std::uint8_t* nul = find_nul(text, text + most);
  return nul == nullptr ? most : static_cast<std::size_t>(nul - text);
}

}  // namespace

std::size_t cell_bytes(Cell cell) {
  switch (cell) {
    case Cell::kUnsigned8:
    case Cell::kSigned8:
    case Cell::kBoolean: return 1;
    case Cell::kUnsigned16:
    case Cell::kSigned16: return 2;
    case Cell::kUnsigned32:
    case Cell::kSigned32:
    case Cell::kFloat32: return 4;
    case Cell::kUnsigned64:
    case Cell::kSigned64:
    case Cell::kFloat64: return 8;
    default: return sizeof(CellBytes);
  }
}

std::vector<ColumnPlan> plan_columns(const Plan& plan, const StreamPlan& stream,
                                     std::uint32_t event, const ClassScan& scan) {
  std::vector<ColumnPlan> columns;
  const EventPlan& about = stream.events[event];
  const std::array<std::pair<Scope, const ScopePlan*>, 4> scopes = {
      std::pair{Scope::kPacketContext, &stream.packet_context},
      std::pair{Scope::kCommonContext, &stream.common_context},
      std::pair{Scope::kSpecificContext, &about.specific_context},
      std::pair{Scope::kPayload, &about.payload}};
  auto place = scan.places.begin();  // in order of the operations, too
  for (const auto& [scope, ops] : scopes) {
    if (ops->empty()) continue;
    std::uint32_t options_end = 0;
    for (std::uint32_t i = ops->first; i < ops->last;) {
      const Op& op = plan.ops()[i];
      ColumnPlan column{.field = op.field, .op = i, .scope = scope, .place = {}};
      column.can_be_absent = i < options_end;
      if (op.code == OpCode::kOptional || op.code == OpCode::kVariant) {
        options_end = std::max(options_end, op.next);
      }
      if (plan_column(op, &column) && !plan.fields()[op.field].is_hidden) {
        if (scope != Scope::kPacketContext && scan.is_fast) {
          while (place != scan.places.end() && place->op < i) ++place;
          if (place != scan.places.end() && place->op == i) column.place = *place;
        }
        columns.push_back(column);
      }
      i = op.code == OpCode::kArray ? op.next : i + 1;
    }
  }
  return columns;
}

ColumnReader::ColumnReader(DataStream* stream)
    : stream_(stream),
      rows_reader_(stream->trace().plan),
      counts_(stream->plan().events.size()),
      starts_(stream->plan().events.size()),
      plans_(stream->plan().events.size()) {
  stream_->set_batch_rows(kRows);
}

const ColumnBatch* ColumnReader::next() {
  if (class_ == classes_.size() && !fill()) return nullptr;
  const std::uint32_t event = classes_[class_++];
  Class& about = class_of(event);
  out_.event = event;
  gather(&about, {order_.data() + starts_[event] - counts_[event], counts_[event]});
  counts_[event] = 0;
  return &out_;
}

// Other memory if somebody holds that of the last batch.
void ColumnReader::prepare_memory() {
  out_.memory.reset();
  if (memory_.use_count() > 1) {
    memory_ = std::make_shared<Memory>();
    return;
  }
  // Who held it last may have done so on another thread: what it read comes before what is written.
  std::atomic_thread_fence(std::memory_order_acquire);
}

bool ColumnReader::fill() {
  out_.memory.reset();
  if (memory_.use_count() == 1) memory_->kept.clear();
  classes_.clear();
  class_ = 0;
  if (!batch_.rows.empty()) stream_->skip(batch_.rows.size());
  if (!stream_->next()) {
    batch_ = {};
    return false;
  }
  batch_ = stream_->batch();
  group();
  return true;
}

// Sorts the rows by class; in a class they keep their order.
void ColumnReader::group() {
  for (const Row& row : batch_.rows) {
    if (counts_[row.event]++ == 0) classes_.push_back(row.event);
  }
  std::uint32_t start = 0;
  for (const std::uint32_t event : classes_) {
    starts_[event] = start;
    start += counts_[event];
  }
  order_.resize(batch_.rows.size());
  std::uint32_t index = 0;
  for (const Row& row : batch_.rows) order_[starts_[row.event]++] = index++;
}

ColumnReader::Class& ColumnReader::class_of(std::uint32_t event) {
  Class& about = plans_[event];
  if (about.is_planned) return about;
  about.is_planned = true;
  const auto& scan = stream_->scan().classes[event];
  about.columns = plan_columns(*stream_->trace().plan, stream_->plan(), event, scan);
  std::uint32_t first = kNone, last = 0;
  for (const ColumnPlan& column : about.columns) {
    if (column.scope == Scope::kPacketContext) continue;
    first = std::min(first, column.field);
    last = std::max(last, column.field);
    for (const std::uint16_t anchor :
         {column.place.anchor, column.place.behind, column.place.guard}) {
      if (anchor != 0) about.anchors.push_back(anchor);
    }
  }
  std::sort(about.anchors.begin(), about.anchors.end());
  about.anchors.erase(std::unique(about.anchors.begin(), about.anchors.end()), about.anchors.end());
  if (first == kNone) return about;
  about.first_field = first;
  about.column_by_field.assign(last - first + 1, kNone);
  for (std::uint32_t i = 0; i < about.columns.size(); ++i) {
    if (about.columns[i].scope == Scope::kPacketContext) continue;
    about.column_by_field[about.columns[i].field - first] = i;
  }
  return about;
}

void ColumnReader::gather(Class* about, std::span<const std::uint32_t> rows) {
  const std::size_t count = rows.size();
  prepare_memory();
  auto& [times, cycles, buffers, kept] = *memory_;
  if (times.size() < count) {
    times.resize(count);
    cycles.resize(count);
  }
  bool is_fast = true;
  for (std::size_t i = 0; i < count; ++i) {
    const Row& row = batch_.rows[rows[i]];
    cycles[i] = row.clock;
    times[i] = stream_->ns_of(row);
    is_fast = is_fast && row.is_fast();
  }
  if (buffers.size() < about->columns.size()) buffers.resize(about->columns.size());
  cells_.resize(about->columns.size());
  is_fast = is_fast && find_anchors(*about, out_.event, rows);
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const ColumnPlan& plan = about->columns[i];
    Buffer& buffer = buffers[i];
    const bool is_constant = plan.scope == Scope::kPacketContext;
    const std::size_t words = (count * cell_bytes(plan.cell) + 7) / 8;
    if (buffer.cells.size() < words) buffer.cells.resize(words);
    if (plan.can_be_absent && buffer.present.size() < count) buffer.present.resize(count);
    if (is_constant) {
      set_constant(plan, &buffer);
    } else if (is_fast) {
      gather_column(plan, count, &buffer);
    }
    cells_[i] = {.data = reinterpret_cast<const std::byte*>(buffer.cells.data()),
                 .stride = is_constant ? 0 : static_cast<std::ptrdiff_t>(cell_bytes(plan.cell)),
                 .present = plan.can_be_absent ? buffer.present.data() : nullptr};
  }
  if (!is_fast) decode_rows(about, rows);
  out_.times_ns = {times.data(), count};
  out_.cycles = {cycles.data(), count};
  out_.columns = cells_;
  out_.memory = memory_;
}

// Fills bases_[anchor] with the anchors of all rows; false if the file was rewritten since they were
// found, and they do not end where they did.
bool ColumnReader::find_anchors(const Class& about, std::uint32_t event,
                                std::span<const std::uint32_t> rows) {
  const std::uint8_t* packet = batch_.packet_start();
  const std::size_t most = about.anchors.empty() ? 1 : about.anchors.back() + std::size_t{1};
  if (bases_.size() < most) bases_.resize(most);
  if (bases_[0].size() < kRows) bases_[0].resize(kRows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    bases_[0][i] = batch_.rows[rows[i]].body_in(packet);
  }
  if (about.anchors.empty()) return true;
  for (const std::uint16_t anchor : about.anchors) {
    if (bases_[anchor].size() < kRows) bases_[anchor].resize(kRows);
  }
  const ClassScan& scan = stream_->scan().classes[event];
  const std::uint8_t* end = packet + batch_.packet.size();
  Anchors anchors{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (find_end(scan, packet, bases_[0][i], end, &anchors) == nullptr) return false;
    for (const std::uint16_t anchor : about.anchors) bases_[anchor][i] = anchors[anchor];
  }
  return true;
}

void ColumnReader::gather_column(const ColumnPlan& plan, std::size_t count, Buffer* buffer) {
  const Op& op = stream_->trace().plan->ops()[plan.op];
  auto* const out = reinterpret_cast<std::byte*>(buffer->cells.data());
  const std::uint8_t* const* bases = bases_[plan.place.anchor].data();
  const std::size_t offset = plan.place.bit / kByte;
  if (plan.can_be_absent) {
    const std::uint8_t* const* guards = bases_[plan.place.guard].data();
    for (std::size_t i = 0; i < count; ++i) buffer->present[i] = guards[i] != nullptr ? 1 : 0;
  }
  if (!is_number(plan.cell)) {
    gather_bytes(plan, count, reinterpret_cast<CellBytes*>(out));
    return;
  }
  const bool is_native = kIsLittleHost ? op.load < Load::kBig16 : op.load >= Load::kBig16;
  const bool is_plain = is_native && op.load != Load::kLittleBits && op.load != Load::kBigBits &&
                        !op.is_reversed && !plan.can_be_absent && plan.cell != Cell::kBoolean &&
                        cell_bytes(plan.cell) * 8 == op.length_bits;
  if (is_plain || (op.load == Load::kByte && !op.is_reversed && !plan.can_be_absent &&
                   plan.cell != Cell::kBoolean)) {
    switch (op.length_bits) {
      case 8: return gather_plain<std::uint8_t>(bases, offset, count, out);
      case 16: return gather_plain<std::uint16_t>(bases, offset, count, out);
      case 32: return gather_plain<std::uint32_t>(bases, offset, count, out);
      default: return gather_plain<std::uint64_t>(bases, offset, count, out);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_there = !plan.can_be_absent || buffer->present[i] != 0;
    const std::uint64_t bits =
        is_there
            ? bits_of(plan.cell, op, load_bits(op.load, bases[i], plan.place.bit, op.length_bits))
            : 0;
    store(plan.cell, bits, i, out);
  }
}

void ColumnReader::gather_bytes(const ColumnPlan& plan, std::size_t count, CellBytes* cells) {
  const Op& op = stream_->trace().plan->ops()[plan.op];
  const Place& place = plan.place;
  const std::uint8_t* const* bases = bases_[place.anchor].data();
  const std::uint8_t* const* behind = place.behind == 0 ? nullptr : bases_[place.behind].data();
  const std::uint8_t* const* guards = plan.can_be_absent ? bases_[place.guard].data() : nullptr;
  const std::size_t offset = place.bit / kByte;
  const std::size_t fixed = op.code == OpCode::kScalars ? op.length * op.stride / kByte : op.length;
  for (std::size_t i = 0; i < count; ++i) {
    if (guards != nullptr && guards[i] == nullptr) {
      cells[i] = {};
      continue;
    }
    const std::uint8_t* from = bases[i] + offset;
    std::size_t size = behind == nullptr ? fixed : static_cast<std::size_t>(behind[i] - from);
    if (op.code == OpCode::kTerminatedText) {
      --size;
    } else if (op.code == OpCode::kText) {
      size = text_size(from, size);
    }
    cells[i] = {.data = reinterpret_cast<const char*>(from), .size = size};
  }
}

std::string_view ColumnReader::keep(std::string_view text) {
  return memory_->kept.emplace_back(text);
}

void ColumnReader::set_cell(const ColumnPlan& plan, const Value& value, std::size_t row,
                            Buffer* buffer) {
  auto* const out = reinterpret_cast<std::byte*>(buffer->cells.data());
  if (plan.cell == Cell::kFloat32 || plan.cell == Cell::kFloat64) {
    const std::uint64_t bits = plan.cell == Cell::kFloat64
                                   ? std::bit_cast<std::uint64_t>(value.real)
                                   : std::bit_cast<std::uint32_t>(static_cast<float>(value.real));
    return store(plan.cell, bits, row, out);
  }
  if (is_number(plan.cell)) return store(plan.cell, value.number, row, out);
  CellBytes& cell = reinterpret_cast<CellBytes*>(out)[row];
  std::string_view text = value.kind == ValueKind::kArray ? std::string_view() : value.text();
  if (value.kind == ValueKind::kArray) {
    // The elements again in the bytes that they had.
    std::string elements;
    const std::size_t bytes = cell_bytes(plan.element);
    elements.resize(value.size * bytes);
    for (std::uint32_t i = 0; i < value.size; ++i) {
      const Value& element = *(&value + 1 + i);
      Buffer one{.cells = {0}, .present = {}};
      set_cell({.cell = plan.element, .place = {}}, element, 0, &one);
      std::memcpy(elements.data() + i * bytes, one.cells.data(), bytes);
    }
    text = keep(elements);
  } else if (const Op& op = stream_->trace().plan->ops()[plan.op]; op.encoding != Encoding::kUtf8) {
    text = keep(text);
  }
  cell = {.data = text.data(), .size = text.size()};
}

void ColumnReader::set_constant(const ColumnPlan& plan, Buffer* buffer) {
  if (buffer->cells.size() < 2) buffer->cells.resize(2);
  std::fill_n(buffer->cells.data(), 2, 0);
  bool is_there = false;
  for (const Value& value : stream_->packet_context()) {
    if (value.field != plan.field) continue;
    set_cell(plan, value, 0, buffer);
    is_there = true;
    break;
  }
  if (plan.can_be_absent)
    std::fill(buffer->present.begin(), buffer->present.end(), is_there ? 1 : 0);
}

// Rows of which some can only be decoded.
void ColumnReader::decode_rows(Class* about, std::span<const std::uint32_t> rows) {
  for (std::size_t i = 0; i < about->columns.size(); ++i) {
    const ColumnPlan& plan = about->columns[i];
    if (plan.scope == Scope::kPacketContext) continue;
    std::memset(memory_->buffers[i].cells.data(), 0, rows.size() * cell_bytes(plan.cell));
    if (plan.can_be_absent) std::fill_n(memory_->buffers[i].present.data(), rows.size(), 0);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const EventView& event = rows_reader_.read(batch_.packet, batch_.rows[rows[i]]);
    for (const Values values : {event.common_context, event.specific_context, event.payload}) {
      for (const Value* value = values.data(); value != values.data() + values.size();) {
        const std::uint32_t place = value->field - about->first_field;
        const std::uint32_t column =
            value->field >= about->first_field && place < about->column_by_field.size()
                ? about->column_by_field[place]
                : kNone;
        if (column != kNone) {
          set_cell(about->columns[column], *value, i, &memory_->buffers[column]);
          if (about->columns[column].can_be_absent) memory_->buffers[column].present[i] = 1;
        }
        value += value->kind == ValueKind::kArray ? value->extent : 1;
      }
    }
  }
}

}  // namespace sillage::ctf
