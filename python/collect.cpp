// SPDX-License-Identifier: MIT
#include "collect.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <future>
#include <optional>
#include <utility>

namespace sillage::python {
namespace {

using trace::CellType;

bool is_integer(CellType type) { return type <= CellType::kSigned64; }
bool is_signed(CellType type) { return type >= CellType::kSigned8 && type <= CellType::kSigned64; }

// The smallest type that holds the values of both.
std::optional<CellType> common_type(CellType a, CellType b) {
  if (a == b) return a;
  if (is_integer(a) && is_integer(b)) {
    if (is_signed(a) == is_signed(b)) return std::max(a, b);
    const CellType of_unsigned = is_signed(a) ? b : a, of_signed = is_signed(a) ? a : b;
    if (of_unsigned == CellType::kUnsigned64) return std::nullopt;
    const auto wider = static_cast<CellType>(static_cast<int>(of_unsigned) + 5);
    return std::max(wider, of_signed);
  }
  const auto is_float = [](CellType type) {
    return type == CellType::kFloat32 || type == CellType::kFloat64;
  };
  if (is_float(a) && is_float(b)) return CellType::kFloat64;
  return std::nullopt;
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

// Integers as 64 bits of their own sign, floats as those of a double.
std::uint64_t widen(CellType type, const std::byte* cell) {
  switch (type) {
    case CellType::kUnsigned16: return load<std::uint16_t>(cell);
    case CellType::kUnsigned32: return load<std::uint32_t>(cell);
    case CellType::kSigned8: return static_cast<std::uint64_t>(load<std::int8_t>(cell));
    case CellType::kSigned16: return static_cast<std::uint64_t>(load<std::int16_t>(cell));
    case CellType::kSigned32: return static_cast<std::uint64_t>(load<std::int32_t>(cell));
    case CellType::kFloat32: return std::bit_cast<std::uint64_t>(double{load<float>(cell)});
    case CellType::kUnsigned64:
    case CellType::kSigned64:
    case CellType::kFloat64: return load<std::uint64_t>(cell);
    default: return load<std::uint8_t>(cell);
  }
}

void append_wider(CellType from, const trace::Column& column, std::size_t count, std::size_t bytes,
                  std::vector<std::byte>* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t wide =
        widen(from, column.data + static_cast<std::ptrdiff_t>(i) * column.stride);
    const auto* first = reinterpret_cast<const std::byte*>(&wide);
    if constexpr (std::endian::native == std::endian::big) first += 8 - bytes;
    out->insert(out->end(), first, first + bytes);
  }
}

void append_bytes(const trace::Column& column, std::size_t count, CollectedColumn* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto cell =
        load<trace::Bytes>(column.data + static_cast<std::ptrdiff_t>(i) * column.stride);
    const auto* first = reinterpret_cast<const std::byte*>(cell.data);
    out->bytes.insert(out->bytes.end(), first, first + cell.size);
    out->offsets.push_back(static_cast<std::int64_t>(out->bytes.size()));
  }
}

void append_nothing(const ColumnRequest& request, std::size_t count, CollectedColumn* out) {
  const std::size_t bytes = cell_bytes(request.type);
  if (bytes == 0) {
    out->offsets.insert(out->offsets.end(), count, static_cast<std::int64_t>(out->bytes.size()));
  } else {
    out->bytes.resize(out->bytes.size() + count * bytes);
  }
}

// `present` is there as soon as one cell is not.
void append_present(const std::uint8_t* present, bool is_there, std::size_t before,
                    std::size_t count, std::vector<std::uint8_t>* out) {
  if (present == nullptr && is_there && out->empty()) return;
  out->resize(before, 1);
  if (present != nullptr) {
    out->insert(out->end(), present, present + count);
  } else {
    out->insert(out->end(), count, is_there ? 1 : 0);
  }
}

// Cells of `count` events behind those of `before` ones.
void append(const ColumnRequest& request, const trace::Column* column, std::size_t before,
            std::size_t count, CollectedColumn* out) {
  append_present(column == nullptr ? nullptr : column->present, column != nullptr, before, count,
                 &out->present);
  const std::size_t bytes = cell_bytes(request.type);
  if (column == nullptr) {
    append_nothing(request, count, out);
  } else if (bytes == 0) {
    append_bytes(*column, count, out);
  } else if (column->info->type == request.type &&
             column->stride == static_cast<std::ptrdiff_t>(bytes)) {
    out->bytes.insert(out->bytes.end(), column->data, column->data + count * bytes);
  } else {
    append_wider(column->info->type, *column, count, bytes, &out->bytes);
  }
}

// Which event comes where, so that times do not go back; empty if they do not. The events stand in
// runs, one or a few for each stream, that are merged two by two.
std::vector<std::size_t> order_of(const std::vector<std::int64_t>& times) {
  using Timed = std::pair<std::int64_t, std::size_t>;
  std::vector<std::size_t> starts = {0};
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (times[i] < times[i - 1]) starts.push_back(i);
  }
  if (starts.size() == 1) return {};
  starts.push_back(times.size());
  std::vector<Timed> from(times.size()), into(times.size());
  for (std::size_t i = 0; i < times.size(); ++i) from[i] = {times[i], i};
  // Equal times keep their order: the index decides.
  while (starts.size() > 2) {
    std::vector<std::size_t> longer = {0};
    for (std::size_t run = 0; run + 1 < starts.size(); run += 2) {
      const std::size_t middle = starts[run + 1],
                        end = starts[std::min(run + 2, starts.size() - 1)];
      const auto at = [&](std::size_t index) {
        return from.begin() + static_cast<std::ptrdiff_t>(index);
      };
      std::merge(at(starts[run]), at(middle), at(middle), at(end),
                 into.begin() + static_cast<std::ptrdiff_t>(starts[run]));
      longer.push_back(end);
    }
    from.swap(into);
    starts = std::move(longer);
  }
  std::vector<std::size_t> order(times.size());
  std::transform(from.begin(), from.end(), order.begin(),
                 [](const Timed& each) { return each.second; });
  return order;
}

