#!/usr/bin/env bash
# Fuzzes parsers with libFuzzer and AddressSanitizer, one after the other: fuzz.sh SECONDS PARSER...
# Starts from Tests/Fuzzing/Corpus; what it finds goes to Tests/Fuzzing/.build/findings. Ends with a line a parser.
set -euo pipefail
cd "$(dirname "$0")/../Tests/Fuzzing"
seconds=$1
shift
swift build -c release --sanitize fuzzer --sanitize address --product fsot-fuzz >&2
fuzzer=$(swift build -c release --sanitize fuzzer --sanitize address --show-bin-path)/fsot-fuzz
summary=""
failed=0
for parser in "$@"; do
    work=.build/corpus/$parser
    mkdir -p "$work" .build/findings
    status=0
    # Leaks are not looked for: the Swift runtime keeps caches.
    FSOT_FUZZ=$parser ASAN_OPTIONS=detect_leaks=0 "$fuzzer" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
        -max_len=65536 -print_final_stats=1 -verbosity=0 -artifact_prefix=".build/findings/$parser-" \
        "$work" "Corpus/$parser" 2>".build/$parser.log" || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' ".build/$parser.log")
    summary+="$parser: ${runs:-no} executions, $([ $status -eq 0 ] && echo 'nothing found' || echo "FAILED, see Tests/Fuzzing/.build/$parser.log")"$'\n'
    [ $status -eq 0 ] || failed=1
done
printf '%s' "$summary"
exit $failed
