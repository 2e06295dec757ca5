#!/usr/bin/env bash
# Builds everything optimised, runs every test, and ends with one line that counts them.
set -euo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift build -c release --build-tests
set +e
swift test -c release --skip-build --disable-xctest "$@" 2>&1 | tee "$log" | grep -vE '^◇ ' 
status=${PIPESTATUS[0]}
set -e
# Tests print side by side and lines get torn, so the runner's own total counts, skipped tests included.
total=$(grep -oE 'Test run with [0-9]+ tests' "$log" | grep -oE '[0-9]+' || echo 0)
failed=$(grep -E '^✘ Test [^ ]+.* failed after' "$log" | grep -cvE '^✘ Test run with' || true)
skipped=$(grep -cE '^➜ Test [^ ]+.* skipped' "$log" || true)
passed=$(( total - failed - skipped ))
# A run that broke off before its end has no total.
[ "$passed" -lt 0 ] && passed=0
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
