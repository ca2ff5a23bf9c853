#!/usr/bin/env bash
# Make sure that the Redis server program is here: the tests start their own broker.
set -euo pipefail

have() { command -v redis-server >/dev/null 2>&1; }

have && exit 0
if [[ "$(id -u)" -eq 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing the Redis server program (only the tests need it)"
  # No service of its own: while this file says 101, nothing that is installed starts.
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e "$policy" ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends redis-server >/dev/null
  # It would start with the machine's next boot.
  if command -v systemctl >/dev/null; then
    systemctl disable redis-server >/dev/null 2>&1 || true
  fi
fi
have && exit 0
echo "The tests need the Redis server program. Run as root: apt-get install redis-server" >&2
exit 1
