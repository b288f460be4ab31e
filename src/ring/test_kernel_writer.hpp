// SPDX-License-Identifier: MIT
#pragma once

#include "abi/kernel_ring.h"
#include "ring/kernel_geometry.hpp"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <utility>

namespace sillage::ring {

/// Writes one stream of a kernel ring as abi/kernel_ring.h says: the double of the programs that
/// src/kernel emits, for tests.
///
/// Any number of writers may write a stream at once: interrupts and preemption are threads here,
/// which come in between at more places than they can.
class TestKernelWriter {
 public:
  using Clock = std::function<std::uint64_t()>;
  using Pause = std::function<void()>;

  /// `memory` is the element of the map. `pause` is called between all moves others can see.
  TestKernelWriter(
      const KernelRingGeometry& geometry, std::byte* memory, Clock clock = monotonic,
      Pause pause = [] {})
      : geometry_(geometry),
        stream_(reinterpret_cast<sillage_kernel_stream*>(memory)),
        data_(memory + geometry.data_offset),
        clock_(std::move(clock)),
        pause_(std::move(pause)) {}

  static std::uint64_t monotonic() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
  }

  /// Records one event; false, and counted as lost, if there is no room.
  bool emit(std::uint32_t id, std::span<const std::byte> payload = {}) {
    Reservation record;
    if (!reserve(id, payload.size(), record)) return false;
    pause_();
    write(id, record, payload);
    pause_();
    commit(record);
    return true;
  }

  /// A record between reserve() and commit().
  struct Reservation {
    std::uint64_t position = 0;  // bytes part counts
    std::uint64_t bytes = 0, time = 0;
    bool is_short = false;
  };
  bool reserve(std::uint32_t id, std::uint64_t payload_bytes, Reservation& record) {
    constexpr int kTries = 4;
    for (int tries = 0; tries < kTries; ++tries) {
      const std::uint64_t total = __atomic_load_n(&stream_->events_total, __ATOMIC_ACQUIRE);
      const std::uint64_t old = load(stream_->position);
      record.time = clock_();
      pause_();
      record.is_short =
          id < long_id() && record.time >> geometry_.epoch_bits() == load(stream_->epoch);
      record.bytes = header_bytes(record.is_short) + payload_bytes;
      record.position = old;
      if ((old & last()) + record.bytes <= last()) {
        if (exchange(old, old + SILLAGE_RING_ONE_EVENT + record.bytes)) return true;
        continue;
      }
      if (record.bytes > last()) return lose(SILLAGE_KERNEL_LOST_TOO_BIG);
      const std::uint64_t start = ((old | last()) + 1) & SILLAGE_RING_BYTES_MASK;
      const std::uint64_t committed = load(stream_->committed[slot(start)]);
      if (load(stream_->position) != old) continue;
      const std::uint64_t before =
          start / (geometry_.subbuf_bytes * geometry_.subbuf_count) * geometry_.subbuf_bytes;
      if (((committed - before) & (SILLAGE_RING_BYTES_MASK / geometry_.subbuf_count)) != 0)
        return lose(SILLAGE_KERNEL_LOST_BUSY);
      const std::uint64_t consumed = load(stream_->consumed);
      if (!geometry_.overwrite && ((start - consumed) & SILLAGE_RING_BYTES_MASK) >=
                                      geometry_.subbuf_bytes * geometry_.subbuf_count)
        return lose(SILLAGE_KERNEL_LOST_FULL);
      const std::uint64_t counted = (old & ~SILLAGE_RING_BYTES_MASK) + SILLAGE_RING_ONE_EVENT;
      if (!exchange(old, counted | (start + record.bytes))) continue;
      record.position = start;
      switch_subbuf(old, start, record.time, total);
      return true;
    }
    return lose(SILLAGE_KERNEL_LOST_BUSY);
  }

  void write(std::uint32_t id, const Reservation& record, std::span<const std::byte> payload) {
    std::byte bytes[SILLAGE_KERNEL_LARGE_EXTENDED_BYTES];
    const std::uint64_t header = header_bytes(record.is_short);
    if (geometry_.header == SILLAGE_KERNEL_HEADER_LARGE) {
      const auto mark = static_cast<std::uint16_t>(record.is_short ? id : long_id());
      std::memcpy(bytes, &mark, 2);
      if (record.is_short) {
        std::memcpy(bytes + 2, &record.time, 4);
      } else {
        std::memcpy(bytes + 2, &id, 4);
        std::memcpy(bytes + 6, &record.time, 8);
      }
    } else if (record.is_short) {
      const auto word = id | static_cast<std::uint32_t>(record.time << SILLAGE_RECORD_ID_BITS);
      std::memcpy(bytes, &word, 4);
    } else {
      bytes[0] = std::byte{SILLAGE_RECORD_ID_EXTENDED};
      std::memcpy(bytes + 1, &id, 4);
      std::memcpy(bytes + 5, &record.time, 8);
    }
    std::byte* at =
        data_ + (record.position & (geometry_.subbuf_bytes * geometry_.subbuf_count - 1));
    copy(at, std::span(bytes).first(header));
    copy(at + header, payload);
    if (!record.is_short) store(stream_->epoch, record.time >> geometry_.epoch_bits());
  }

