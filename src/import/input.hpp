// SPDX-License-Identifier: MIT
// Files of other tracers, as bytes that may lie.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "ctf/model.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sillage::import {

/// A file, or bytes in memory that read like one.
///
/// Threads: any; reading does not move anything.
class Input {
 public:
  /// Errors: those of open; kUnsupported for what is not a regular file.
  [[nodiscard]] static Result<Input> open(std::string path);

  /// `bytes` must outlive the input and what is made from it. `name`: for locations.
  [[nodiscard]] static Input of_memory(std::span<const std::byte> bytes, std::string name);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// "NAME@OFFSET", for errors.
  [[nodiscard]] std::string at(std::uint64_t offset) const;

  /// Fills `out` from `offset` on.
  ///
  /// Errors: kCorrupt  the file ends before; those of read.
  [[nodiscard]] Status read(std::uint64_t offset, std::span<std::byte> out) const;

  /// The bytes from `offset` on, as a copy.
  ///
  /// Errors: as read(); kCorrupt before anything is allocated if the file is too short.
  [[nodiscard]] Result<std::vector<std::byte>> bytes(std::uint64_t offset,
                                                     std::uint64_t size) const;

 private:
  Input() = default;

  Fd fd_;
  std::span<const std::byte> memory_;
  std::string name_;
  std::uint64_t size_ = 0;
};

/// Reads integers and texts of an input one behind the other, in a given byte order.
///
/// A read beyond the end gives zeros and empty texts and makes `ok()` false for good, so a caller may
/// read a few and then look; it must look before it acts on what it read.
class InputCursor {
 public:
  /// Reads from `begin` to `end`, at most to the input's end. `input` must outlive the cursor.
  InputCursor(const Input& input, std::uint64_t begin, std::uint64_t end);
  explicit InputCursor(const Input& input) : InputCursor(input, 0, input.size()) {}

  void set_order(ctf::ByteOrder order) { order_ = order; }
  [[nodiscard]] ctf::ByteOrder order() const { return order_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t left() const { return end_ - offset_; }
  [[nodiscard]] const Input& input() const { return input_; }
  [[nodiscard]] bool ok() const { return !error_; }

  [[nodiscard]] std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
  [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  [[nodiscard]] std::uint64_t u64() { return integer(8); }
  /// The next `count` bytes as text, if there are that many and at most `most`.
  [[nodiscard]] std::string text(std::uint64_t count, std::uint64_t most);
  /// Text up to a NUL that must come within `most` bytes; the NUL is skipped.
  [[nodiscard]] std::string c_string(std::uint64_t most);
  void skip(std::uint64_t count);

  /// The failure that made `ok()` false, located.
  [[nodiscard]] Error error() const;
  /// Makes it one of this kind, at the current place, unless there was one.
  void refuse(Code code, std::string message);
  /// OK, or the failure.
  [[nodiscard]] Status status() const;

 private:
  [[nodiscard]] std::uint64_t integer(std::size_t bytes);
  // The next `count` bytes, at most kWindowBytes; nullptr after a failure.
  [[nodiscard]] const std::byte* take(std::size_t count);

  const Input& input_;
  std::uint64_t offset_, end_;
  ctf::ByteOrder order_ = ctf::kNativeByteOrder;
  std::vector<std::byte> window_;
  std::uint64_t window_begin_ = 0;
  std::unique_ptr<Error> error_;
};

}  // namespace sillage::import
