// SPDX-License-Identifier: MIT
// Numbers with a fraction, for filters.
#pragma once

#include "abi/filter.h"

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace sillage::probe {

/// While it lives, arithmetic is IEEE 754's default: the program may have asked for traps or another rounding, and must
/// find neither its modes nor its flags changed.
class DefaultArithmetic {
 public:
#if defined(__SSE2__)
  DefaultArithmetic() : saved_(_mm_getcsr()) { _mm_setcsr(0x1f80); }
  ~DefaultArithmetic() { _mm_setcsr(saved_); }

 private:
  const unsigned saved_;
#elif defined(__aarch64__)
  DefaultArithmetic() {
    asm volatile("mrs %0, fpcr\n\tmrs %1, fpsr\n\tmsr fpcr, xzr" : "=r"(modes_), "=r"(flags_));
  }
  ~DefaultArithmetic() {
    asm volatile("msr fpcr, %0\n\tmsr fpsr, %1" : : "r"(modes_), "r"(flags_));
  }

 private:
  std::uint64_t modes_, flags_;
#else
  DefaultArithmetic() {}
#endif
 public:
  DefaultArithmetic(const DefaultArithmetic&) = delete;
  DefaultArithmetic& operator=(const DefaultArithmetic&) = delete;
};

/// Keeps the compiler from computing before or behind the change of modes: it does not know what they mean.
template <class T>
[[gnu::always_inline]] inline T held_here(T value) {
  asm volatile("" : "+m"(value) : : "memory");
  return value;
}

inline std::uint64_t bits_of(double value) {
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline double real_of(std::uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// The helpers SILLAGE_FILTER_REAL_OF_INTEGER to SILLAGE_FILTER_REAL_NOT_EQUAL; 0 of others.
[[gnu::noinline]] inline std::uint64_t compute_real(std::uint32_t helper, std::uint64_t first,
                                                    std::uint64_t second) {
  const DefaultArithmetic modes;
  const double a = held_here(real_of(first)), b = held_here(real_of(second));
  std::uint64_t result = 0;
  switch (helper) {
    case SILLAGE_FILTER_REAL_OF_INTEGER:
      result = bits_of(static_cast<double>(held_here(static_cast<std::int64_t>(first))));
      break;
    case SILLAGE_FILTER_REAL_OF_FLOAT: {
      const auto low = static_cast<std::uint32_t>(first);
      float value;
      std::memcpy(&value, &low, sizeof value);
      result = bits_of(double{held_here(value)});
      break;
    }
    case SILLAGE_FILTER_REAL_ADD: result = bits_of(a + b); break;
    case SILLAGE_FILTER_REAL_SUBTRACT: result = bits_of(a - b); break;
    case SILLAGE_FILTER_REAL_MULTIPLY: result = bits_of(a * b); break;
    case SILLAGE_FILTER_REAL_DIVIDE: result = bits_of(a / b); break;
    case SILLAGE_FILTER_REAL_LESS: result = a < b; break;
    case SILLAGE_FILTER_REAL_LESS_OR_EQUAL: result = a <= b; break;
    case SILLAGE_FILTER_REAL_GREATER: result = a > b; break;
    case SILLAGE_FILTER_REAL_GREATER_OR_EQUAL: result = a >= b; break;
    case SILLAGE_FILTER_REAL_EQUAL: result = a == b; break;
    case SILLAGE_FILTER_REAL_NOT_EQUAL: result = a != b; break;
    default: break;
  }
  return held_here(result);
}

}  // namespace sillage::probe
