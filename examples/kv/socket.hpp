// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <system_error>
#include <utility>

namespace kv {

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int value() const { return fd_; }

 private:
  int fd_;
};

/// The result of a system call, or std::system_error if it is negative.
int must(int result, const char* what);

/// Listens at `path`; an empty one gets an abstract name of the kernel's choice, which leaves no file behind.
Descriptor listen_at(const std::string& path);
/// A connection to whoever listens there.
Descriptor connect_to(int listener);

}  // namespace kv
