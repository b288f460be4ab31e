// SPDX-License-Identifier: MIT
#include "ctf/text.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>

namespace sillage::ctf {

namespace {

/// The length of the valid UTF-8 sequence at the start of `bytes`, or 0.
std::size_t sequence_length(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  std::uint8_t second_min = 0x80, second_max = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) second_min = 0xa0;  // shorter forms exist
    if (lead == 0xed) second_max = 0x9f;  // surrogates
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) second_min = 0x90;  // shorter forms exist
    if (lead == 0xf4) second_max = 0x8f;  // above U+10FFFF
  }
  if (length == 0 || bytes.size() < length) return 0;
  if (at(1) < second_min || at(1) > second_max) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (at(i) < 0x80 || at(i) > 0xbf) return 0;
  }
  return length;
}

}  // namespace

std::string valid_utf8(std::string_view bytes) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t length = sequence_length(bytes);
    text += length == 0 ? kReplacement : bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  constexpr std::size_t kTextSize = 36;
  if (text.size() != kTextSize) return std::nullopt;
  Uuid uuid{};
  std::size_t place = 0;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      if (text[place++] != '-') return std::nullopt;
    }
    unsigned value = 0;
    const char* const digits = text.data() + place;
    const auto [end, status] = std::from_chars(digits, digits + 2, value, 16);
    if (status != std::errc() || end != digits + 2) return std::nullopt;
    uuid[i] = static_cast<std::byte>(value);
    place += 2;
  }
  return uuid;
}

std::string UniqueNames::unique(const std::string& name) {
  if (take(name)) return name;
  for (unsigned number = next_[name];; ++number) {
    std::string candidate = name + "_" + std::to_string(number);
    if (!take(candidate)) continue;
    next_[name] = number + 1;
    return candidate;
  }
}

std::string uuid_text(const Uuid& uuid) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[std::to_integer<unsigned>(uuid[i]) >> 4];
    text += kDigits[std::to_integer<unsigned>(uuid[i]) & 15];
  }
  return text;
}

}  // namespace sillage::ctf
