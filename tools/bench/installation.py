"""An installation to measure: a data folder, one shop, its rules and its rows."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.tables import inbox
from adapters.storage.transaction import SqlTransaction
from connector.model.order import ShopId
from connector.secret import Secret
from connector.settings import load_settings
from connector.storage.port import Transaction
from connector.storage.records import ShopRecord, ShopState
from tools.bench.bodies import FIRST_NUMBER, SECRET, TOKEN, Template, headers, template
from webhooks.wiring import Application, open_application

SHOP_ID: Final = ShopId("sbench")
ORDER_BYTES: Final = 12 * 1024
_CHUNK: Final = 500
# Nobody listens there: a call to the shop would show as a failure.
_NOWHERE: Final = "http://127.0.0.1:9"
_numbers = itertools.count(FIRST_NUMBER + 500_000_000)


@dataclass(frozen=True, slots=True)
class Installation:
    """Where an installation keeps its data.

    Attributes:
        database_url: empty for SQLite in the folder.
        more: settings of its own, by the names of their variables.
    """

    folder: Path
    database_url: str = ""
    more: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """Give the settings as a process gets them."""
        return {
            "POSTVENTA_DATA_DIR": str(self.folder),
            "POSTVENTA_DATABASE_URL": self.database_url,
            "POSTVENTA_ALLOW_PRIVATE_HOSTS": "true",
            "POSTVENTA_ALLOW_HTTP": "true",
            "POSTVENTA_POLL_INTERVAL_S": "3600",
            **self.more,
        }

    @contextmanager
    def opened(self) -> Iterator[Application]:
        """Open it in this process."""
        with open_application(load_settings(self.variables)) as app:
            yield app

    def prepare(self, *, rules: int = 0, shops: int = 1, shop_url: str = _NOWHERE) -> None:
        """Make the tables, connect shops, store rules.

        Args: shop_url: where the shops answer; needed where something looks at them.
        """
        with self.opened() as app, app.storage.transaction() as tx:
            for number in range(shops):
                shop = shop_record(number, app.clock.now(), shop_url)
                tx.add_shop(shop)
                for source in map(rule, range(rules)):
                    tx.put_rule(shop.id, source["id"], source, enabled=True, now=app.clock.now())

    def add_waiting(self, count: int, *, shops: int = 1) -> None:
        """Put new orders into the inbox, as if they had just come."""
        now = datetime.now(UTC)
        order = template(ORDER_BYTES, now)
        rows = (
            _delivery(order, number, now, shops) for number in itertools.islice(_numbers, count)
        )
        with self.opened() as app:
            while chunk := list(itertools.islice(rows, _CHUNK)):
                with app.storage.transaction() as tx:
                    write_rows(tx, inbox, chunk)

    def forget_waiting(self) -> None:
        """Empty the inbox."""
        with self.opened() as app, app.storage.transaction() as tx:
            connection_of(tx).execute(inbox.delete())

    def counts(self) -> dict[str, int]:
        """Count inbox rows by their state."""
        with self.opened() as app, app.storage.reading() as tx:
            return {str(state): number for state, number in tx.counts().deliveries.items()}


def write_rows(tx: Transaction, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Write many rows at once, past the store's verbs."""
    connection_of(tx).execute(table.insert(), rows)


def connection_of(tx: Transaction) -> sa.Connection:
    """Give the connection under an open transaction of the store."""
    if not isinstance(tx, SqlTransaction):
        raise TypeError("only the SQL store can be filled")
    return tx.connection


def shop_record(number: int, now: datetime, url: str = _NOWHERE) -> ShopRecord:
    """Describe a connected shop; the first has the address that the load is sent to."""
    return ShopRecord(
        id=ShopId(f"{SHOP_ID}{number or ''}"),
        platform="woocommerce",
        name=f"Shop {number}",
        address=f"{url}/{number}",
        hook_token=TOKEN + (str(number) if number else ""),
        state=ShopState.CONNECTED,
        created_at=now - timedelta(days=30),
        settings={"url": url},
        secrets={
            "consumer_key": Secret("ck_" + "a" * 40),
            "consumer_secret": Secret("cs_" + "b" * 40),
            "webhook_secret": Secret(SECRET),
        },
        currency="EUR",
        timezone="Europe/Madrid",
        country="ES",
    )


def rule(number: int) -> dict[str, Any]:
    """Write one of many rules on paid orders; the first two act, a day later.

    The others have two to four conditions, and the one that fails is not always first.
    """
    conditions: list[dict[str, Any]] = [
        {"field": "order.total", "op": "gte", "value": "0.01"},
        {"field": "order.country", "op": "eq", "value": "ES" if number % 2 else "PT"},
        {"field": "buyer.order_count", "op": "eq", "value": 40 + number},
        {"not": {"field": "order.skus", "op": "contains", "value": f"SKU-{number}"}},
    ]
    chosen = conditions[:1] if number < 2 else conditions[: 2 + number % 3]  # noqa: PLR2004 - two
    if number >= 2:  # noqa: PLR2004 - see above
        chosen = [
            *chosen[:-1],
            {"field": "order.total", "op": "gte", "value": f"{9000 + number}.00"},
        ]
    return {
        "id": f"rule-{number}",
        "name": f"Rule {number}",
        "trigger": "order.paid",
        "conditions": {"all": chosen},
        "delay": "1d",
        "actions": [{"note": {"text": "Paid: {{ order.number }}", "to_buyer": False}}],
    }


def _delivery(order: Template, number: int, now: datetime, shops: int) -> dict[str, Any]:
    turn = number % shops
    return {
        "shop_id": f"{SHOP_ID}{turn or ''}",
        "key": f"bench:{number}",
        "source": "webhook",
        "topic": "order.updated",
        "lane": str(number),
        "state": "waiting",
        "received_at": now,
        "due_at": now,
        "headers": {name.lower(): value for name, value in headers().items()},
        "body": order.body(number),
    }
