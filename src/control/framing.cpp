// SPDX-License-Identifier: MIT
#include "control/framing.hpp"

namespace sillage::control {
namespace {
constexpr std::size_t kLengthBytes = 4;
}

std::string frame(std::string_view payload) {
  std::string bytes;
  bytes.reserve(kLengthBytes + payload.size());
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    bytes.push_back(static_cast<char>(payload.size() >> (8 * i) & 0xff));
  }
  bytes.append(payload);
  return bytes;
}

Result<std::optional<std::string>> take_frame(std::string* received, std::size_t limit_bytes) {
  if (received->size() < kLengthBytes) return std::optional<std::string>();
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::size_t{static_cast<unsigned char>((*received)[i])} << (8 * i);
  }
  if (length > limit_bytes) {
    return fail(Code::kLimit, "a message of " + std::to_string(length) + " bytes; the limit is " +
                                  std::to_string(limit_bytes));
  }
  if (received->size() - kLengthBytes < length) return std::optional<std::string>();
  std::optional<std::string> payload = received->substr(kLengthBytes, length);
  received->erase(0, kLengthBytes + length);
  return payload;
}

}  // namespace sillage::control
