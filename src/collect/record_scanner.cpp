// SPDX-License-Identifier: MIT
#include "collect/record_scanner.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sillage::collect {
namespace {

constexpr std::uint32_t kTimeBits = 32 - SILLAGE_RECORD_ID_BITS;
constexpr std::uint32_t kIdMask = (1u << SILLAGE_RECORD_ID_BITS) - 1;
constexpr std::uint64_t kEpochLast = (UINT64_C(1) << SILLAGE_RECORD_EPOCH_BITS) - 1;
// The compact time has one bit more than an epoch: the lowest of the epoch's number.
static_assert(kTimeBits == SILLAGE_RECORD_EPOCH_BITS + 1);
constexpr std::uint64_t kTimeMask = (UINT64_C(1) << kTimeBits) - 1;

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Compact times that may follow: from `low` to `top`, compared as they stand in the header.
struct Window {
  std::uint32_t low, top;
  bool open;
};

Window window_of(const StreamTime& time, std::uint64_t limit_ns) {
  const std::uint64_t first = time.epoch << SILLAGE_RECORD_EPOCH_BITS;
  const std::uint64_t last = std::min(first | kEpochLast, limit_ns);
  return {static_cast<std::uint32_t>(time.last_ns & kTimeMask),
          static_cast<std::uint32_t>(last & kTimeMask), last >= time.last_ns && last >= first};
}

}  // namespace

void RecordScanner::add(RecordShape shape) {
  const std::size_t id = shapes_.size();
  const auto fixed = shape.fixed_bytes();
  if (id < SILLAGE_RECORD_ID_EXTENDED && fixed)
    compact_bytes_[id] = SILLAGE_RECORD_COMPACT_BYTES + *fixed;
  shapes_.push_back(std::move(shape));
}

std::size_t RecordScanner::measure(std::uint32_t id, std::span<const std::byte> rest) const {
  if (id >= shapes_.size()) return RecordShape::kNoRecord;
  return shapes_[id].measure(rest);
}

Scan RecordScanner::scan(std::span<const std::byte> bytes, std::uint64_t limit_ns,
                         StreamTime& time) const {
  const std::byte* const data = bytes.data();
  const std::size_t size = bytes.size();
  std::size_t at = 0;
  std::uint32_t records = 0;
  Window window = window_of(time, limit_ns);
  // The size of the event seen last: where the same one comes again, a predicted branch takes the
  // place of a load that the next record's address would have to wait for (12 cycles a record
  // become 4).
  std::uint32_t known_id = SILLAGE_RECORD_ID_EXTENDED;
  std::uint64_t known_bytes = 0;

  while (at < size) {
    if (size - at < SILLAGE_RECORD_COMPACT_BYTES) break;
    const auto header = load<std::uint32_t>(data + at);
    const std::uint32_t id = header & kIdMask;
    if (id != SILLAGE_RECORD_ID_EXTENDED) {
      const std::uint32_t compact = header >> SILLAGE_RECORD_ID_BITS;
      if (compact < window.low || compact > window.top || !window.open) break;
      if (__builtin_expect(id != known_id, 0)) {
        known_id = id;
        known_bytes = compact_bytes_[id];
      }
      std::uint64_t whole = known_bytes;
      if (whole == 0) {
        const std::size_t rest = measure(id, bytes.subspan(at + SILLAGE_RECORD_COMPACT_BYTES));
        if (rest == RecordShape::kNoRecord) break;
        whole = SILLAGE_RECORD_COMPACT_BYTES + rest;
      }
      if (whole > size - at) break;
      window.low = compact;
      at += whole;
    } else {
      if (size - at < SILLAGE_RECORD_EXTENDED_BYTES) break;
      const auto full = load<std::uint64_t>(data + at + 5);
      const std::uint64_t last = (time.last_ns & ~kTimeMask) | window.low;
      if (full < last || full > limit_ns) break;
      const std::size_t rest = measure(load<std::uint32_t>(data + at + 1),
                                       bytes.subspan(at + SILLAGE_RECORD_EXTENDED_BYTES));
      if (rest == RecordShape::kNoRecord) break;
      time = StreamTime::at(full);
      window = window_of(time, limit_ns);
      at += SILLAGE_RECORD_EXTENDED_BYTES + rest;
    }
    ++records;
  }
  time.last_ns = (time.last_ns & ~kTimeMask) | window.low;
  return {at, records, at != size};
}

}  // namespace sillage::collect
