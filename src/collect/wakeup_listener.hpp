// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "collect/bell.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

namespace sillage::collect {

/// Rings a bell when programs in the kernel post to a BPF ring buffer, whatever they post.
///
/// A thread of its own: what the collector sleeps on are words in memory, and the kernel offers no
/// sleep on words and descriptors at once.
///
/// Lifetime: the bell must outlive it. The destructor ends the thread.
class WakeupListener {
 public:
  /// `map` is a BPF_MAP_TYPE_RINGBUF that nobody else reads.
  ///
  /// Errors: those of bpf(2) and mmap.
  [[nodiscard]] static Result<std::unique_ptr<WakeupListener>> create(Fd map, Bell& bell);
  ~WakeupListener();
  WakeupListener(const WakeupListener&) = delete;
  WakeupListener& operator=(const WakeupListener&) = delete;

 private:
  WakeupListener(Fd map, Fd stop, Bell& bell)
      : map_(std::move(map)), stop_(std::move(stop)), bell_(bell) {}
  [[nodiscard]] Status map_memory(std::size_t ring_bytes);
  void run();
  bool consume();

  Fd map_, stop_;
  Bell& bell_;
  std::size_t page_bytes_ = 0, ring_bytes_ = 0;
  std::byte* consumer_ = nullptr;        // a page: the position we read at
  const std::byte* producer_ = nullptr;  // a page: the position written at; then the data, twice
  std::thread thread_;
};

}  // namespace sillage::collect
