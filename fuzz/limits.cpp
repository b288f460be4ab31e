// SPDX-License-Identifier: MIT
#include "limits.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SILLAGE_FUZZ_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SILLAGE_FUZZ_SANITIZED
#endif

#ifdef SILLAGE_FUZZ_SANITIZED
// As sanitizer/allocator_interface.h declares them, which Debian's gcc does not have.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the compiler's names
extern "C" {
std::size_t __sanitizer_get_allocated_size(const volatile void* memory);
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                              void (*on_free)(const volatile void*));
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
#else
#include <malloc.h>

#include <new>
#endif

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

std::atomic<std::size_t> live_bytes, most_bytes;

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void add(std::size_t bytes) {
  const std::size_t now = live_bytes += bytes;
  std::size_t most = most_bytes;
  while (now > most && !most_bytes.compare_exchange_weak(most, now)) {
  }
}

#ifdef SILLAGE_FUZZ_SANITIZED
// The sanitizer's own allocator must stay: it tells of what asked for memory that it gives back another way.
constexpr double kSeconds = 4;

void on_malloc(const volatile void*, std::size_t size) { add(size); }
void on_free(const volatile void* memory) {
  if (memory != nullptr)
    live_bytes -= __sanitizer_get_allocated_size(const_cast<const void*>(memory));
}
const int kInstalled = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);

}  // namespace
#else
constexpr double kSeconds = 1;

void* counted(void* memory) {
  if (memory == nullptr) std::abort();
  add(malloc_usable_size(memory));
  return memory;
}

void release(void* memory) {
  if (memory != nullptr) live_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return counted(std::malloc(size)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(step, (size + step - 1) / step * step));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
#endif

namespace sillage::fuzzing {

void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

Limits::Limits(std::size_t input_bytes)
    : allowed_bytes_(live_bytes + 4 * input_bytes + (std::size_t{64} << 20)),
      begin_seconds_(thread_seconds()) {
  most_bytes = live_bytes.load();
}

Limits::~Limits() {
  expect(most_bytes <= allowed_bytes_, "memory is at most 4 times the input and 64 MiB");
  expect(thread_seconds() - begin_seconds_ <= kSeconds, "it takes at most a second");
}

}  // namespace sillage::fuzzing
