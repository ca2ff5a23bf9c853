#!/usr/bin/env bash
# Make .venv with Python 3.11 and install the project with its pinned packages.
set -euo pipefail
cd "$(dirname "$0")/.."

find_python() {
  for candidate in python3.11 python3; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 11))'; then
      command -v "$candidate"
      return
    fi
  done
}

python=$(find_python)
if [[ -z "$python" ]]; then
  echo "Postventa needs Python 3.11. On Debian 12: apt-get install python3 python3-venv" >&2
  exit 1
fi
if [[ ! -x .venv/bin/pip ]]; then
  rm -rf .venv
  if ! "$python" -m venv .venv 2>/dev/null; then
    # Debian ships venv apart from Python.
    if [[ "$(id -u)" -eq 0 ]] && command -v apt-get >/dev/null; then
      apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null
      rm -rf .venv
      "$python" -m venv .venv
    else
      echo "Python's venv module is missing. Run as root: apt-get install python3-venv" >&2
      exit 1
    fi
  fi
fi
echo "Installing Python packages into .venv (about half a minute the first time)"
.venv/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
touch .venv/.ready
