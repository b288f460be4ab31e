// SPDX-License-Identifier: MIT
#include "sillage/ust_compat.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace sillage::command {

Result<std::string> ust_library_path() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail(Code::kSystem, "cannot find out where this command stands");
  // From bin, as installed and as built.
  const std::filesystem::path prefix = self.parent_path().parent_path();
  for (const char* libraries : {SILLAGE_LIBRARIES, "lib"}) {
    const std::filesystem::path directory = prefix / libraries / "sillage" / "ust";
    if (!std::filesystem::exists(directory / "liblttng-ust.so.1", error)) continue;
    const char* before = std::getenv("LD_LIBRARY_PATH");
    std::string path = directory.string();
    // Of programs of 32 bits, where they are installed; the loader takes what fits.
    const std::filesystem::path narrow = prefix / "lib32" / "sillage" / "ust";
    if (std::filesystem::exists(narrow, error)) path += ':' + narrow.string();
    if (before != nullptr && before[0] != 0) path += ':' + std::string(before);
    return path;
  }
  return fail(Code::kNotFound, "there is no liblttng-ust.so.1 in " +
                                   (prefix / SILLAGE_LIBRARIES / "sillage" / "ust").string() +
                                   ": install Sillage whole, or leave out --ust-compat");
}

}  // namespace sillage::command
