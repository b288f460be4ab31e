// SPDX-License-Identifier: MIT
// Events at all the awkward moments of a program's life. Prints nothing; run.py counts what the trace holds.
//
//   lifecycle PLUGIN ROUNDS
#include <sillage/tracepoint.h>

#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <new>

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): the C library's name
extern "C" void* __libc_malloc(std::size_t size);

namespace {

bool g_counts_malloc;  // so that run.py knows how many there must be

struct Early {
  Early() { SILLAGE_TRACEPOINT(life, static_constructor, INFO); }
  ~Early() { SILLAGE_TRACEPOINT(life, static_destructor, INFO); }
} g_early;

[[gnu::constructor(102)]] void first_constructor() {
  SILLAGE_TRACEPOINT(life, constructor_102, INFO);
}
[[gnu::destructor(102)]] void last_destructor() { SILLAGE_TRACEPOINT(life, destructor_102, INFO); }

void at_exit() { SILLAGE_TRACEPOINT(life, at_exit, INFO); }

void on_signal(int number) {
  SILLAGE_TRACEPOINT(life, in_signal_handler, INFO, sillage_field(number, number));
}

void on_fault(int number) {
  SILLAGE_TRACEPOINT(life, in_fault_handler, INFO, sillage_field(number, number));
  exit(0);
}

}  // namespace

// Interposes malloc of the whole process.
extern "C" void* malloc(std::size_t size) {
  if (g_counts_malloc) SILLAGE_TRACEPOINT(life, in_malloc, INFO, sillage_field(size, size));
  return __libc_malloc(size);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  int rounds = atoi(argv[2]);
  atexit(at_exit);
  signal(SIGUSR1, on_signal);
  for (int i = 0; i < rounds; i++) {
    void* plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) return 3;
    auto run = reinterpret_cast<void (*)(int)>(dlsym(plugin, "plugin_run"));
    run(i);
    SILLAGE_TRACEPOINT(shared, event, INFO, sillage_field(round, i));
    if (dlclose(plugin) != 0) return 4;
    if (dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) != nullptr)
      return 5;  // tracepoints must not keep it loaded
    raise(SIGUSR1);
  }
  g_counts_malloc = true;
  for (int i = 0; i < 10; i++) {
    void* volatile block = malloc(100 + static_cast<std::size_t>(i));
    free(block);
  }
  g_counts_malloc = false;
  if (vfork() == 0) {
    SILLAGE_TRACEPOINT(life, in_vfork_child, INFO);
    _exit(0);
  }
  signal(SIGSEGV, on_fault);
  *reinterpret_cast<volatile int*>(8) = 1;  // ends the program through on_fault and exit()
  return 6;
}
