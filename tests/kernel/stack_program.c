/* SPDX-License-Identifier: MIT */
/* Makes a system call, getpriority(0, 0), out of functions that call each other, before and behind it touching as many new
 * pages as the first argument says; prints how often it changed places with the kernel for a page meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* No function of libc's, which may have no frame pointer. */
__attribute__((noinline)) long inner(void) {
  long result = SYS_getpriority;
#if defined(__x86_64__)
  __asm__ volatile("syscall" : "+a"(result) : "D"(0L), "S"(0L) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
  register long number __asm__("x8") = SYS_getpriority;
  register long first __asm__("x0") = 0;
  register long second __asm__("x1") = 0;
  __asm__ volatile("svc 0" : "+r"(first) : "r"(number), "r"(second) : "memory");
  result = first;
#endif
  return result;
}

__attribute__((noinline)) long middle(void) { return inner() + 1; }

__attribute__((noinline)) long outer(void) { return middle() + 1; }

static long faults(void) {
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

int main(int argc, char** argv) {
  const size_t bytes = 4096 * (argc > 1 ? strtoul(argv[1], NULL, 10) : 1);
  volatile char* pages =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || madvise((void*)pages, bytes, MADV_NOHUGEPAGE) != 0) return 1;
  long result = outer();
  const long before = faults();
  for (size_t i = 0; i < bytes; i += 4096) pages[i] = 1;
  const long during = faults() - before;
  result += outer();
  printf("%ld\n", during);
  return result == 0;
}
