// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/model.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sillage::convert {

/// The labels of an enumeration's value, the first in front: "RUNNING", "A | B"; "" without one.
[[nodiscard]] std::string labels_of(const ctf::FieldClass& field_class, std::uint64_t number,
                                    bool is_signed);

/// The base in which people want to see an integer.
[[nodiscard]] ctf::Base base_of(const ctf::FieldClass& field_class);

/// Bytes as hexadecimal digits.
[[nodiscard]] std::string hexadecimal(std::string_view bytes);

}  // namespace sillage::convert
