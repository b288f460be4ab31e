// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace sillage::command {

/// The program that a command runs: made at once, held before its first instruction, then let go.
class ChildProgram {
 public:
  /// Makes the process. It gets the signal mask of before the command blocked any.
  ///
  /// Errors: those of fork.
  [[nodiscard]] static Result<ChildProgram> prepare(
      std::vector<std::string> arguments,
      const std::vector<std::pair<std::string, std::string>>& environment);
  ChildProgram(ChildProgram&&) noexcept = default;
  ChildProgram& operator=(ChildProgram&&) = delete;
  /// One that was never let go ends without having run.
  ~ChildProgram();

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Lets the program run.
  ///
  /// Errors: kNotFound, kPermission ...  it cannot be executed; the process has ended.
  [[nodiscard]] Status run();

  /// The exit status as shells have it (128 + signal if killed), once SIGCHLD said so; -1 while it runs.
  [[nodiscard]] int poll_status();

  void send_signal(int number) const;

 private:
  ChildProgram(pid_t pid, std::string name, Fd go, Fd failure)
      : pid_(pid), name_(std::move(name)), go_(std::move(go)), failure_(std::move(failure)) {}

  pid_t pid_;
  std::string name_;
  Fd go_;       // written: the child goes on; closed: it ends
  Fd failure_;  // says the errno of a failed exec, or nothing
  int status_ = -1;
};

}  // namespace sillage::command
