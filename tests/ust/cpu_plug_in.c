// SPDX-License-Identifier: MIT
// A plug-in for LTTNG_UST_GETCPU_PLUGIN: says 1 wherever a thread runs.
#include <lttng/ust-getcpu.h>

void lttng_ust_getcpu_plugin_init(void);

static int one(void) { return 1; }

void lttng_ust_getcpu_plugin_init(void) { lttng_ust_getcpu_override(one); }
