// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>

namespace sillage::collect {

/// A file that grows by whole pieces: what could not be written whole is taken back.
///
/// Threads: one at a time.
class AppendFile {
 public:
  /// Makes a file that must not exist; by default with LTTng's mode for trace files.
  ///
  /// Errors: those of open, naming the file.
  [[nodiscard]] static Result<AppendFile> create(int directory, const std::string& name,
                                                 mode_t mode = 0660);

  /// Opens a file that an earlier collector was writing, to go on behind `size` bytes of it: what is behind them goes.
  ///
  /// Errors: kNotFound  there is no such file; kCorrupt  it is shorter.
  [[nodiscard]] static Result<AppendFile> open(int directory, const std::string& name,
                                               std::uint64_t size);

  /// Appends the pieces as one. On failure the file is as it was before.
  ///
  /// Errors: kNoSpace  disk or quota is full; others of write, naming the file.
  [[nodiscard]] Status append(std::span<const iovec> pieces);

  [[nodiscard]] Status append(const std::string& text);
  /// Appends what this file has from `offset` on to another one.
  ///
  /// Errors: those of read, and of append().
  [[nodiscard]] Status copy_to(AppendFile& other, std::uint64_t offset = 0) const;

  /// Bytes appended so far.
  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Takes the file back to a size it had: for files that must agree with another one.
  void truncate_to(std::uint64_t size);

 private:
  AppendFile(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  Fd fd_;
  std::string name_;
  std::uint64_t size_ = 0;
};

}  // namespace sillage::collect
