// SPDX-License-Identifier: MIT
// Tracepoints in a header, shared by a library and the program that loads it: each has its own sites.
#pragma once

#include <sillage/tracepoint.h>

inline void in_inline_function(int value) {
  SILLAGE_TRACEPOINT(library, in_inline, INFO, sillage_field(value, value));
  auto lambda = [&] { SILLAGE_TRACEPOINT(library, in_lambda, INFO, sillage_field(value, value)); };
  lambda();
}

template <class T>
void in_template(const T& value) {
  if constexpr (sizeof(T) >= 4) {
    SILLAGE_TRACEPOINT(library, in_template, INFO, sillage_field(value, value));
  }
}
