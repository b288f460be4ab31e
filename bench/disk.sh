#!/bin/sh
# SPDX-License-Identifier: MIT
# `./dev bench disk [ARGS]`: see disk.py.
exec python3 "$(dirname "$0")/disk.py" "$@"
