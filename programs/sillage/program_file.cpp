// SPDX-License-Identifier: MIT
#include "sillage/program_file.hpp"

#include "base/fd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace sillage::command {
namespace {

std::string find_in_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    std::string candidate = std::string(rest.substr(0, colon)) + "/" + program;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  return program;
}

}  // namespace

std::string explain_silence(const std::string& program) {
  const std::string path = find_in_path(program);
  Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (!file || fstat(file.value(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  if ((status.st_mode & S_ISUID) != 0) {
    return path +
           " is set-user-ID: such programs ignore the environment and register with root's daemon "
           "only.";
  }
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes < 4) return "";
  void* memory = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file.value(), 0);
  if (memory == MAP_FAILED) return "";
  const std::string_view text(static_cast<const char*>(memory), bytes);
  const bool is_elf = text.substr(0, 4) == "\177ELF";
  const bool is_linked = text.find("libsillage.so") != std::string_view::npos;
  const bool has_sites = text.find("sillage_sites") != std::string_view::npos;
  munmap(memory, bytes);
  if (!is_elf) return path + " is a script: the tracepoints must be in the programs that it runs.";
  if (has_sites && !is_linked)
    return path + " has tracepoints but is not linked with libsillage: link it with -lsillage.";
  if (!is_linked) {
    return path +
           " has no tracepoints of its own: include <sillage/tracepoint.h> in it and link it with "
           "-lsillage.";
  }
  return "";
}

}  // namespace sillage::command
