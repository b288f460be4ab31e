#!/bin/sh
# SPDX-License-Identifier: MIT
# `./dev bench user [ARGS]`: see user.py.
exec python3 "$(dirname "$0")/user.py" "$@"
