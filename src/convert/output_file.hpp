// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sillage::convert {

/// A new file that is written from its beginning to its end.
class OutputFile {
 public:
  /// Makes a file that must not exist.
  ///
  /// Errors: those of open, naming the file.
  [[nodiscard]] static Result<OutputFile> create(std::string path);

  /// Appends bytes. After a failure nothing more is written, and finish() says why.
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text);

  /// Bytes appended so far.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] bool has_failed() const { return error_number_ != 0; }

  /// Writes what is left.
  ///
  /// Errors: kNoSpace  disk or quota is full; others of write; naming the file.
  [[nodiscard]] Status finish();

 private:
  OutputFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  void write(std::span<const std::byte> bytes);

  Fd fd_;
  std::string path_;
  std::vector<std::byte> buffer_;
  std::uint64_t size_ = 0;
  int error_number_ = 0;
};

}  // namespace sillage::convert
