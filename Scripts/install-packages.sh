#!/usr/bin/env bash
# Installs the system libraries that are missing, and the packages named as arguments. Silent when nothing is.
set -euo pipefail
wanted=(libopenblas-dev libsodium-dev libssl-dev zlib1g-dev pkg-config "$@")
missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
become=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "error: as root, run: apt-get install ${missing[*]}" >&2; exit 1; }
    become=(sudo)
fi
echo "installing ${missing[*]}" >&2
"${become[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${become[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
