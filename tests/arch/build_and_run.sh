#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds libsillage.so and the smoke program for another machine from nothing, checks what they need, runs them.
# usage: build_and_run.sh SOURCE ARCH BUILD_DIR      ARCH: a cmake/toolchain-ARCH.cmake
set -euo pipefail
source_dir=$1 arch=$2 build_dir=$3

rm -rf "$build_dir"
# Sanitizer settings of the calling environment must not leak into the other machine's programs.
unset CFLAGS CXXFLAGS LDFLAGS ASAN_OPTIONS LD_PRELOAD
cmake -S "$source_dir" -B "$build_dir" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DSILLAGE_PROBE_ONLY=ON \
  -DCMAKE_COMPILE_WARNING_AS_ERROR=ON \
  -DCMAKE_TOOLCHAIN_FILE="$source_dir/cmake/toolchain-$arch.cmake"
cmake --build "$build_dir"
limit=69632
[ "$arch" = ia32 ] && limit=77824  # the same source is an eighth larger in 32-bit code
python3 "$source_dir/tools/check_symbols.py" --library "$build_dir/lib/libsillage.so" --text-limit "$limit"
# Runs the smoke program through the toolchain's emulator, if it has one.
cmake --build "$build_dir" --target run_smoke
