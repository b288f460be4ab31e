// SPDX-License-Identifier: MIT
#pragma once

namespace sillage::ust {

/// Loads the plug-ins that LTTNG_UST_CLOCK_PLUGIN and LTTNG_UST_GETCPU_PLUGIN name, the first time it is called, and uses what they
/// or the program have given as clock and as number of the CPU. To be called before an image is registered.
///
/// Environment variables of programs with more rights than who started them are not looked at, as in LTTng-UST. What cannot be
/// loaded is left out: the program is recorded without.
void use_plug_ins();

}  // namespace sillage::ust
