// SPDX-License-Identifier: MIT
// Files of trace-cmd, versions 6 and 7, as damage or malice can make them: all is read and converted, nothing written.
#include "import/import.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sillage;
  const auto input = import::Input::of_memory(std::as_bytes(std::span(data, size)), "input");
  import::ImportOptions options;
  std::uint64_t reported = 0;
  options.on_damage = [&reported](const Error&) { ++reported; };
  const auto summary = import::import_trace_dat(input, options);
  // Unlike assert(), in every build.
  if (summary && summary->damages != reported) std::abort();
  return 0;
}
