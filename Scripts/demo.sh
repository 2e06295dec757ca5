#!/usr/bin/env bash
# The whole story on a real model: demo.sh FSOT MODEL DIRECTORY
set -euo pipefail
fsot=$(realpath "$1") model=$(realpath "$2") work=$3
examples=$(realpath Examples/clinic) suites=$(realpath Attacks)
rm -rf "$work" && mkdir -p "$work" && cd "$work"
# The demo's releases are no entries of your own ledger.
export FSOT_HOME=$PWD/home
step() { printf '\n\033[1m== %s\033[0m\n' "$*" | { [ -z "${NO_COLOR:-}" ] && [ -t 1 ] && cat || sed 's/\x1b\[[0-9;]*m//g'; }; }
say() { printf '$ fsot %s\n' "$*"; "$fsot" "$@"; }
start=$SECONDS

step "1. Keys: the owner signs, three clinics can open"
for name in owner north lake hill; do "$fsot" keygen "$name" --no-passphrase --quiet >/dev/null; done
ls ./*.card

step "2. The auditor flips a coin for every record, before any training"
say audit plan --data "$examples/north.jsonl" "$examples/lake.jsonl" "$examples/hill.jsonl" --seed 1 --holdout 0.5 -o plan

for ratio in 0.5 0.25; do
    step "3. The owner compresses its model: $ratio of the middle, sealed to the three clinics"
    say compress "$model" --keep "$ratio" --public-data "$examples/public.jsonl" --distill-tokens 8192 --seed 1 \
        --to north.card lake.card hill.card --sign owner.identity --licence Apache-2.0 -o "keep-$ratio.fsot"
    step "4. The clinics tune the adapter; the coordinator sees masked sums only"
    say tune "keep-$ratio.fsot" --identity north.identity --from owner.card --plan plan --template plain \
        --rounds 5 --local-steps 8 --batch 4 --lr 1e-4 --seed 1 -o "run-$ratio"
    step "5. The owner plugs the adapter back into the full model"
    say plug "$model" "run-$ratio" -o "plugged-$ratio"
done

step "6. What the owner has given away so far"
say ledger exposure

step "7. The auditor attacks both runs"
set +e
say audit run run-0.5 run-0.25 --identity north.identity --from owner.card --model "$model" --suite "$suites/demo.yaml" \
    -o report
verdict=$?
set -e
case $verdict in
    0 | 2 | 3 | 4) ;;
    *) exit "$verdict" ;;
esac
printf '\nThe story took %d min %02d s. Exit code of the audit: %d (0 nothing found, 2 leakage above policy, 3 invalid split, 4 inconclusive, 5 a stated ε refuted).\n' \
    $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)) "$verdict"
printf 'Open the report: %s\n' "$(pwd)/report/report.html"
