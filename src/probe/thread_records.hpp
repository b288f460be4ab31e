// SPDX-License-Identifier: MIT
// Memory of threads that outlives them, to be used again by others.
#pragma once

#include "probe/raw_syscall.hpp"

#include <pthread.h>

#include <cstddef>
#include <cstdint>

namespace sillage::probe {

/// A list of records, each of one thread, that only grows: whoever walks it needs no lock.
///
/// `Record` has a `std::uint32_t is_used`; new memory is zero.
/// Threads: all functions; take() is async-signal-safe but for the key: pthread_setspecific(3) allocates in programs that
///          made 32 keys before.
template <class Record>
class ThreadRecords {
 public:
  /// To be called once, before threads take records: records go back when their thread ends.
  void start(void (*on_thread_exit)(void*)) {
    has_key_ = pthread_key_create(&key_, on_thread_exit) == 0;
  }

  /// A record for the calling thread; nullptr if there is no memory.
  [[nodiscard]] Record* take() {
    for (Chunk* chunk = load(&chunks_); chunk != nullptr; chunk = chunk->next) {
      for (Record& record : chunk->records) {
        if (claim(&record)) return &record;
      }
    }
    auto* chunk = static_cast<Chunk*>(take_pages(sizeof(Chunk)));
    if (chunk == nullptr) return nullptr;
    chunk->records[0].is_used = 1;
    chunk->next = load(&chunks_);
    while (!__atomic_compare_exchange_n(&chunks_, &chunk->next, chunk, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
    return &chunk->records[0];
  }

  /// Has the record given back when the calling thread ends; `record` must be what it then finds as its own.
  void keep(Record* record) {
    if (has_key_) pthread_setspecific(key_, record);
  }

  void give_back(Record* record) { __atomic_store_n(&record->is_used, 0, __ATOMIC_RELEASE); }

  /// In a fork child: the records of all threads that are not there.
  template <class Reset>
  void give_back_all_but(const Record* own, Reset reset) {
    for_each([&](Record& record) {
      if (&record == own) return;
      reset(record);
      give_back(&record);
    });
  }

  template <class Visit>
  void for_each(Visit visit) {
    for (Chunk* chunk = load(&chunks_); chunk != nullptr; chunk = chunk->next) {
      for (Record& record : chunk->records) {
        if (__atomic_load_n(&record.is_used, __ATOMIC_ACQUIRE) != 0) visit(record);
      }
    }
  }

 private:
  static constexpr std::size_t kRecords = 16;
  struct Chunk {
    Record records[kRecords];
    Chunk* next;
  };

  static Chunk* load(Chunk** at) { return __atomic_load_n(at, __ATOMIC_ACQUIRE); }
  static bool claim(Record* record) {
    std::uint32_t free = 0;
    return __atomic_load_n(&record->is_used, __ATOMIC_RELAXED) == 0 &&
           __atomic_compare_exchange_n(&record->is_used, &free, 1, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
  }

  Chunk* chunks_ = nullptr;
  pthread_key_t key_ = 0;
  bool has_key_ = false;
};

}  // namespace sillage::probe
