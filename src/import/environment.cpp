// SPDX-License-Identifier: MIT
#include "import/environment.hpp"

#include <array>
#include <charconv>
#include <cstdint>

namespace sillage::import {
namespace {

// The numbers at the beginning of "3.1.6 (not-a-git-repo)"; 0 where there is none.
std::array<std::int64_t, 3> version_numbers(std::string_view text) {
  std::array<std::int64_t, 3> numbers{};
  for (std::int64_t& number : numbers) {
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc()) break;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.starts_with('.')) break;
    text.remove_prefix(1);
  }
  return numbers;
}

}  // namespace

std::vector<ctf::EnvironmentEntry> kernel_environment(const Origin& origin) {
  std::vector<ctf::EnvironmentEntry> entries;
  const auto add = [&entries](const char* name, const std::string& value) {
    if (!value.empty()) entries.push_back({name, value});
  };
  const auto version = version_numbers(origin.tracer_version);
  add("hostname", origin.hostname);
  add("domain", "kernel");
  add("sysname", "Linux");
  add("kernel_release", origin.kernel_release);
  add("machine", origin.machine);
  add("tracer_name", origin.tracer_name);
  entries.push_back({"tracer_major", version[0]});
  entries.push_back({"tracer_minor", version[1]});
  entries.push_back({"tracer_patchlevel", version[2]});
  if (origin.word_bits != 0) entries.push_back({"architecture_bit_width", origin.word_bits});
  add("trace_buffering_scheme", "global");
  add("trace_name", origin.trace_name);
  add("imported_by", "sillage " + origin.importer_version);
  return entries;
}

}  // namespace sillage::import
