"""Run the real commands in this process, as a person in a terminal would."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from connector.model.order import ShopId
from connector.settings import Settings
from connector.storage.records import ShopRecord
from webhooks.cli.main import main
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.wiring import Application, open_application

BASE_URL = "http://127.0.0.1:9"
"""Nobody listens there, so webhooks of the pretend shops never arrive."""


@dataclass(frozen=True)
class Cli:
    """Commands over one data folder."""

    folder: Path
    env: dict[str, str | None] = field(default_factory=dict)

    def run(self, *args: str, env: dict[str, str | None] | None = None, typed: str = "") -> Result:
        """Run one command."""
        values: dict[str, str | None] = {
            "POSTVENTA_DATA_DIR": str(self.folder),
            "POSTVENTA_BASE_URL": BASE_URL,
            "POSTVENTA_ALLOW_HTTP": "true",
            "POSTVENTA_ALLOW_PRIVATE_HOSTS": "true",
            **self.env,
            **(env or {}),
        }
        return CliRunner().invoke(main, args, env=values, input=typed, prog_name="postventa")

    def ok(self, *args: str, env: dict[str, str | None] | None = None) -> str:
        """Run a command that must succeed; give its stdout."""
        result = self.run(*args, env=env)
        assert result.exit_code == 0, (args, result.stdout, result.stderr, result.exception)
        return result.stdout

    def data(self, *args: str) -> Any:
        """Run a command that must succeed; read its JSON."""
        return json.loads(self.ok(*args, "--json"))

    def lines(self, *args: str) -> list[Any]:
        """Run a command that must succeed; read its JSON lines."""
        return [json.loads(line) for line in self.ok(*args).splitlines()]

    def refused(
        self,
        *args: str,
        says: str,
        code: int = 2,
        env: dict[str, str | None] | None = None,
    ) -> str:
        """Run a command that must end with a code and a sentence on stderr."""
        result = self.run(*args, env=env)
        # Long sentences of click are folded; the words count, not the line breaks.
        told = " ".join(result.stderr.split())
        assert (result.exit_code, says in told) == (code, True), (args, told, result.exception)
        assert "Traceback" not in result.stderr
        return told

    def add(self, shop: WooShop | ShopifyShop, *more: str, name: str = "Mi tienda") -> Any:
        """Connect a pretend shop."""
        return self.data(*added(shop, name), *more)

    @contextmanager
    def opened(self) -> Iterator[Application]:
        """Open the store of these commands, to look at what no command shows."""
        settings = Settings(data_dir=self.folder, allow_private_hosts=True, allow_http=True)
        with open_application(settings) as app:
            yield app

    def shop(self, shop_id: str) -> ShopRecord:
        """Read a shop from the store."""
        with self.opened() as app, app.storage.reading() as tx:
            shop = tx.shop(ShopId(shop_id))
        assert shop is not None
        return shop


def added(shop: WooShop | ShopifyShop, name: str = "Mi tienda") -> list[str]:
    """Give the command that connects a pretend shop."""
    if isinstance(shop, WooShop):
        return [
            *("shops", "add", "woocommerce", "--name", name, "--url", shop.url),
            *("--consumer-key", shop.consumer_key, "--consumer-secret", shop.consumer_secret),
        ]
    return [
        *("shops", "add", "shopify", "--name", name, "--shop", shop.domain),
        *("--client-id", shop.client_id, "--client-secret", shop.client_secret),
        *("--api-url", shop.api_url),
    ]
