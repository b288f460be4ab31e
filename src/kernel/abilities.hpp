// SPDX-License-Identifier: MIT
// What this kernel lets this process do, found by doing it.
#pragma once

#include "base/result.hpp"

#include <string>
#include <vector>

namespace sillage::kernel {

/// One thing that the kernel tracer does, and how it went here.
struct Ability {
  std::string name;  ///< for people: "kernel functions (fentry)"
  std::string use;   ///< what cannot be recorded without it; "" if there is another way
  Status tried;      ///< the error that recording would have met
};

/// Makes maps, loads programs of two instructions and attaches them, then takes everything away again. Nothing is
/// recorded.
///
/// Cost:   some 150 ms, most of it for detaching.
/// Errors: none; each ability has its own.
[[nodiscard]] std::vector<Ability> try_abilities();

}  // namespace sillage::kernel
