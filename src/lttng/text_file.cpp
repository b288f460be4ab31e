// SPDX-License-Identifier: MIT
#include "lttng/text_file.hpp"

#include "base/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

namespace sillage::lttng {
namespace {

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("cannot write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return fsync(fd) == 0 ? Status() : fail_errno("cannot write");
}

}  // namespace

Status write_file(const std::string& path, const std::string& text, bool replaces) {
  const std::string temporary = path + "." + std::to_string(getpid());
  const Fd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660));
  if (!file) return fail_errno("cannot make " + temporary);
  Status done = write_all(file.value(), text);
  if (done && replaces) {
    if (rename(temporary.c_str(), path.c_str()) == 0) return {};
    done = fail_errno("cannot write " + path);
  } else if (done && link(temporary.c_str(), path.c_str()) != 0) {
    done = errno == EEXIST
               ? Status(fail(Code::kAlreadyExists,
                             "Session file already exists: " + path + " (--force replaces it)"))
               : Status(fail_errno("cannot write " + path));
  }
  (void)unlink(temporary.c_str());
  return done;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) return fail(Code::kSystem, "cannot read " + path + ": is it there, and may you?");
  return text;
}

}  // namespace sillage::lttng
