// SPDX-License-Identifier: MIT
#include "sillaged/text_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sillage::daemon {
namespace {

// One who writes without a pause must not keep the daemon from everything else.
constexpr int kReadsAtOnce = 64;

void hand_over(std::string_view line, const std::function<void(std::string_view)>& take) {
  // Strings of records end there, too.
  line = line.substr(0, line.find('\0'));
  for (std::size_t at = 0; at < line.size(); at += TextInput::kMaxBytes)
    take(line.substr(at, TextInput::kMaxBytes));
}

}  // namespace

std::string_view split_lines(std::string_view text,
                             const std::function<void(std::string_view)>& take) {
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    hand_over(text.substr(0, end), take);
    text.remove_prefix(end + 1);
  }
  return text;
}

Result<TextInput> TextInput::create(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("cannot remove " + path);
  if (::mkfifo(path.c_str(), 0622) != 0) return fail_errno("cannot make " + path);
  // For writing, too: it never comes to an end then, and nobody waits for a reader.
  Fd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail_errno("cannot open " + path);
  // The mask of mkfifo() is the process's.
  if (::fchmod(fd.value(), 0622) != 0) return fail_errno("cannot set the mode of " + path);
  return TextInput(path, std::move(fd));
}

TextInput::TextInput(TextInput&& other) noexcept
    : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

TextInput::~TextInput() {
  if (!path_.empty()) (void)::unlink(path_.c_str());
}

void TextInput::read_lines(const std::function<void(std::string_view)>& take) {
  std::string text;
  char bytes[16384];
  for (int i = 0; i < kReadsAtOnce; ++i) {
    const ssize_t count = ::read(fd_.value(), bytes, sizeof bytes);
    if (count <= 0) break;
    text.append(bytes, static_cast<std::size_t>(count));
    text.erase(0, text.size() - split_lines(text, take).size());
  }
  // Writes of up to PIPE_BUF are whole in the FIFO: what has no end of line by now was written without.
  hand_over(text, take);
}

}  // namespace sillage::daemon
