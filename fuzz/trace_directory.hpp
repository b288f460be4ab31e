// SPDX-License-Identifier: MIT
// Where the fuzz targets of whole traces put them.
#pragma once

#include "limits.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace sillage::fuzzing {

/// A folder for a trace and what is made of it. Removed at the end, unless the process is killed.
class TraceDirectory {
 public:
  TraceDirectory() {
    std::string pattern = std::filesystem::is_directory("/dev/shm")
                              ? "/dev/shm"
                              : std::filesystem::temp_directory_path().string();
    pattern += "/sillage-fuzz-XXXXXX";
    expect(mkdtemp(pattern.data()) != nullptr, "a folder can be made");
    path_ = pattern;
    std::filesystem::create_directory(path_ / "in");
  }
  ~TraceDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TraceDirectory(const TraceDirectory&) = delete;
  TraceDirectory& operator=(const TraceDirectory&) = delete;

  void write(const char* name, std::string_view bytes) const {
    std::ofstream file(path_ / "in" / name, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    expect(file.good(), "a file can be written");
  }
  [[nodiscard]] std::string in() const { return (path_ / "in").string(); }
  // A place for a result, with nothing there.
  [[nodiscard]] std::string fresh() const {
    std::filesystem::remove_all(path_ / "out");
    return (path_ / "out").string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace sillage::fuzzing
