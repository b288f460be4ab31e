// SPDX-License-Identifier: MIT
// A library that is opened and closed while it is traced: in a function, an inline function, a template, a static
// constructor and a static destructor.
#include <sillage/tracepoint.h>

namespace {

inline void traced_inline(int round) {
  SILLAGE_TRACEPOINT(plugin, in_inline, INFO, sillage_field(round, round));
}

template <class T>
void traced_template(T round) {
  SILLAGE_TRACEPOINT(plugin, in_template, INFO, sillage_field(round, round));
}

struct Lifetime {
  Lifetime() { SILLAGE_TRACEPOINT(plugin, constructed, INFO); }
  ~Lifetime() { SILLAGE_TRACEPOINT(plugin, destroyed, INFO); }
} g_lifetime;

}  // namespace

extern "C" void plugin_run(int round) {
  SILLAGE_TRACEPOINT(shared, event, INFO,
                     sillage_field(round, round));  // the program has the same event
  traced_inline(round);
  traced_template(round);
  traced_template(static_cast<long>(round));
}
