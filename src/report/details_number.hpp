// SPDX-License-Identifier: MIT
// Numbers as Babeltrace's `sink.text.details` writes them.
#pragma once

#include "ctf/model.hpp"

#include <cstdint>
#include <string>

namespace sillage::report {

/// A number with its digits in groups: 12,345 and 0xdead:beef; binary ones are hexadecimal.
///
/// Source: measured against babeltrace2 2.0.4.
[[nodiscard]] std::string grouped(std::uint64_t number, ctf::Base base = ctf::Base::kDecimal);
[[nodiscard]] std::string grouped(std::int64_t number, ctf::Base base = ctf::Base::kDecimal);

}  // namespace sillage::report
