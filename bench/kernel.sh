#!/bin/sh
# SPDX-License-Identifier: MIT
# `./dev bench kernel [ARGS]`: see kernel.py.
exec python3 "$(dirname "$0")/kernel.py" "$@"
