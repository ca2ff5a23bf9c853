"""A real WordPress on SQLite, with the plugin from its zip and a stand-in for WooCommerce."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from tests.support import free_port, until
from tools.build_plugin import build
from webhooks.sandbox.woocommerce.auth import Keys
from webhooks.sandbox.woocommerce.shop import WooShop

ROOT: Final = Path(__file__).parents[2]
CODE: Final = ROOT / ".wordpress"
STAND_IN: Final = Path(__file__).parent / "stand_in"
_WORKERS: Final = "4"
_CONFIG: Final = """<?php
define( 'DB_NAME', 'wordpress' );
define( 'DB_USER', '' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', '' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
define( 'CONCATENATE_SCRIPTS', false );
define( 'DISABLE_WP_CRON', true );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1' );
define( 'WP_ENVIRONMENT_TYPE', 'local' );
define( 'WP_DEBUG', true );
define( 'WP_DEBUG_DISPLAY', false );
define( 'WP_DEBUG_LOG', __DIR__ . '/debug.log' );
%s
$table_prefix = 'wp_';
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
"""
_SALTS: Final = ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE")


@dataclass(frozen=True)
class Site:
    """A running WordPress.

    Attributes:
        sandbox: the pretend shop whose REST API it shows under its own address.
    """

    url: str
    folder: Path
    sandbox: WooShop
    env: dict[str, str]

    def debug_log(self) -> str:
        """Give what PHP complained about."""
        log = self.folder / "debug.log"
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def php(self, code: str) -> str:
        """Run some PHP inside of this WordPress."""
        start = f"require {json.dumps(str(self.folder / 'wp-load.php'))};"
        return run([php(), "-r", f"$_SERVER['REQUEST_URI']='/';{start}{code}"], self.env)

    def order(self, data: dict[str, Any]) -> Any:
        """Place an order in the shop."""
        answer = requests.post(f"{self.sandbox.url}/_sandbox/orders", json=data, timeout=60)
        requests.post(f"{self.sandbox.url}/_sandbox/queue", timeout=60)
        return answer.json()


@contextmanager
def wordpress(folder: Path) -> Iterator[Site]:
    """Install and serve a WordPress in an empty folder."""
    run([sys.executable, str(ROOT / "tools/fetch_wordpress.py")])
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with WooShop() as sandbox:
        # The API is reached under the site's address, so it is signed for that one.
        sandbox.keys = Keys(url, sandbox.consumer_key, sandbox.consumer_secret, "read_write")
        config = {
            "consumer_key": sandbox.consumer_key,
            "consumer_secret": sandbox.consumer_secret,
            "sandbox": sandbox.url,
        }
        env = {
            **os.environ,
            "STANDIN_CONFIG": json.dumps(config),
            "PHP_CLI_SERVER_WORKERS": _WORKERS,
        }
        _put(folder)
        run([php(), str(STAND_IN / "install.php"), str(folder), url], env)
        command = [php(), "-d", "variables_order=EGPCS", "-S", f"127.0.0.1:{port}", "-t"]
        log = folder / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(  # noqa: S603 - PHP's own server on a free port
                [*command, str(folder), str(STAND_IN / "router.php")],
                env=env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                until(lambda: _answers(url), what="WordPress answers")
                yield Site(url, folder, sandbox, env)
            finally:
                os.killpg(server.pid, 15)
                server.wait(timeout=30)


def php() -> str:
    """Find PHP."""
    found = shutil.which("php")
    assert found is not None, "PHP is missing: run `bash tools/setup_php.sh`"
    return found


def run(command: list[str], env: dict[str, str] | None = None) -> str:
    """Run a program that has to end well; give what it printed."""
    done = subprocess.run(  # noqa: S603 - commands of these tests
        command, capture_output=True, text=True, env=env, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _put(folder: Path) -> None:
    shutil.copytree(CODE, folder, dirs_exist_ok=True, copy_function=_linked)
    (folder / "wp-config.php").unlink()
    plugins = folder / "wp-content/plugins"
    with zipfile.ZipFile(build(folder / "zip")) as archive:
        archive.extractall(plugins)
    (plugins / "woocommerce").mkdir()
    shutil.copy(STAND_IN / "woocommerce.php", plugins / "woocommerce")
    shutil.copy(plugins / "sqlite-database-integration/db.copy", folder / "wp-content/db.php")
    salts = "\n".join(
        f"define( '{name}_{kind}', '{name.lower()}-{kind.lower()}-of-a-test' );"
        for name in _SALTS
        for kind in ("KEY", "SALT")
    )
    (folder / "wp-config.php").write_text(_CONFIG % salts, encoding="utf-8")


def _linked(source: str, target: str) -> str:
    """Share a file that nobody changes; copy it where that cannot be done."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/wp-login.php", timeout=30).status_code == 200
    except requests.ConnectionError:
        return False
