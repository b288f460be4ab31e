#!/bin/sh
# SPDX-License-Identifier: MIT
# `./dev bench startup [ARGS]`: see startup.py.
exec python3 "$(dirname "$0")/startup.py" "$@"
