#!/usr/bin/env bash
# Three data holders tune on thirds of GSM8K, from the split to the audit:
#   run.sh FSOT MODEL GSM8K_DIRECTORY PUBLIC_TEXT DIRECTORY
# README.md says where the data comes from and what each step is for. Steps that are done already are not repeated.
set -euo pipefail
if [ $# -ne 5 ]; then
    echo "usage: $0 FSOT MODEL GSM8K_DIRECTORY PUBLIC_TEXT DIRECTORY" >&2
    exit 64
fi
fsot=$(realpath "$1") model=$(realpath "$2") gsm8k=$(realpath "$3") public=$(realpath "$4") work=$5
suite=$(realpath "$(dirname "$0")/../../Attacks/demo.yaml")
mkdir -p "$work" && cd "$work"
# The example's releases are no entries of your own ledger.
export FSOT_HOME=$PWD/home
# What is measured at the end: records of the test set for perplexity, and of these how many for exact match.
records=${RECORDS:-200} questions=${QUESTIONS:-50}
# What the emulator is distilled on, and what compress, tune and audit compute in.
tokens=${DISTILL_TOKENS:-32768} compute=${COMPUTE:-f32}

step() { printf '\n== %s\n' "$*"; }
say() {
    local start=$SECONDS status=0
    printf '$ fsot %s\n' "$*"
    "$fsot" "$@" || status=$?
    printf '(%d s)\n' $((SECONDS - start))
    return "$status"
}

step "Thirds of the training set, of which each holder brings 8 %"
[ -d parts ] || say data split "$gsm8k/train.jsonl" --by iid --parts 3 --ratios 0.08,0.02,0.9 --seed 1 -o parts

step "Coins: who is trained on"
[ -d plan ] || say audit plan --data parts/part-{1,2,3}/train.jsonl --seed 1 --holdout 0.5 -o plan

step "The emulator: half of the middle, distilled on public text"
[ -d emulator ] || say compress "$model" --keep 0.5 --public-data "$public" \
    --distill-tokens "$tokens" --seed 1 --compute "$compute" -o emulator

step "Tuning under secure aggregation"
[ -d run/adapter ] || say tune emulator --plan plan --rounds 5 --local-steps 12 --batch 4 --lr 1e-4 \
    --seed 1 --compute "$compute" -o run

step "Back into the full model"
[ -d plugged ] || say plug "$model" run -o plugged

step "Perplexity of the answers of $records test records nobody saw"
tasks=(--tasks "$gsm8k/test.jsonl" --limit "$records" --max-length 512)
say eval "$model" "${tasks[@]}"
say eval emulator "${tasks[@]}"
say eval emulator --adapter run/adapter "${tasks[@]}"
say eval plugged "${tasks[@]}"

step "Exact match on $questions test questions"
tasks=(--tasks "gsm8k=$gsm8k/test.jsonl" --limit "$questions")
say eval "$model" "${tasks[@]}"
say eval plugged "${tasks[@]}"

step "The audit"
status=0
[ -d report ] || say audit run run --model "$model" --suite "$suite" --compute "$compute" \
    --title "GSM8K thirds, half of the middle kept" -o report || status=$?
case $status in
    0 | 2 | 3 | 4) echo "Exit code of the audit: $status. Report: $PWD/report/report.html" ;;
    *) exit "$status" ;;
esac