template <class T>
void permute(std::span<const std::size_t> order, std::vector<T>* values) {
  if (values->empty()) return;
  std::vector<T> moved(values->size());
  for (std::size_t i = 0; i < order.size(); ++i) moved[i] = (*values)[order[i]];
  *values = std::move(moved);
}

template <std::size_t kBytes>
void permute_cells(std::span<const std::size_t> order, std::vector<std::byte>* cells) {
  std::vector<std::byte> moved(cells->size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::memcpy(moved.data() + i * kBytes, cells->data() + order[i] * kBytes, kBytes);
  }
  *cells = std::move(moved);
}

void permute_bytes(std::span<const std::size_t> order, CollectedColumn* column) {
  std::vector<std::byte> moved;
  moved.reserve(column->bytes.size());
  std::vector<std::int64_t> offsets = {0};
  offsets.reserve(column->offsets.size());
  for (const std::size_t i : order) {
    const auto first = column->bytes.begin() + column->offsets[i];
    moved.insert(moved.end(), first, column->bytes.begin() + column->offsets[i + 1]);
    offsets.push_back(static_cast<std::int64_t>(moved.size()));
  }
  column->bytes = std::move(moved);
  column->offsets = std::move(offsets);
}

void put_in_order(std::span<const ColumnRequest> requests, Collected* all) {
  const std::vector<std::size_t> order = order_of(all->times_ns);
  if (order.empty()) return;
  permute(order, &all->times_ns);
  permute(order, &all->cycles);
  permute(order, &all->streams);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CollectedColumn& column = all->columns[i];
    permute(order, &column.present);
    switch (cell_bytes(requests[i].type)) {
      case 0: permute_bytes(order, &column); break;
      case 1: permute_cells<1>(order, &column.bytes); break;
      case 2: permute_cells<2>(order, &column.bytes); break;
      case 4: permute_cells<4>(order, &column.bytes); break;
      default: permute_cells<8>(order, &column.bytes); break;
    }
  }
}

