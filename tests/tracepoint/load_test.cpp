// SPDX-License-Identifier: MIT
// Sites of loaded objects: before main(), in a library that comes and goes, in inline functions and templates of
// both, and in the destructors that run last.
//
//   load_test LIBRARY
#include "checks.h"
#include "library.hpp"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

namespace {

unsigned g_events_before_main;

// Sites are registered before any constructor of the program runs, so this one finds its own.
struct Early {
  Early() {
    double_open("early", "constructor");
    double_reset();
    SILLAGE_TRACEPOINT(early, constructor, INFO, sillage_field(value, 1));
    g_events_before_main = double_event_count;
  }
} g_early;

// Runs behind the destructors of static objects and everything given to atexit().
__attribute__((destructor)) void late() {
  double_reset();
  double_open("late", "destructor");
  SILLAGE_TRACEPOINT(late, destructor, INFO, sillage_field(value, 1));
  if (double_event_count != 1) {
    fprintf(stderr, "no event from a late destructor\n");
    _exit(EXIT_FAILURE);
  }
}

bool is_mapped(const char* name) {
  struct Search {
    const char* name;
    bool found;
  } search = {name, false};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto* wanted = static_cast<Search*>(data);
        wanted->found = wanted->found || strstr(info->dlpi_name, wanted->name) != nullptr;
        return 0;
      },
      &search);
  return search.found;
}

void load_run_and_unload(const char* path) {
  double_open("library", "loaded");
  double_reset();
  void* library = dlopen(path, RTLD_NOW);
  EXPECT(library != nullptr);
  if (library == nullptr) return;
  EXPECT(double_image_count == 2);
  EXPECT(double_event_count == 1);  // from its static constructor
  EXPECT_PAYLOAD("\1\0\0\0");

  auto run = reinterpret_cast<void (*)(int)>(dlsym(library, "library_run"));
  const struct {
    const char* event;
    unsigned sites, events;  // of the program and the library together; of one run of the library
  } cases[] = {{"in_inline", 2, 1}, {"in_lambda", 2, 1}, {"in_template", 3, 2}};
  for (const auto& expected : cases) {
    EXPECT(double_open("library", expected.event) == expected.sites);
    double_reset();
    run(5);
    EXPECT(double_event_count == expected.events);
  }
  double_open("library", "unloaded");
  double_reset();
  EXPECT(dlclose(library) == 0);
  EXPECT(double_event_count == 1);  // from its static destructor
  EXPECT(!is_mapped(path));
  EXPECT(double_image_count == 1);
  EXPECT(double_count("library", "in_inline") == 1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  EXPECT(g_events_before_main == 1);
  EXPECT(double_image_count == 1);
  in_inline_function(1);
  in_template(1);
  for (int i = 0; i < 3; i++) load_run_and_unload(argv[1]);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
