#!/usr/bin/env bash
# Make sure that strace and faketime are here: the fault tests break calls and clocks.
set -euo pipefail

have() { command -v strace >/dev/null 2>&1 && command -v faketime >/dev/null 2>&1; }

have && exit 0
if [[ "$(id -u)" -eq 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing strace and faketime (only the tests need them)"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends strace faketime >/dev/null
fi
have && exit 0
echo "The fault tests need strace and faketime. Run as root: apt-get install strace faketime" >&2
exit 1
