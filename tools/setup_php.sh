#!/usr/bin/env bash
# Make sure that PHP, its extensions and PHPUnit are here: the tests of the WordPress plugin.
set -euo pipefail

have() {
  command -v php >/dev/null 2>&1 && command -v phpunit >/dev/null 2>&1 &&
    php -r 'foreach (["curl", "mbstring", "pdo_sqlite", "sodium", "xml", "zip"] as $one) {
      if (!extension_loaded($one)) { exit(1); }
    }'
}

have && exit 0
if [[ "$(id -u)" -eq 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing PHP and PHPUnit (only the tests need them)"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    php-cli php-curl php-mbstring php-sqlite3 php-xml php-zip phpunit >/dev/null
fi
have && exit 0
echo "The tests of the WordPress plugin need PHP and PHPUnit. Run as root:" >&2
echo "  apt-get install php-cli php-curl php-mbstring php-sqlite3 php-xml php-zip phpunit" >&2
exit 1
