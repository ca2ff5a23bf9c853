#!/usr/bin/env bash
# Make sure that PostgreSQL's server programs are here: the tests start their own cluster.
set -euo pipefail

have() { command -v pg_ctl >/dev/null 2>&1 || compgen -G '/usr/lib/postgresql/*/bin/pg_ctl' >/dev/null; }

have && exit 0
if [[ "$(id -u)" -eq 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing the PostgreSQL server programs (only the tests need them)"
  # No cluster of its own: the tests make theirs and remove it.
  mkdir -p /etc/postgresql-common
  [[ -e /etc/postgresql-common/createcluster.conf ]] ||
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql >/dev/null
fi
have && exit 0
echo "The tests need PostgreSQL's server programs. Run as root: apt-get install postgresql" >&2
exit 1
