// SPDX-License-Identifier: MIT
// What the parser of expressions makes and resolving reads.
#pragma once

#include "kernel/expression.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sillage::kernel {

/// One construct of the grammar.
///
///   kind           text         number    operands
///   kNumber        -            value     -
///   kName          name         -         -
///   kVariable      name         -         -
///   kSizeOf        type         -         -
///   kCast          type         1: to a pointer to it, 0: to it    what
///   kArrow, kDot   member       -         of what
///   kIndex         -            -         of what, index
///   kEnumerator    enumeration  -         the enumerator, as a kName
///   kDereference, kAddress      -         of what
///   kOperation     -            -         one or two; `operation`
///   kChoice        -            -         condition, yes, no
///   kCall          function     -         arguments
///   kAlternatives  -            -         two or more
struct Syntax {
  enum class Kind : std::uint8_t {
    kNumber,
    kName,
    kVariable,
    kSizeOf,
    kCast,
    kArrow,
    kDot,
    kIndex,
    kEnumerator,
    kDereference,
    kAddress,
    kOperation,
    kChoice,
    kCall,
    kAlternatives,
  };

  Kind kind = Kind::kNumber;
  std::string text{};
  std::uint64_t number = 0;
  Operation operation = Operation::kAdd;
  std::vector<Syntax> operands{};
};

}  // namespace sillage::kernel
