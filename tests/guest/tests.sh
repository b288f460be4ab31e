#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: every test of the kernel's half, tests.sh RELEASE_DIR [CTEST OPTIONS...]. A test that is skipped has failed.
set -euo pipefail
release=$1
shift
# The emulated machine is some 20 times slower than the one that the tests' limits are made for.
export SILLAGE_REQUIRE_KERNEL=1 SILLAGE_TEST_OWN_MACHINE=1 SILLAGE_SLOWNESS=${SILLAGE_SLOWNESS:-20}
results=$PWD/build/guest/results
cd "$release"
failed=0
# Those with configuration `guest` need LTTng's modules.
ctest -C guest -L '^(kernel|guest)$' "$@" --output-on-failure || failed=1
mv Testing/Temporary/LastTest.log "$results/kernel.log"
if [ $# -eq 0 ]; then
  ctest -R '^(bpf|kernel_.*|collect_kernel|syscalls_strace)_test$' -LE kernel --output-on-failure || failed=1
  mv Testing/Temporary/LastTest.log "$results/others.log"
fi
# What a test program leaves out of itself.
if grep -HE '^(Test (Skipped|Not Run)|.*\*\*\*(Skipped|Not Run)|.*\.\.\. skipped|\[  SKIPPED \])' "$results"/*.log; then
  echo 'tests were skipped' >&2
  failed=1
fi
exit $failed
