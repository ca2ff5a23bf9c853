#!/usr/bin/env bash
# Make sure that the brokers' programs are here: the tests start brokers of their own.
set -euo pipefail

missing() {
  command -v redis-server >/dev/null 2>&1 || echo redis-server
  [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || echo rabbitmq-server
}

wanted="$(missing)"
[[ -z "$wanted" ]] && exit 0
if [[ "$(id -u)" -eq 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing" $wanted "(only the tests need it)"
  # No service of its own: while this file says 101, nothing that is installed starts.
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e "$policy" ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $wanted >/dev/null
  # They would start with the machine's next boot.
  if command -v systemctl >/dev/null; then
    # shellcheck disable=SC2086
    systemctl disable $wanted >/dev/null 2>&1 || true
  fi
fi
wanted="$(missing)"
[[ -z "$wanted" ]] && exit 0
echo "The tests need the brokers' programs. Run as root: apt-get install" $wanted >&2
exit 1
