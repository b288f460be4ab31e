// SPDX-License-Identifier: MIT
#pragma once

#include "probe/raw_syscall.hpp"

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace sillage::ust {

inline long as_word(long value) { return value; }
inline long as_word(const void* pointer) { return reinterpret_cast<long>(pointer); }
inline long as_word(std::nullptr_t) { return 0; }

/// A system call without libc: no errno, no cancellation.
///
/// Returns: the kernel's answer, or a negative errno.
template <class... Words>
long kernel_call(long number, Words... words) {
  return probe::raw_syscall(number, as_word(words)...);
}

/// Zeroed pages of the process's own; nullptr if there are none.
inline void* take_pages(std::size_t bytes) {
#if defined(SYS_mmap2)
  constexpr long kMap = SYS_mmap2;  // SYS_mmap takes its arguments otherwise there
#else
  constexpr long kMap = SYS_mmap;
#endif
  const long memory = kernel_call(kMap, 0L, static_cast<long>(bytes), long{PROT_READ | PROT_WRITE},
                                  long{MAP_PRIVATE | MAP_ANONYMOUS}, -1L, 0L);
  return memory < 0 && memory > -4096 ? nullptr : reinterpret_cast<void*>(memory);
}

}  // namespace sillage::ust
