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

bool is_directory(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// The file that execvp(3) would run; an empty text if there is none.
std::string find_in_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  for (;;) {
    const std::size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    // An empty name is the current directory, by an old custom.
    std::string candidate = std::string(folder.empty() ? "." : folder) + "/" + program;
    if (access(candidate.c_str(), X_OK) == 0 && !is_directory(candidate)) return candidate;
    if (colon == std::string_view::npos) return "";
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace

Status check_program(const std::string& program) {
  const std::string path = program.empty() ? "" : find_in_path(program);
  if (path.empty()) {
    return fail(Code::kNotFound, "there is no program \"" + program +
                                     "\" in PATH: if it is elsewhere give its path");
  }
  if (is_directory(path)) return fail(Code::kPermission, "cannot run " + path + ": a directory");
  if (access(path.c_str(), X_OK) != 0) return fail_errno("cannot run " + path);
  return {};
}

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
  const bool is_lttng = text.find("liblttng-ust") != std::string_view::npos;
  const bool has_sites = text.find("sillage_sites") != std::string_view::npos;
  munmap(memory, bytes);
  if (!is_elf) return path + " is a script: the tracepoints must be in the programs that it runs.";
  if (has_sites && !is_linked)
    return path + " has tracepoints but is not linked with libsillage: link it with -lsillage.";
  if (!is_linked && is_lttng) return path + " is built for LTTng-UST: record it with --ust-compat.";
  if (!is_linked) {
    return path +
           " has no tracepoints of its own: include <sillage/tracepoint.h> in it and link it with "
           "-lsillage.";
  }
  return "";
}

}  // namespace sillage::command
