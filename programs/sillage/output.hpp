// SPDX-License-Identifier: MIT
// Where a command prints: a file, a pipe, a terminal, or a pager in front of one.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace sillage::command {

/// Prints without a buffer of its own; text for a terminal is held back until it is more than the
/// screen shows, then all goes through the pager ($PAGER, or less).
///
/// Nobody reading any more is no error: write() says false, and that is all.
class Output {
 public:
  /// Standard output, or the file of that name, made or emptied.
  ///
  /// Errors: those of open(2).
  [[nodiscard]] static Result<Output> open(const std::string& file, bool may_page);
  Output(Output&& other) noexcept;
  Output& operator=(Output&&) = delete;
  /// Shows what was held back, and waits until the pager was left.
  ~Output();

  /// Prints; false once nobody reads any more, or the disk is full.
  bool write(std::string_view text);

  /// Prints a warning on standard error; where that is the same terminal, between the lines that
  /// were written before and after it.
  void warn(std::string_view text);

  /// Why nothing can be written; 0 without an error, and if only nobody reads any more.
  [[nodiscard]] int error_number() const;

 private:
  Output() = default;
  void write_out(std::string_view text);
  void start_pager();

  Fd file_;
  int fd_ = -1;  // file_, or standard output
  bool is_held_ = false;
  bool takes_warnings_ = false;
  std::size_t screen_rows_ = 0, screen_columns_ = 0;
  std::size_t held_rows_ = 0;
  std::string held_;
  pid_t pager_ = -1;
  int error_number_ = 0;
};

}  // namespace sillage::command
