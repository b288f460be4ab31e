// SPDX-License-Identifier: MIT
// A library that is loaded, unloaded and loaded again. Its tracepoints stand where compilers make copies: had one of
// them a unique symbol (STB_GNU_UNIQUE), dlclose() would do nothing.
#include "library.hpp"

#include <sillage/tracepoint.h>

namespace {
struct Life {
  Life() { SILLAGE_TRACEPOINT(library, loaded, INFO, sillage_field(place, 1)); }
  ~Life() { SILLAGE_TRACEPOINT(library, unloaded, INFO, sillage_field(place, 2)); }
} g_life;
}  // namespace

extern "C" __attribute__((visibility("default"))) void library_run(int value) {
  in_inline_function(value);
  in_template(value);
  in_template(static_cast<short>(value));
  in_template("text");
}
