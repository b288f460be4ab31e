// SPDX-License-Identifier: MIT
#pragma once

/// A function or variable of LTTng-UST's libraries that programs, or its helper libraries, refer to by name.
#define UST_EXPORT extern "C" __attribute__((visibility("default")))
