// SPDX-License-Identifier: MIT
// The kernel's objects under names in a BPF file system: what is pinned there outlives the process that made it.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sillage::kernel {

/// One directory of pins. Names are letters, digits, '-' and '_': the file system refuses dots.
///
/// Threads: one at a time.
class PinDirectory {
 public:
  /// Makes a directory and those above it; where no BPF file system is mounted at /sys/fs/bpf, mounts one.
  ///
  /// Errors: kUnsupported  `path` is in no BPF file system, and none can be mounted;
  ///         kAlreadyExists  it is there; those of mkdir.
  [[nodiscard]] static Result<PinDirectory> create(const std::string& path);

  /// A directory that an earlier process made.
  ///
  /// Errors: kNotFound    it is not there;
  ///         kPermission  others than this user and root could have put something there.
  [[nodiscard]] static Result<PinDirectory> existing(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }

  /// Pins a map, program or link.
  [[nodiscard]] Status pin(int fd, const std::string& name) const;
  /// Opens what is pinned.
  ///
  /// Errors: kNotFound  nothing is pinned under this name.
  [[nodiscard]] Result<Fd> open(const std::string& name) const;
  /// Names that begin so, in the order of the alphabet; none if there is no directory.
  [[nodiscard]] std::vector<std::string> names(std::string_view prefix) const;
  /// Takes one pin away; nothing happens if there is none. What was pinned goes at some time later.
  void unpin(const std::string& name) const;
  /// Takes pins away whose names begin so. What was pinned goes with its last holder, which is not the pin any more.
  ///
  /// Cost: up to 30 ms, as Linux before 6.9 lets go of pins behind a grace period.
  void unpin_all(std::string_view prefix) const;
  /// Takes all pins away, the directory, and those above it that are empty.
  void remove() const;

  /// Takes away all directories of pins below `parent` but those named.
  static void remove_others(const std::string& parent, const std::vector<std::string>& kept);

 private:
  explicit PinDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace sillage::kernel