  void commit(const Reservation& record) { commit(record.position, record.bytes); }

  [[nodiscard]] sillage_kernel_stream& stream() { return *stream_; }

 private:
  static std::uint64_t load(const std::uint64_t& word) {
    return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
  }
  static void store(std::uint64_t& word, std::uint64_t value) {
    __atomic_store_n(&word, value, __ATOMIC_RELAXED);
  }
  // Byte by byte and atomic: a reader in overwrite mode may be looking.
  static void copy(std::byte* to, std::span<const std::byte> from) {
    for (std::size_t i = 0; i < from.size(); ++i)
      __atomic_store_n(reinterpret_cast<std::uint8_t*>(to + i), static_cast<std::uint8_t>(from[i]),
                       __ATOMIC_RELAXED);
  }

  [[nodiscard]] std::uint64_t last() const { return geometry_.subbuf_bytes - 1; }
  [[nodiscard]] std::uint64_t slot(std::uint64_t position) const {
    return (position & SILLAGE_RING_BYTES_MASK) / geometry_.subbuf_bytes &
           (geometry_.subbuf_count - 1);
  }
  [[nodiscard]] std::uint32_t long_id() const {
    return geometry_.header == SILLAGE_KERNEL_HEADER_LARGE ? SILLAGE_KERNEL_LARGE_ID_EXTENDED
                                                           : SILLAGE_RECORD_ID_EXTENDED;
  }
  [[nodiscard]] std::uint64_t header_bytes(bool is_short) const {
    if (geometry_.header == SILLAGE_KERNEL_HEADER_LARGE)
      return is_short ? SILLAGE_KERNEL_LARGE_BYTES : SILLAGE_KERNEL_LARGE_EXTENDED_BYTES;
    return is_short ? SILLAGE_RECORD_COMPACT_BYTES : SILLAGE_RECORD_EXTENDED_BYTES;
  }
  bool exchange(std::uint64_t from, std::uint64_t to) {
    return __atomic_compare_exchange_n(&stream_->position, &from, to, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
  }
  void commit(std::uint64_t position, std::uint64_t bytes) {
    __atomic_fetch_add(&stream_->committed[slot(position)], bytes, __ATOMIC_ACQ_REL);
  }
  bool lose(sillage_kernel_lost cause) {
    __atomic_fetch_add(&stream_->lost[cause], 1, __ATOMIC_RELAXED);
    return false;
  }
  void switch_subbuf(std::uint64_t old, std::uint64_t start, std::uint64_t time,
                     std::uint64_t total) {
    pause_();
    sillage_kernel_entry& ended = stream_->entries[slot(old)];
    store(ended.end_position, old);
    store(ended.end_ns, time);
    std::uint64_t lost = 0;
    for (const std::uint64_t& counter : stream_->lost) lost += load(counter);
    store(ended.lost, lost);
    pause_();
    commit(old, geometry_.subbuf_bytes - (old & last()));
    pause_();
    sillage_kernel_entry& begun = stream_->entries[slot(start)];
    store(begun.begin_ns, time);
    const std::uint64_t events = total + (((old >> SILLAGE_RING_POSITION_BITS) - total) & 0xffffff);
    store(begun.events, events);
    __atomic_compare_exchange_n(&stream_->events_total, &total, events, false, __ATOMIC_RELEASE,
                                __ATOMIC_RELAXED);
    store(stream_->epoch, time >> geometry_.epoch_bits());
    pause_();
    __atomic_store_n(&begun.sequence, start / geometry_.subbuf_bytes, __ATOMIC_RELEASE);
  }

  KernelRingGeometry geometry_;
  sillage_kernel_stream* stream_;
  std::byte* data_;
  Clock clock_;
  Pause pause_;
};

/// Memory like that of a BPF map, without BPF: returns a descriptor.
inline int make_test_map(const KernelRingGeometry& geometry) {
  const int fd = ::memfd_create("kernel-ring", MFD_CLOEXEC);
  if (fd >= 0 && ::ftruncate(fd, static_cast<off_t>(geometry.total_bytes())) != 0) {
    ::close(fd);
    return -1;
  }
  return fd;
}

}  // namespace sillage::ring
