// SPDX-License-Identifier: MIT
// System calls without libc's wrapper: no errno, no cancellation point, nothing interposable.
// Reached from slow paths only, which may run in a signal handler or inside an interposed malloc.
#pragma once

#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>

namespace sillage::probe {

#if defined(__x86_64__)

/// Returns the kernel's answer: >= 0, or a negative errno.
inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                        long f = 0) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

#elif defined(__i386__)

inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                        long f = 0) {
  // ebx and ebp cannot be operands in PIC code: they and the number go through an array.
  long registers[3] = {number, a, f};
  long result = reinterpret_cast<long>(registers);
  asm volatile(
      "pushl %%ebx\n\tpushl %%ebp\n\t"
      "movl 4(%%eax), %%ebx\n\tmovl 8(%%eax), %%ebp\n\tmovl (%%eax), %%eax\n\t"
      "int $0x80\n\tpopl %%ebp\n\tpopl %%ebx"
      : "+a"(result)
      : "c"(b), "d"(c), "S"(d), "D"(e)
      : "memory", "cc");
  return result;
}

#elif defined(__aarch64__)

inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                        long f = 0) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
}

#else
#error "sillage: no system call sequence for this architecture; add one to raw_syscall.hpp"
#endif

/// Casts a pointer for raw_syscall.
inline long address(const void* pointer) { return reinterpret_cast<long>(pointer); }

/// Maps memory or a file from its beginning; nullptr if the kernel does not.
inline void* map_memory(void* at, std::uint64_t bytes, int protection, int flags, int fd) {
#if defined(SYS_mmap2)
  constexpr long kMap = SYS_mmap2;  // SYS_mmap takes its arguments otherwise there
#else
  constexpr long kMap = SYS_mmap;
#endif
  const long memory =
      raw_syscall(kMap, address(at), static_cast<long>(bytes), protection, flags, fd, 0);
  return memory < 0 && memory > -4096 ? nullptr : reinterpret_cast<void*>(memory);
}

/// Zeroed pages of the process's own; nullptr if there are none.
inline void* take_pages(std::size_t bytes) {
  return map_memory(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

}  // namespace sillage::probe
