// SPDX-License-Identifier: MIT
#include "ctf/digits.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <random>
#include <string>

namespace sillage::ctf {
namespace {

template <class Put, class Number>
std::string text_of(Put put, Number number) {
  std::array<char, 2 * kDigitSlack> buffer{};
  return {buffer.data(), put(buffer.data(), number)};
}

std::string printed(const char* format, std::uint64_t number) {
  std::array<char, 64> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), format, number);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

// Numbers of all lengths, and those on both sides of each power of 2 and 10.
template <class Check>
void for_many_numbers(Check check) {
  std::mt19937_64 random(1);
  std::uint64_t ten = 1;
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t edge : {std::uint64_t{1} << bit, ten}) {
      for (const std::uint64_t number : {edge - 1, edge, edge + 1}) check(number);
    }
    for (int i = 0; i < 500; ++i) check(random() >> bit);
    ten = ten * 10 == 0 || bit >= 19 ? 1 : ten * 10;
  }
}

TEST(Digits, Decimal_IsPrintfs) {
  for_many_numbers([](std::uint64_t number) {
    ASSERT_EQ(text_of(put_decimal, number), printed("%" PRIu64, number));
    ASSERT_EQ(text_of(put_signed_decimal, static_cast<std::int64_t>(number)),
              printed("%" PRId64, number));
  });
}

TEST(Digits, Byte_IsPrintfs) {
  for (unsigned number = 0; number < 256; ++number) {
    ASSERT_EQ(text_of(put_byte, static_cast<std::uint8_t>(number)), printed("%" PRIu64, number));
  }
}

TEST(Digits, Hexadecimal_IsPrintfs) {
  for_many_numbers([](std::uint64_t number) {
    ASSERT_EQ(text_of(put_hexadecimal, number), printed("%" PRIX64, number));
  });
}

TEST(Digits, FixedLength_KeepsZeros) {
  for_many_numbers([](std::uint64_t number) {
    const auto below = static_cast<std::uint32_t>(number % 1'000'000'000);
    ASSERT_EQ(text_of(put_nine, below), printed("%09" PRIu64, below));
    ASSERT_EQ(text_of(put_eight, below % 100'000'000), printed("%08" PRIu64, below % 100'000'000));
  });
}

TEST(Digits, TwoOfFixedLength_AreThoseOfEach) {
  std::uint32_t last = 0;
  for_many_numbers([&last](std::uint64_t number) {
    const auto below = static_cast<std::uint32_t>(number % 1'000'000'000);
    std::array<char, 32> buffer{};
    put_two_nines(buffer.data(), below, buffer.data() + 16, last);
    ASSERT_EQ(std::string(buffer.data(), 9), printed("%09" PRIu64, below));
    ASSERT_EQ(std::string(buffer.data() + 16, 9), printed("%09" PRIu64, last));
    last = below;
  });
}

}  // namespace
}  // namespace sillage::ctf
