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
passed=$(grep -cE '^✔ Test [^ ]+.* passed after' "$log" || true)
failed=$(grep -cE '^✘ Test [^ ]+.* failed after' "$log" || true)
skipped=$(grep -cE '^➜ Test [^ ]+.* skipped' "$log" || true)
passed=$(( passed - $(grep -cE '^✔ Test run with' "$log" || true) ))
failed=$(( failed - $(grep -cE '^✘ Test run with' "$log" || true) ))
[ "$failed" -lt 0 ] && failed=0
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
