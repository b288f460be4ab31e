// SPDX-License-Identifier: MIT
// Files of /proc as hostile processes can make them: their name, environment and the files they map are theirs to
// choose. The first byte says which file the rest is.
#include "apps/proc_files.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace sillage;

// Unlike assert(), in every build.
void expect(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 4) {
    case 0: {
      auto facts = apps::parse_process_facts(text);
      if (facts) expect(text.find("(" + facts->name + ")") != std::string::npos);
      break;
    }
    case 1: {
      auto pid = apps::parse_innermost_pid(text);
      expect(!pid || *pid > 0);
      break;
    }
    case 2: {
      auto value = apps::parse_environment(text, "SILLAGE_RUNTIME_DIR");
      expect(!value || value->find('\0') == std::string::npos);
      break;
    }
    default: (void)apps::parse_mapped_images(text); break;
  }
  return 0;
}
