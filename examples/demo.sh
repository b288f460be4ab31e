#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Records the kv server under load and shows what is in the trace. `./dev demo` builds, then calls this.
# usage: demo.sh BUILD_DIR [OUTPUT_DIR]
set -euo pipefail
examples=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd)/bin
output=${2-}
if [ -n "$output" ]; then
  output=$(realpath -m -- "$output")
else
  # Also for those who have no home directory; a new name each time.
  output=$(mktemp -d "${TMPDIR:-/tmp}/sillage-demo-XXXXXX")/trace
fi
command -v babeltrace2 >/dev/null || { echo 'demo: babeltrace2 is needed to read the trace: ./dev packages' >&2; exit 1; }

# A daemon of the demo's own, which sees no programs but the demo's: the machine's is left alone.
SILLAGE_RUNTIME_DIR=$(mktemp -d "${TMPDIR:-/tmp}/sillage-run-XXXXXX")
export SILLAGE_RUNTIME_DIR
end_daemon() {
  local pid
  # It would end by itself within ten seconds; the demo leaves nothing running.
  if pid=$(cat "$SILLAGE_RUNTIME_DIR/sillaged.lock" 2>/dev/null) && kill "$pid" 2>/dev/null; then
    for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
  fi
  rm -rf "$SILLAGE_RUNTIME_DIR"
}
trap end_daemon EXIT

shown() { printf '\n$ %s\n' "$*"; "$@"; }
cd "$bin"
printf 'A key-value server, 4 worker threads and 8 clients, for 3 seconds (examples/kv):\n'
shown ./sillage record -o "$output" --context vtid --context procname -- ./kv --load 3 --rate 2000

printf '\nThe first events of the trace, as babeltrace2 shows them:\n\n$ babeltrace2 %s | head\n' "$output"
# babeltrace2 notices late that nobody reads on; that is no failure.
{ babeltrace2 "$output" 2>/dev/null || true; } | head -n 10

printf '\nWhat it shows: how long each operation took, from its request_begin to its request_end\n'
shown "$examples/kv/kv_trace.py" "$output"
"$examples/../tools/plot_trace.py" "$output" "$output.svg"
printf '\nThe trace:   %s\nA picture:   %s\n' "$output" "$output.svg"
