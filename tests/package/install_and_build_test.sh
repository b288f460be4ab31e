#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs a build, moves the installed tree elsewhere, then builds a C and a C++ program against it through
# pkg-config and through CMake's find_package, and runs them.
# usage: install_and_build_test.sh BUILD_DIR SCRATCH_DIR CC CXX
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build_dir=$1 scratch=$2 cc=$3 cxx=$4
strict=(-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Werror)

rm -rf "$scratch"
mkdir -p "$scratch/by_pkg_config"
cmake --install "$build_dir" --prefix "$scratch/first" >"$scratch/install.log"
# Nobody promised the user that the tree stays where it was installed.
mv "$scratch/first" "$scratch/prefix"
prefix=$scratch/prefix

library=$(find "$prefix" -name 'libsillage.so.1')
[ -n "$library" ] || { echo 'no libsillage.so.1 was installed'; exit 1; }
LD_LIBRARY_PATH=$(dirname "$library")
export LD_LIBRARY_PATH
# A program run here must not find a collector of this machine's.
export SILLAGE_RUNTIME_DIR=$scratch/no_collector

runs() { # PROGRAM
  local needs
  needs=$(ldd "$1")
  [[ $needs == *"libsillage.so.1 => $prefix/"* ]] || { echo "$1 does not use the installed library: $needs"; exit 1; }
  "$1"
}

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name sillage.pc)")
export PKG_CONFIG_PATH
pkg-config --exact-version="$(sed -n 's/^Version: //p' "$PKG_CONFIG_PATH/sillage.pc")" sillage
# shellcheck disable=SC2046  # flags are words
{
  "$cc" -std=c11 "${strict[@]}" $(pkg-config --cflags sillage) "$here/project/in_c.c" \
    -o "$scratch/by_pkg_config/in_c" $(pkg-config --libs sillage)
  "$cxx" -std=c++17 "${strict[@]}" $(pkg-config --cflags sillage) "$here/project/in_cxx.cpp" \
    -o "$scratch/by_pkg_config/in_cxx" $(pkg-config --libs sillage)
}
runs "$scratch/by_pkg_config/in_c"
runs "$scratch/by_pkg_config/in_cxx"

cmake -S "$here/project" -B "$scratch/by_cmake" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" >"$scratch/configure.log"
cmake --build "$scratch/by_cmake" >"$scratch/build.log" || { cat "$scratch/build.log"; exit 1; }
runs "$scratch/by_cmake/in_c"
runs "$scratch/by_cmake/in_cxx"
echo 'C and C++ programs build and run against the installed tree'
