// SPDX-License-Identifier: MIT
#pragma once

#include "abi/ring.h"
#include "ring/geometry.hpp"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace sillage::ring {

/// Writes one stream of a ring as abi/ring.h says: the single-threaded double of src/probe for
/// tests.
///
/// It trusts its caller: times must not go back.
class TestWriter {
 public:
  /// Without a header nobody is woken.
  TestWriter(const RingGeometry& geometry, std::byte* control, std::byte* data,
             sillage_ring_header* header = nullptr)
      : geometry_(geometry),
        stream_(reinterpret_cast<sillage_ring_stream*>(control)),
        entries_(reinterpret_cast<sillage_ring_entry*>(control + sizeof(sillage_ring_stream))),
        data_(data),
        header_(header) {}

  /// Records one event; false, and counted as lost, if there is no room.
  bool emit(std::uint32_t id, std::uint64_t time, std::span<const std::byte> payload = {}) {
    if (SILLAGE_RECORD_EXTENDED_BYTES + payload.size() + SILLAGE_RING_OVERCOPY >
        geometry_.subbuf_bytes)
      return lose(SILLAGE_LOST_TOO_BIG);
    bool compact = is_compact(id, time);
    std::uint64_t bytes = header_bytes(compact) + payload.size();
    if (offset() + bytes + SILLAGE_RING_OVERCOPY > geometry_.subbuf_bytes) {
      if (!switch_subbuf(time)) return lose(SILLAGE_LOST_FULL);
      compact = is_compact(id, time);
      bytes = header_bytes(compact) + payload.size();
    }
    std::byte* at = data_ + slot() * geometry_.subbuf_bytes + offset();
    if (compact) {
      const std::uint32_t header = id | static_cast<std::uint32_t>(time << SILLAGE_RECORD_ID_BITS);
      std::memcpy(at, &header, sizeof header);
    } else {
      const std::uint8_t mark = SILLAGE_RECORD_ID_EXTENDED;
      std::memcpy(at, &mark, 1);
      std::memcpy(at + 1, &id, sizeof id);
      std::memcpy(at + 5, &time, sizeof time);
    }
    if (!payload.empty()) std::memcpy(at + header_bytes(compact), payload.data(), payload.size());
    publish(((stream_->position + SILLAGE_RING_ONE_EVENT) & ~SILLAGE_RING_BYTES_MASK) |
            ((stream_->position + bytes) & SILLAGE_RING_BYTES_MASK));
    stream_->epoch = time >> SILLAGE_RECORD_EPOCH_BITS;
    return true;
  }

  /// Begins the next sub-buffer; false if discard mode has none free.
  bool switch_subbuf(std::uint64_t time) {
    const std::uint64_t size = geometry_.subbuf_bytes;
    const std::uint64_t next_start =
        (stream_->position / size + 1) * size & SILLAGE_RING_BYTES_MASK;
    const std::uint64_t consumed = __atomic_load_n(&stream_->consumed, __ATOMIC_ACQUIRE);
    if (!geometry_.overwrite &&
        ((next_start + size - consumed) & SILLAGE_RING_BYTES_MASK) > size * geometry_.subbuf_count)
      return false;
    const sillage_ring_entry& from = entries_[slot()];
    const std::uint64_t in_subbuf =
        ((stream_->position >> SILLAGE_RING_POSITION_BITS) - from.events) & 0xffffff;
    sillage_ring_entry to{};
    to.sequence = from.sequence + 1;
    to.begin_ns = time;
    to.events = from.events + in_subbuf;
    to.previous_end = stream_->position;
    for (const std::uint64_t lost : stream_->lost) to.lost += lost;
    entries_[to.sequence & (geometry_.subbuf_count - 1)] = to;
    publish((stream_->position & ~SILLAGE_RING_BYTES_MASK) | next_start);
    stream_->epoch = time >> SILLAGE_RECORD_EPOCH_BITS;
    wake_collector();
    return true;
  }

  [[nodiscard]] sillage_ring_stream& stream() { return *stream_; }
  [[nodiscard]] sillage_ring_entry& entry(std::uint64_t sequence) {
    return entries_[sequence & (geometry_.subbuf_count - 1)];
  }
  [[nodiscard]] std::uint64_t sequence() const { return entries_[slot()].sequence; }
  [[nodiscard]] std::byte* data() { return data_; }

 private:
  [[nodiscard]] std::uint64_t offset() const {
    return stream_->position & (geometry_.subbuf_bytes - 1);
  }
  [[nodiscard]] std::uint64_t slot() const {
    return (stream_->position & SILLAGE_RING_BYTES_MASK) / geometry_.subbuf_bytes &
           (geometry_.subbuf_count - 1);
  }
  [[nodiscard]] bool is_compact(std::uint32_t id, std::uint64_t time) const {
    return id < SILLAGE_RECORD_ID_EXTENDED && time >> SILLAGE_RECORD_EPOCH_BITS == stream_->epoch;
  }
  [[nodiscard]] static std::uint64_t header_bytes(bool compact) {
    return compact ? SILLAGE_RECORD_COMPACT_BYTES : SILLAGE_RECORD_EXTENDED_BYTES;
  }
  void publish(std::uint64_t position) {
    __atomic_store_n(&stream_->position, position, __ATOMIC_RELEASE);
  }
  void wake_collector() {
    if (header_ == nullptr || __atomic_exchange_n(&header_->armed, 0u, __ATOMIC_SEQ_CST) == 0)
      return;
    __atomic_fetch_add(&header_->doorbell, 1u, __ATOMIC_RELEASE);
    ::syscall(SYS_futex, &header_->doorbell, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
  }
  bool lose(sillage_lost_cause cause) {
    __atomic_fetch_add(&stream_->lost[cause], 1, __ATOMIC_RELAXED);
    return false;
  }

  RingGeometry geometry_;
  sillage_ring_stream* stream_;
  sillage_ring_entry* entries_;
  std::byte* data_;
  sillage_ring_header* header_;
};

/// A program's own mapping of a ring, as a second process would have it.
class TestMapping {
 public:
  TestMapping(int fd, const RingGeometry& geometry)
      : geometry_(geometry),
        memory_(static_cast<std::byte*>(
            ::mmap(nullptr, geometry.total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0))) {}
  ~TestMapping() { ::munmap(memory_, geometry_.total_bytes); }
  TestMapping(const TestMapping&) = delete;
  TestMapping& operator=(const TestMapping&) = delete;

  [[nodiscard]] sillage_ring_header& header() {
    return *reinterpret_cast<sillage_ring_header*>(memory_);
  }
  [[nodiscard]] TestWriter writer(std::uint32_t stream) {
    return TestWriter(geometry_,
                      memory_ + geometry_.streams_offset + stream * geometry_.stream_stride,
                      memory_ + geometry_.data_offset + stream * geometry_.data_stride, &header());
  }

 private:
  RingGeometry geometry_;
  std::byte* memory_;
};

}  // namespace sillage::ring
