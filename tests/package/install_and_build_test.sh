#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs a build, moves the installed tree elsewhere, then builds a C and a C++ program against it through
# pkg-config and through CMake's find_package, runs them, records them with the installed command, and reads the traces.
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
# A program run here must not find a daemon of this machine's. In /tmp: paths of sockets are short.
SILLAGE_RUNTIME_DIR=$(mktemp -d)
export SILLAGE_RUNTIME_DIR SILLAGE_REGISTER_TIMEOUT_MS=5000
end_daemon() {
  if [ -e "$SILLAGE_RUNTIME_DIR/sillaged.lock" ]; then kill "$(cat "$SILLAGE_RUNTIME_DIR/sillaged.lock")" || true; fi
  rm -rf "$SILLAGE_RUNTIME_DIR"
}
trap end_daemon EXIT

is_ours() { # PROGRAM LIBRARY
  local needs
  needs=$(ldd "$1")
  [[ $needs == *"$2 => $prefix/"* ]] || { echo "$1 does not use the installed $2: $needs"; exit 1; }
}
runs() { # PROGRAM
  is_ours "$1" libsillage.so.1
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

records() { # PROGRAM EVENT
  local status=0
  "$prefix/bin/sillage" record -o "$scratch/trace.$2" "$1" || status=$?
  [ $status -eq 1 ] || { echo "$1: status $status instead of 1, the number of its events"; exit 1; }
  [[ $(babeltrace2 "$scratch/trace.$2") == *" $2: "*"number = 1, text = "* ]] || { echo "$2 is not in the trace"; exit 1; }
}
records "$scratch/by_pkg_config/in_c" package:in_c
records "$scratch/by_cmake/in_cxx" package:in_cxx

# The reader of traces, by both ways, and the C++ examples of its guide.
# shellcheck disable=SC2046
"$cxx" -std=c++20 "${strict[@]}" $(pkg-config --cflags sillage-trace) "$here/project/reads.cpp" \
  -o "$scratch/by_pkg_config/reads" $(pkg-config --libs sillage-trace)
for reads in "$scratch/by_pkg_config/reads" "$scratch/by_cmake/reads"; do
  is_ours "$reads" libsillage-trace.so.1
  # A library with a sanitizer wants its runtime first, which programs built without do not see to.
  runtime=$(ldd "$reads" | awk '/libasan|clang_rt.asan/ { print $3 }')
  found=$(LD_PRELOAD=$runtime "$reads" "$scratch/trace.package:in_cxx")
  [ "$found" = 'package:in_cxx 1 from C++' ] || { echo "$reads printed: $found"; exit 1; }
done
# The client of the daemon, by both ways.
# shellcheck disable=SC2046
"$cxx" -std=c++20 "${strict[@]}" $(pkg-config --cflags sillage-control) "$here/project/steers.cpp" \
  -o "$scratch/by_pkg_config/steers" $(pkg-config --libs sillage-control)
for steers in "$scratch/by_pkg_config/steers" "$scratch/by_cmake/steers"; do
  is_ours "$steers" libsillage-control.so.1
  runtime=$(ldd "$steers" | awk '/libasan|clang_rt.asan/ { print $3 }')
  trace=$scratch/trace.$(basename "$(dirname "$steers")")
  found=$(PATH=$prefix/bin:$PATH LD_PRELOAD=$runtime "$steers" "$trace" 'package:*' "LD_PRELOAD= $scratch/by_cmake/in_c")
  [ "$found" = '1 of 1' ] || { echo "$steers printed: $found"; exit 1; }
  [[ $(babeltrace2 "$trace") == *" package:in_c: "* ]] || { echo "package:in_c is not in $trace"; exit 1; }
done
mkdir "$scratch/guide"
awk -v to="$scratch/guide" '/^```/ { is_in = $0 == "```cpp"; count += is_in; next } is_in { print > (to "/" count ".cpp") }' \
  "$here/../../docs/guide/read.md"
[ -s "$scratch/guide/2.cpp" ] || { echo 'docs/guide/read.md has not two examples in C++'; exit 1; }
for example in "$scratch"/guide/*.cpp; do
  # shellcheck disable=SC2046
  "$cxx" -std=c++20 $(pkg-config --cflags sillage-trace) "$example" -o "${example%.cpp}" $(pkg-config --libs sillage-trace)
  is_ours "${example%.cpp}" libsillage-trace.so.1
done

# The examples are a project of their own, too.
cmake -S "$here/../../examples" -B "$scratch/examples" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" >"$scratch/configure.log"
cmake --build "$scratch/examples" --target hello_c hello_cpp steer >"$scratch/build.log" || { cat "$scratch/build.log"; exit 1; }
records_three() { # PROGRAM
  "$prefix/bin/sillage" record -o "$scratch/trace.$(basename "$1")" "$1" one two
  [ "$(babeltrace2 "$scratch/trace.$(basename "$1")" | wc -l)" -eq 3 ] || { echo "$1: not three events"; exit 1; }
}
records_three "$scratch/examples/hello_c"
records_three "$scratch/examples/hello_cpp"
echo 'C and C++ programs build, run, are recorded, read what was recorded and steer the daemon with the installed tree'
