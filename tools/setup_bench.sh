#!/usr/bin/env bash
# Make sure that the load generator wrk is here: only the benchmark needs it.
set -euo pipefail

have() { command -v wrk >/dev/null 2>&1; }

have && exit 0
if [[ "$(id -u)" -eq 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing wrk (only the benchmark needs it)"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends wrk >/dev/null
fi
have && exit 0
echo "The benchmark needs wrk. Run as root: apt-get install wrk" >&2
exit 1
