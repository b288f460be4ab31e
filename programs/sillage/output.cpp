// SPDX-License-Identifier: MIT
#include "sillage/output.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

extern char** environ;

namespace sillage::command {
namespace {

// What the reader of a pipe may be behind: fewer switches between the two. The kernel's limit for
// users; with less it stays as it is.
constexpr int kPipeBytes = 1 << 20;

pid_t spawn_pager(int input) {
  const char* typed = std::getenv("PAGER");
  const std::string pager = typed == nullptr ? "less" : typed;
  if (pager.empty() || pager == "cat") return -1;
  // Colours as they are, leave at the end of what fits, do not clear the screen: as git does it.
  setenv("LESS", "FRX", 0);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGINT);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::string shell = "sh", option = "-c", command = pager;
  // Without a shell it is known at once whether there is such a program.
  char* by_shell[] = {shell.data(), option.data(), command.data(), nullptr};
  char* directly[] = {command.data(), nullptr};
  char** arguments = typed == nullptr ? directly : by_shell;
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -1;
}

}  // namespace

Result<Output> Output::open(const std::string& file, bool may_page) {
  Output output;
  if (!file.empty()) {
    output.file_.reset(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!output.file_) return fail_errno(file);
    output.fd_ = output.file_.value();
    return output;
  }
  output.fd_ = STDOUT_FILENO;
  winsize window{};
  if (may_page && isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 &&
      window.ws_row > 1 && window.ws_col > 0) {
    output.is_held_ = true;
    output.takes_warnings_ = isatty(STDERR_FILENO) == 1;
    output.screen_rows_ = window.ws_row - 1u;  // the shell's prompt takes one
    output.screen_columns_ = window.ws_col;
  }
  struct stat status {};
  if (fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode)) {
    fcntl(STDOUT_FILENO, F_SETPIPE_SZ, kPipeBytes);
  }
  return output;
}

Output::Output(Output&& other) noexcept
    : file_(std::move(other.file_)),
      fd_(std::exchange(other.fd_, -1)),
      is_held_(std::exchange(other.is_held_, false)),
      takes_warnings_(other.takes_warnings_),
      screen_rows_(other.screen_rows_),
      screen_columns_(other.screen_columns_),
      held_rows_(other.held_rows_),
      held_(std::move(other.held_)),
      pager_(std::exchange(other.pager_, -1)),
      error_number_(other.error_number_) {}

Output::~Output() {
  if (is_held_) write_out(held_);
  if (pager_ == -1) return;
  file_.reset();
  while (waitpid(pager_, nullptr, 0) == -1 && errno == EINTR) {
  }
}

void Output::write_out(std::string_view text) {
  while (!text.empty() && error_number_ == 0) {
    const ssize_t count = ::write(fd_, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      error_number_ = errno;
    }
  }
}

void Output::start_pager() {
  is_held_ = false;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  Fd read_end(ends[0]), write_end(ends[1]);
  pager_ = spawn_pager(read_end.value());
  if (pager_ == -1) return;
  // ^C is for the pager: it ends when it is left.
  signal(SIGINT, SIG_IGN);
  file_ = std::move(write_end);
  fd_ = file_.value();
}

bool Output::write(std::string_view text) {
  if (is_held_) {
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t end = std::min(text.find('\n', from), text.size());
      held_rows_ += std::max<std::size_t>(1, (end - from + screen_columns_ - 1) / screen_columns_);
      from = end + 1;
    }
    held_ += text;
    if (held_rows_ <= screen_rows_) return true;
    start_pager();
    write_out(held_);
    held_.clear();
    return error_number_ == 0;
  }
  write_out(text);
  return error_number_ == 0;
}

void Output::warn(std::string_view text) {
  if (takes_warnings_ && (is_held_ || pager_ != -1)) {
    write(text);
    return;
  }
  while (!text.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) return;
  }
}

int Output::error_number() const { return error_number_ == EPIPE ? 0 : error_number_; }

}  // namespace sillage::command
