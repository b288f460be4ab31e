// SPDX-License-Identifier: MIT
#include "convert/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace sillage::convert {
namespace {
/// Smaller pieces are collected up to this many bytes.
constexpr std::size_t kBufferBytes = 256u << 10;
}  // namespace

Result<OutputFile> OutputFile::create(std::string path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd) return fail_errno(path);
  return OutputFile(std::move(fd), std::move(path));
}

void OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty() && error_number_ == 0) {
    const ssize_t count = ::write(fd_.value(), bytes.data(), bytes.size());
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      error_number_ = errno;
    }
  }
}

void OutputFile::append(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferBytes) {
    write(buffer_);
    buffer_.clear();
  }
  if (bytes.size() >= kBufferBytes) return write(bytes);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void OutputFile::append(std::string_view text) {
  append(std::as_bytes(std::span<const char>(text.data(), text.size())));
}

Status OutputFile::finish() {
  write(buffer_);
  buffer_.clear();
  if (error_number_ != 0) return fail_errno(path_, error_number_);
  return {};
}

}  // namespace sillage::convert
