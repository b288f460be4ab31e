// SPDX-License-Identifier: MIT
// Files in memory that other processes may change meanwhile.
#pragma once

#include "base/result.hpp"

#include <atomic>
#include <cstddef>
#include <span>
#include <utility>

namespace sillage::ctf {

/// The first bytes of a file in memory, read-only, readable whatever becomes of the file.
///
/// Who touches a page that the file does not have any more, or that the disk cannot give, gets
/// SIGBUS. The first mapping installs a handler that puts zeroes in the place of such a page, says so
/// in is_broken(), and lets the access go on; every other SIGBUS goes to the handler that was there
/// before. A program that installs its own handler later takes this protection away.
/// Threads:  any.
/// Cost:     nothing while the file stays as it is.
class GuardedMapping {
 public:
  GuardedMapping() = default;
  /// Maps `byte_count` bytes of an open file, which may be closed afterwards.
  ///
  /// Errors: those of mmap and sigaction.
  [[nodiscard]] static Result<GuardedMapping> map(int fd, std::size_t byte_count);
  GuardedMapping(GuardedMapping&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})), guard_(std::exchange(other.guard_, nullptr)) {}
  GuardedMapping& operator=(GuardedMapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(guard_, other.guard_);
    return *this;
  }
  ~GuardedMapping();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  /// Some of the bytes that were read were not the file's, but zeroes. Stays so.
  [[nodiscard]] bool is_broken() const {
    return guard_ != nullptr && guard_->is_broken.load(std::memory_order_acquire);
  }

  /// What the signal handler knows of a mapping.
  struct Guard {
    std::atomic<std::size_t> first = 0;  ///< address
    std::atomic<std::size_t> byte_count = 0;
    std::atomic<bool> is_broken = false;
  };

 private:
  std::span<const std::byte> bytes_;
  Guard* guard_ = nullptr;
};

}  // namespace sillage::ctf
