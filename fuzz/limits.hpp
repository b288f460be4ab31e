// SPDX-License-Identifier: MIT
// What a hostile input may cost: checked by the fuzz targets of src/ctf, also when they replay their corpus.
#pragma once

#include <cstddef>

namespace sillage::fuzzing {

/// Ends the process with a message if the condition is false. Unlike assert(), in every build.
void expect(bool condition, const char* what);

/// Watches what happens while it lives. One at a time.
///
/// Memory: at most 4 times the input and 64 MiB more than there was (F28); memory maps of files are not counted.
/// Time:   at most 1 s of this thread's processor, 4 s with a sanitizer.
class Limits {
 public:
  explicit Limits(std::size_t input_bytes);
  ~Limits();
  Limits(const Limits&) = delete;
  Limits& operator=(const Limits&) = delete;

 private:
  std::size_t allowed_bytes_;
  double begin_seconds_;
};

}  // namespace sillage::fuzzing
