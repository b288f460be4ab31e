// SPDX-License-Identifier: MIT
#pragma once

#include "probe/raw_syscall.hpp"

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

using probe::take_pages;

}  // namespace sillage::ust
