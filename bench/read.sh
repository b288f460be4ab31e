#!/bin/sh
# SPDX-License-Identifier: MIT
# `./dev bench read [ARGS]`: see read.py.
exec python3 "$(dirname "$0")/read.py" "$@"
