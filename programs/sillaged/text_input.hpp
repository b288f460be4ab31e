// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace sillage::daemon {

/// A FIFO that everybody may write lines to: `echo TEXT > PATH`. Nobody waits there, but while it is full.
///
/// Lifetime: the file is there as long as this is.
class TextInput {
 public:
  /// LTTng's bound on a text; what is longer comes in several.
  static constexpr std::size_t kMaxBytes = 1024;

  /// What lies in its place is removed: who wrote while no daemon ran has made a file there.
  ///
  /// Errors: kPermission, kSystem  it cannot be made.
  [[nodiscard]] static Result<TextInput> create(const std::string& path);
  TextInput(TextInput&& other) noexcept;
  TextInput& operator=(TextInput&&) = delete;
  ~TextInput();

  /// Readable when there is text.
  [[nodiscard]] int fd() const { return fd_.value(); }
  /// Hands over all that was written until now, line by line, without empty ones. Text without an end of line
  /// counts as a line.
  void read_lines(const std::function<void(std::string_view)>& take);

 private:
  TextInput(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  Fd fd_;
};

/// Splits what was read into texts of at most TextInput::kMaxBytes, and hands over those that are complete.
/// Returns the rest: what stands behind the last end of line.
[[nodiscard]] std::string_view split_lines(std::string_view text,
                                           const std::function<void(std::string_view)>& take);

}  // namespace sillage::daemon