Collected collect_part(trace::Reader* reader, std::span<const std::size_t> classes,
                       std::span<const ColumnRequest> requests, bool is_sorted) {
  Collected all;
  all.columns.resize(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (cell_bytes(requests[i].type) == 0) all.columns[i].offsets.push_back(0);
  }
  reader->select(classes);
  while (const trace::Batch* batch = reader->next_batch()) {
    const std::size_t before = all.times_ns.size(), count = batch->size;
    all.times_ns.insert(all.times_ns.end(), batch->times_ns, batch->times_ns + count);
    all.cycles.insert(all.cycles.end(), batch->cycles, batch->cycles + count);
    all.streams.insert(all.streams.end(), count, static_cast<std::uint32_t>(batch->stream->index));
    const auto which = static_cast<std::size_t>(
        std::find(classes.begin(), classes.end(), batch->event_class->index) - classes.begin());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const std::size_t place = requests[i].places[which];
      append(requests[i], place == trace::EventClass::kNotFound ? nullptr : &batch->columns[place],
             before, count, &all.columns[i]);
    }
  }
  if (is_sorted) put_in_order(requests, &all);
  return all;
}

template <class T>
void append_all(const std::vector<T>& from, std::vector<T>* to) {
  to->insert(to->end(), from.begin(), from.end());
}

void append_part(const Collected& part, Collected* all) {
  const std::size_t before = all->times_ns.size(), count = part.times_ns.size();
  append_all(part.times_ns, &all->times_ns);
  append_all(part.cycles, &all->cycles);
  append_all(part.streams, &all->streams);
  for (std::size_t i = 0; i < part.columns.size(); ++i) {
    const CollectedColumn& from = part.columns[i];
    CollectedColumn& to = all->columns[i];
    const auto shift = static_cast<std::int64_t>(to.bytes.size());
    for (std::size_t k = 1; k < from.offsets.size(); ++k) {
      to.offsets.push_back(from.offsets[k] + shift);
    }
    append_all(from.bytes, &to.bytes);
    append_present(from.present.empty() ? nullptr : from.present.data(), true, before, count,
                   &to.present);
  }
}

}  // namespace

std::size_t cell_bytes(CellType type) {
  switch (type) {
    case CellType::kUnsigned8:
    case CellType::kSigned8:
    case CellType::kBoolean: return 1;
    case CellType::kUnsigned16:
    case CellType::kSigned16: return 2;
    case CellType::kUnsigned32:
    case CellType::kSigned32:
    case CellType::kFloat32: return 4;
    case CellType::kUnsigned64:
    case CellType::kSigned64:
    case CellType::kFloat64: return 8;
    default: return 0;
  }
}

trace::Result<ColumnRequest> request_column(std::span<const trace::EventClass* const> classes,
                                            const std::string& path) {
  ColumnRequest request;
  const trace::ColumnInfo* first = nullptr;
  for (const trace::EventClass* each : classes) {
    const std::size_t place = each->find_column(path);
    request.places.push_back(place);
    if (place == trace::EventClass::kNotFound) continue;
    const trace::ColumnInfo& column = each->columns[place];
    if (first == nullptr) {
      first = &column;
      request.path = path;
      request.type = column.type;
      request.element = column.element;
    }
    const auto common = common_type(request.type, column.type);
    if (!common || request.element != column.element) {
      return trace::Error{.kind = trace::Error::Kind::kInvalidArgument,
                          .message = "field '" + path +
                                     "' has several types: give one of the "
                                     "event classes instead of their name"};
    }
    request.type = *common;
  }
  if (first == nullptr) {
    return trace::Error{.kind = trace::Error::Kind::kNotFound,
                        .message = "no field '" + path + "' that has a column"};
  }
  return request;
}

Collected collect(std::span<const std::shared_ptr<trace::Reader>> readers,
                  std::span<const std::size_t> classes, std::span<const ColumnRequest> requests,
                  bool is_sorted) {
  std::vector<std::future<Collected>> others;
  for (const auto& reader : readers.subspan(1)) {
    others.push_back(std::async(std::launch::async, [=, reader = reader.get()] {
      return collect_part(reader, classes, requests, is_sorted);
    }));
  }
  Collected all = collect_part(readers.front().get(), classes, requests, is_sorted);
  for (std::future<Collected>& other : others) append_part(other.get(), &all);
  return all;
}

}  // namespace sillage::python
