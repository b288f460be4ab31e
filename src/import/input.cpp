// SPDX-License-Identifier: MIT
#include "import/input.hpp"

#include "import/integer_bytes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sillage::import {
namespace {

constexpr std::size_t kWindowBytes = 16384;

}  // namespace

Result<Input> Input::open(std::string path) {
  Input input;
  // Not to wait for a peer if it is a pipe.
  input.fd_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!input.fd_) return fail_errno("cannot open " + path);
  struct stat status {};
  if (::fstat(input.fd_.value(), &status) != 0) return fail_errno("cannot look at " + path);
  if (S_ISDIR(status.st_mode))
    return fail(Code::kUnsupported,
                path + " is a directory, as perf record --threads makes them: import " + path +
                    "/data, or record without --threads");
  if (!S_ISREG(status.st_mode))
    return fail(Code::kUnsupported,
                path + " is not a regular file; write what comes from a pipe to one");
  input.size_ = static_cast<std::uint64_t>(status.st_size);
  input.name_ = std::move(path);
  return input;
}

Input Input::of_memory(std::span<const std::byte> bytes, std::string name) {
  Input input;
  input.memory_ = bytes;
  input.size_ = bytes.size();
  input.name_ = std::move(name);
  return input;
}

std::string Input::at(std::uint64_t offset) const { return name_ + "@" + std::to_string(offset); }

Status Input::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > size_ || size_ - offset < out.size())
    return fail(Code::kCorrupt,
                "the file ends " + std::to_string(out.size() - (size_ - std::min(size_, offset))) +
                    " bytes too early",
                at(offset));
  if (!fd_) {
    if (!out.empty()) std::memcpy(out.data(), memory_.data() + offset, out.size());
    return {};
  }
  for (std::size_t done = 0; done < out.size();) {
    const ssize_t got = ::pread(fd_.value(), out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read " + at(offset + done));
    if (got == 0) return fail(Code::kCorrupt, "the file became shorter", at(offset + done));
    done += static_cast<std::size_t>(got);
  }
  return {};
}

Result<std::vector<std::byte>> Input::bytes(std::uint64_t offset, std::uint64_t size) const {
  if (offset > size_ || size_ - offset < size)
    return fail(Code::kCorrupt, "the file ends before the " + std::to_string(size) + " bytes here",
                at(offset));
  std::vector<std::byte> bytes(size);
  SILLAGE_TRY(read(offset, bytes));
  return bytes;
}

InputCursor::InputCursor(const Input& input, std::uint64_t begin, std::uint64_t end)
    : input_(input), offset_(std::min(begin, input.size())), end_(std::min(end, input.size())) {
  if (end_ < offset_) end_ = offset_;
  if (begin > input.size()) refuse(Code::kCorrupt, "an offset leads behind the end of the file");
}

const std::byte* InputCursor::take(std::size_t count) {
  if (error_) return nullptr;
  if (left() < count) {
    refuse(Code::kCorrupt, "the file, or the part of it that is read here, ends too early");
    return nullptr;
  }
  const bool is_inside = offset_ >= window_begin_ && offset_ - window_begin_ <= window_.size() &&
                         window_.size() - (offset_ - window_begin_) >= count;
  if (!is_inside) {
    window_.resize(std::min<std::uint64_t>(left(), kWindowBytes));
    window_begin_ = offset_;
    if (auto got = input_.read(offset_, window_); !got) {
      error_ = std::make_unique<Error>(std::move(got).error());
      return nullptr;
    }
  }
  const std::byte* bytes = window_.data() + (offset_ - window_begin_);
  offset_ += count;
  return bytes;
}

std::uint64_t InputCursor::integer(std::size_t bytes) {
  const std::byte* at = take(bytes);
  return at == nullptr ? 0 : load_integer(at, bytes, order_);
}

std::string InputCursor::text(std::uint64_t count, std::uint64_t most) {
  if (count > most)
    refuse(Code::kLimit, "a text of " + std::to_string(count) + " bytes is too long");
  if (left() < count) refuse(Code::kCorrupt, "a text ends behind the end of the file");
  std::string text;
  if (error_) return text;
  text.resize(count);
  if (auto got = input_.read(offset_, std::as_writable_bytes(std::span(text))); !got) {
    error_ = std::make_unique<Error>(std::move(got).error());
    return {};
  }
  offset_ += count;
  return text;
}

std::string InputCursor::c_string(std::uint64_t most) {
  std::string text;
  while (text.size() <= most) {
    const std::byte* at = take(1);
    if (at == nullptr) return {};
    if (*at == std::byte{0}) return text;
    text += static_cast<char>(*at);
  }
  refuse(Code::kLimit, "a text does not end within " + std::to_string(most) + " bytes");
  return {};
}

void InputCursor::skip(std::uint64_t count) {
  if (left() < count) refuse(Code::kCorrupt, "a part of the file ends behind the file's end");
  if (!error_) offset_ += count;
}

Error InputCursor::error() const { return error_ ? *error_ : Error{}; }

void InputCursor::refuse(Code code, std::string message) {
  if (!error_)
    error_ = std::make_unique<Error>(Error{code, std::move(message), input_.at(offset_)});
}

Status InputCursor::status() const {
  if (error_) return tl::unexpected<Error>(*error_);
  return {};
}

}  // namespace sillage::import
