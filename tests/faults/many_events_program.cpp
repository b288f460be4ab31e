// SPDX-License-Identifier: MIT
// A program with as many kinds of events as asked for, made at run time: what a very large program is to the daemon.
//
//   many_events_program KINDS [NAME_BYTES [SECONDS]]
//
// Registers KINDS events many:N (name padded with '_' to NAME_BYTES), waits until each is wanted, for SECONDS (120) at most, and
// emits each once with its number in the field `n`. Prints how many were emitted.
#include <sillage/site.h>
#include "abi/catalog.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

const uint64_t kClosed = 0;
const sillage_field kNumber = {"n", nullptr, nullptr, 0, 0, SILLAGE_KIND_INTEGER, 4, 0, 10, 0};

bool is_open(const sillage_site& site) {
  return __atomic_load_n(__atomic_load_n(&site.gate, __ATOMIC_ACQUIRE), __ATOMIC_RELAXED) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t kinds = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const std::size_t name_bytes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  const std::size_t seconds = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 120;
  std::vector<std::string> names(kinds);
  std::vector<sillage_event> events(kinds);
  std::vector<sillage_site> sites(kinds);
  std::vector<sillage_site*> pointers(kinds);
  for (std::size_t i = 0; i < kinds; i++) {
    names[i] = std::to_string(i);
    if (names[i].size() < name_bytes) names[i].resize(name_bytes, '_');
    events[i] = {
        "many", names[i].c_str(), __FILE__, nullptr, &kNumber, static_cast<uint32_t>(i), 1, 6, 0};
    sites[i] = {&kClosed, nullptr, &events[i], 0, 0};
    pointers[i] = &sites[i];
  }
  sillage_image image = {pointers.data(), pointers.data() + kinds, nullptr, &kClosed};
  sillage_image_register(&image);
  std::size_t emitted = 0;
  for (std::size_t waits = 0; emitted < kinds && waits < seconds * 1000;) {
    if (is_open(sites[emitted])) {
      sillage_emit_words(&sites[emitted], 4, emitted, 0, 0);
      emitted++;
    } else {
      waits++;
      usleep(1000);
    }
  }
  sillage_image_unregister(&image);
  std::printf("%zu\n", emitted);
}
