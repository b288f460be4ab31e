// SPDX-License-Identifier: MIT
#include "ring/bus_guard.hpp"

#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>

namespace sillage::ring {

// One of a list that only grows: ends of it are used again, so that the signal may walk it at any moment without a lock.
struct BusGuard::Range {
  std::atomic<std::uintptr_t> begin = 0, end = 0;  // 0: nobody's
  std::atomic<bool> is_hit = false;
  Range* next = nullptr;  // set before it is in the list
};

struct BusGuard::Watch {
  static inline std::atomic<Range*> first = nullptr;
  static inline std::mutex changing;  // held by who takes or frees a range, never by the signal
  static inline bool is_installed = false;
  static inline struct sigaction before {};

  static Range* find(std::uintptr_t address) {
    for (Range* range = first.load(std::memory_order_acquire); range != nullptr;
         range = range->next) {
      // Pairs with take(), which stores the beginning last: mappings never overlap, so a match is the one that is there.
      const std::uintptr_t begin = range->begin.load(std::memory_order_acquire);
      if (begin != 0 && begin <= address && address < range->end.load(std::memory_order_relaxed))
        return range;
    }
    return nullptr;
  }

  // On the thread that touched the memory. mmap is a system call and no more.
  static void handle(int number, siginfo_t* info, void* context) {
    const int error_number = errno;
    // Not where the memory itself is broken.
    Range* const range = info->si_code == BUS_ADRERR
                             ? find(reinterpret_cast<std::uintptr_t>(info->si_addr))
                             : nullptr;
    if (range != nullptr) {
      const std::uintptr_t begin = range->begin.load(std::memory_order_relaxed);
      void* const memory = reinterpret_cast<void*>(begin);
      if (::mmap(memory, range->end.load(std::memory_order_relaxed) - begin, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == memory) {
        range->is_hit.store(true, std::memory_order_release);
        errno = error_number;
        return;
      }
    }
    if ((before.sa_flags & SA_SIGINFO) != 0) {
      before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
      before.sa_handler(number);
    } else {
      // The touch comes again, and ends the process as it would have without us.
      ::signal(SIGBUS, SIG_DFL);
    }
    errno = error_number;
  }

  static Status install() {
    if (is_installed) return {};
    struct sigaction action {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (::sigaction(SIGBUS, &action, &before) != 0)
      return fail_errno("cannot watch memory of files");
    is_installed = true;
    return {};
  }

  static Range* take() {
    for (Range* range = first.load(std::memory_order_relaxed); range != nullptr;
         range = range->next)
      if (range->begin.load(std::memory_order_relaxed) == 0) return range;
    auto* made = new Range;
    made->next = first.load(std::memory_order_relaxed);
    first.store(made, std::memory_order_release);
    return made;
  }
};

Result<BusGuard> BusGuard::watch(const void* begin, std::size_t bytes) {
  const std::lock_guard lock(Watch::changing);
  SILLAGE_TRY(Watch::install());
  Range* const range = Watch::take();
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  range->is_hit.store(false, std::memory_order_relaxed);
  range->end.store(address + bytes, std::memory_order_relaxed);
  range->begin.store(address, std::memory_order_release);
  return BusGuard(range);
}

BusGuard& BusGuard::operator=(BusGuard&& other) noexcept {
  std::swap(range_, other.range_);
  return *this;
}

BusGuard::~BusGuard() {
  if (range_ == nullptr) return;
  const std::lock_guard lock(Watch::changing);
  range_->begin.store(0, std::memory_order_release);
}

bool BusGuard::is_hit() const {
  return range_ != nullptr && range_->is_hit.load(std::memory_order_acquire);
}

}  // namespace sillage::ring
