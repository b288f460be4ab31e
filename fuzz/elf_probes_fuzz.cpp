// SPDX-License-Identifier: MIT
// Programs whose functions and SDT probes somebody asks for, as damage or malice can make them.
#include "base/fd.hpp"
#include "kernel/elf_probes.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sillage;
  const Fd file(memfd_create("input", MFD_CLOEXEC));
  if (!file || write(file.value(), data, size) != static_cast<ssize_t>(size)) return 0;
  const auto probes = kernel::ElfProbes::load("/proc/self/fd/" + std::to_string(file.value()));
  if (!probes) return 0;
  for (const kernel::ElfFunction& function : probes->functions()) {
    // Unlike assert(), in every build: code is inside of the file.
    if (function.file_offset >= size || function.name.empty()) std::abort();
    if (!probes->file_offset(function.name) && function.name.find('+') == std::string::npos)
      std::abort();
  }
  for (const kernel::SdtProbe& probe : probes->sdt_probes()) {
    if (probe.file_offset >= size || probe.semaphore_file_offset >= size) std::abort();
    if (!probes->find_sdt(probe.provider, probe.name)) std::abort();
    static_cast<void>(kernel::parse_sdt_arguments(probe.argument_text, probes->machine()));
    static_cast<void>(kernel::parse_sdt_arguments(probe.argument_text, kernel::Machine::kArm64));
  }
  return 0;
}
