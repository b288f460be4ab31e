// SPDX-License-Identifier: MIT
// Fields as JSON: see sillage-read(1), "JSON".
#pragma once

#include "ctf/decoder.hpp"

#include <string>
#include <string_view>

namespace sillage::report {

/// Appends text in quotes; what is not UTF-8 becomes U+FFFD.
void append_json(std::string_view text, std::string* out);

/// Appends a field with all inside it; returns the value behind it.
///
/// Integers keep all 64 bits; enumerations and bit maps are objects with `value` and `labels`; BLOBs
/// are hexadecimal digits; numbers that JSON does not have are "NaN", "Infinity" and "-Infinity".
const ctf::Value* append_json(const ctf::Plan& plan, const ctf::Value* value, std::string* out);

/// Appends a number, its sign and all its digits.
void append_number(std::int64_t number, std::string* out);
void append_number(std::uint64_t number, std::string* out);
/// The shortest text that reads back as the same number.
void append_number(double number, std::string* out);

}  // namespace sillage::report
