// SPDX-License-Identifier: MIT
// What liblttng-ust-common.so.1 gives the other two libraries: who is inside a tracepoint.
#pragma once

#include "ust/exported.hpp"

/// Waits until every thread that was inside a tracepoint has come out of it.
///
/// Returns 0, or -1 if a thread is still inside after some seconds (stopped by a debugger): what it may use must stay.
UST_EXPORT int sillage_ust_wait_for_readers(void);
