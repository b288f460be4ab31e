// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <string_view>

namespace sillage::lttng {

/// With which status a verb of lttng(1) ends where it is refused.
///
/// Some verbs end with the number that LTTng's daemon has for the refusal, which its manual does not say, but scripts
/// have met; the others, and what LTTng never refuses, with 1.
/// Source: LTTng 2.13, tests/lttng/exit_statuses_test.py.
[[nodiscard]] int status_of(std::string_view verb, const Error& error);

}  // namespace sillage::lttng
