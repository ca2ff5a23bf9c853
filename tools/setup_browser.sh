#!/usr/bin/env bash
# Make sure that a browser is here: the tests of the admin pages look at them as people do.
set -euo pipefail

have() { command -v chromium >/dev/null 2>&1; }

have && exit 0
if [[ "$(id -u)" -eq 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing Chromium (only the tests need it)"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi
have && exit 0
echo "The tests of the admin pages need Chromium. Run as root: apt-get install chromium" >&2
exit 1
