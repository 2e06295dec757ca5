#!/usr/bin/env bash
# Builds the benchmark, makes the environment of its peer once, and compares: bench.sh MODEL VENV [run.py's options]
set -euo pipefail
model=$1 venv=$2
shift 2
wanted=Benchmarks/peer/requirements.txt
swift build -c release --package-path Benchmarks
if ! cmp -s "$wanted" "$venv/installed.txt"; then
    python3 -m venv "$venv" || { echo "error: python3 with venv is needed; run: apt-get install python3-venv" >&2; exit 1; }
    echo "installing PyTorch, transformers and peft into $venv" >&2
    # PIP_EXTRA_INDEX_URL and the like choose where a build of torch for the CPU comes from.
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
    cp "$wanted" "$venv/installed.txt"
fi
exec python3 Benchmarks/run.py --model "$model" "$@"
