// SPDX-License-Identifier: MIT
#include "ctf/real_digits.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>

namespace sillage::ctf {
namespace {

void expect_printfs(double number) {
  if (!std::isfinite(number)) return;
  std::array<char, 64> buffer{}, expected{};
  char* const end = put_real(buffer.data(), number);
  const int size = std::snprintf(expected.data(), expected.size(), "%g", number);
  const std::string text(buffer.data(), end);
  ASSERT_EQ(text, std::string(expected.data(), static_cast<std::size_t>(size)));
}

TEST(RealDigits, AnyBits_ArePrintfs) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 300'000; ++i) {
    expect_printfs(std::bit_cast<double>(random()));
    expect_printfs(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
  }
}

// The magnitudes that the fast way takes, with few digits and with many.
TEST(RealDigits, UsualNumbers_ArePrintfs) {
  std::mt19937_64 random(2);
  for (int power = -20; power <= 30; ++power) {
    const double scale = std::pow(10.0, power);
    for (int i = 0; i < 4'000; ++i) {
      expect_printfs(static_cast<double>(random() % 1000) * scale);
      expect_printfs(static_cast<double>(random() % 10'000'000) * scale);
      expect_printfs(-static_cast<double>(random()) * 0x1p-64 * scale);
    }
  }
}

// Neighbours of numbers with seven digits, the last of them a 5: where rounding goes either way.
TEST(RealDigits, Halves_ArePrintfs) {
  std::mt19937_64 random(3);
  for (int power = -22; power <= 22; ++power) {
    for (int i = 0; i < 2'000; ++i) {
      const double digits = static_cast<double>(100'000 + random() % 900'000) + 0.5;
      const double number =
          power < 0 ? digits / std::pow(10.0, -power) : digits * std::pow(10.0, power);
      expect_printfs(number);
      expect_printfs(std::nextafter(number, 0.0));
      expect_printfs(std::nextafter(number, 1e300));
    }
    const double ten = std::pow(10.0, power);
    for (const double number : {ten, std::nextafter(ten, 0.0), std::nextafter(ten, 1e300)}) {
      expect_printfs(number);
    }
  }
  for (const double number : {0.0, -0.0, 1e5, 1e6, 999999.5, 9.9999949e-5, 5e-324})
    expect_printfs(number);
}

}  // namespace
}  // namespace sillage::ctf
