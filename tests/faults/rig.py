"""A whole installation under test: the program, its shops, its store, and the judge.

Long because a run is one thing: what is started here is broken, read and judged together.
"""

import hashlib
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from adapters.storage.tables import effects, inbox
from connector.errors import StorageUnavailable
from connector.secret import Secret
from connector.settings import Settings
from tests.broker import Broker
from tests.faults.balancer import Balancer
from tests.faults.checker import OPEN, Evidence, StoredDelivery, Verdict, judge
from tests.faults.history import History, read_history
from tests.faults.nursery import BROKER, Nursery
from tests.faults.program import Program, quiet_port
from tests.faults.shops import (
    RULES,
    WRITES,
    Shop,
    buy,
    forgive,
    platform_of,
    seen_orders,
    sender_of,
    shopify,
    woocommerce,
)
from tests.postgresql import Cluster
from tests.support import until
from webhooks.exports import export_lines
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.shops import connect_shopify, connect_woocommerce
from webhooks.wiring import Application, open_application

_SETTLED_S = 600.0


class Rig:
    """One run: used as a context manager, judged at its end.

    Args:
        folder: for the store, the logs and the history.
        planted: name of a bug to plant in the program.
        database_url: another database than SQLite in `folder`.
        platforms: the pretend shops.
        options: of the launcher, like `--lease-s 3`.
        senders: webhooks that leave each shop side by side.
        cluster: the server under the store, where the run breaks it.
        broker: carries rings; then there are two receivers and two workers.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        planted: str = "",
        database_url: str = "",
        platforms: Sequence[str] = ("woocommerce", "shopify"),
        options: Sequence[str] = (),
        data_dir: Path | None = None,
        senders: int = 4,
        poll_interval_s: float = 5.0,
        log_level: str = "WARNING",
        cluster: Cluster | None = None,
        broker: Broker | None = None,
    ) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.data_dir = data_dir or folder / "data"
        self.data_dir.mkdir(exist_ok=True)
        self.history = History(folder / "history.jsonl", seed)
        self.balancer = None if broker is None else Balancer()
        self.port = quiet_port() if self.balancer is None else self.balancer.port
        self.url = f"http://127.0.0.1:{self.port}"
        self.shops: list[Shop] = [
            (woocommerce if name == "woocommerce" else shopify)(self.history, senders)
            for name in platforms
        ]
        self.bought = 0
        self._platform_of_id: dict[str, str] = {}
        self._stack = ExitStack()
        self._settings = Settings(
            data_dir=self.data_dir,
            base_url=self.url,
            database_url=Secret(database_url),
            allow_private_hosts=True,
            allow_http=True,
            log_level="WARNING",
        )
        self._folder = folder
        self._options = [*options, *(["--planted", planted] if planted else [])]
        self._env = {
            **{
                name: text for name, text in os.environ.items() if not name.startswith("POSTVENTA_")
            },
            "POSTVENTA_DATA_DIR": str(self.data_dir),
            "POSTVENTA_DATABASE_URL": database_url,
            "POSTVENTA_BASE_URL": self.url,
            "POSTVENTA_ALLOW_HTTP": "true",
            "POSTVENTA_ALLOW_PRIVATE_HOSTS": "true",
            "POSTVENTA_LOG_LEVEL": log_level,
            "POSTVENTA_POLL_INTERVAL_S": str(poll_interval_s),
            # An hour of kills buys more than any shop: nothing may wait for the next one.
            "POSTVENTA_MAX_COUPONS_PER_HOUR": "1000000",
            "POSTVENTA_MAX_MESSAGES_PER_HOUR": "1000000",
            **({BROKER: broker.url} if broker is not None else {}),
        }
        self._nursery = Nursery(self._options, self._env, folder / "nursery.log")
        self._names: Counter[str] = Counter()
        ports = [self.port]
        if self.balancer is not None:
            self.balancer.ports = ports = [quiet_port(), quiet_port()]
        self.receivers = [
            self.program("serve", "--port", str(port), "--no-worker") for port in ports
        ]
        self.workers = [self.program("worker", "--threads", "3") for _ in ports]
        # Scenes with one of each, and those that replace it.
        self.serve, self.worker = self.receivers[0], self.workers[0]
        self.app: Application
        self.cluster = cluster
        self.broker = broker

    @property
    def programs(self) -> list[Program]:
        """Give all programs, receivers first."""
        return [*self.receivers, *self.workers]

    def program(self, *command: str, options: Sequence[str] = ()) -> Program:
        """Describe one more process of this installation."""
        self._names[command[0]] += 1
        number = self._names[command[0]]
        return Program(
            command,
            name=command[0] if number == 1 else f"{command[0]}-{number}",
            # Other options need a reading of the code of their own.
            nursery=None if options else self._nursery,
            env=self._env,
            folder=self._folder,
            history=self.history,
            options=[*self._options, *options],
            ready="Listening on" if command[0] == "serve" else "Working;",
        )

    def __enter__(self) -> Self:
        """Start the shops and the store; the program is started by the test."""
        print(f"\nseed {self.seed}, history in {self.history.path}")  # noqa: T201 - to repeat a run
        self._stack.callback(self.history.close)
        self._stack.callback(self._nursery.close)
        try:
            if self.balancer is not None:
                self._stack.enter_context(self.balancer)
            for shop in self.shops:
                self._stack.enter_context(shop)
            self.app = self._stack.enter_context(open_application(self._settings))
        except BaseException:
            self._stack.close()
            raise
        self._stack.callback(self.stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        self._stack.close()

    def connect(self) -> None:
        """Connect the shops as their owner would, and store the rules."""
        import yaml

        for shop in self.shops:
            if isinstance(shop, WooShop):
                made = connect_woocommerce(
                    self.app,
                    name="Woo",
                    url=shop.keys.url,
                    consumer_key=shop.consumer_key,
                    consumer_secret=shop.consumer_secret,
                )
            else:
                made = connect_shopify(
                    self.app,
                    name="Shopify",
                    shop=shop.domain,
                    client_id=shop.client_id,
                    client_secret=shop.client_secret,
                    api_url=shop.api_url,
                )
            self._platform_of_id[made["id"]] = platform_of(shop)
            with self.app.storage.transaction() as tx:
                for rule in yaml.safe_load(RULES)["rules"]:
                    tx.put_rule(
                        made["id"], rule["id"], rule, enabled=True, now=self.app.clock.now()
                    )

    def start(self, *, worker: bool = True) -> None:
        """Start the server and the worker, and connect the shops the first time."""
        wanted = self.programs if worker else list(self.receivers)
        for program in wanted:
            program.start()
        for program in wanted:
            program.wait_ready()
        if not self._platform_of_id:
            self.connect()

    def stop(self) -> None:
        """Stop all programs, workers first; the one in `serve` or `worker` may be another."""
        for program in dict.fromkeys([self.worker, *self.workers, self.serve, *self.receivers]):
            program.stop()

    def buy(self, times: int = 1, **more: Any) -> list[str]:
        """Place orders, each in a shop drawn by chance."""
        placed = []
        for _ in range(times):
            self.bought += 1
            shop = self.chance.choice(self.shops)
            placed.append(buy(shop, self.bought, self.chance, **more))
            forgive(shop)
        return placed

    def lose_answers(self, share: float) -> None:
        """Let the shops do a share of the writes and then close without an answer."""
        self.history.write("fault", mode="drop_after", share=share)
        for shop in self.shops:
            for match in WRITES[platform_of(shop)]:
                shop.faults.add(Fault("drop_after", match=match, times=None, share=share))

    def heal(self) -> None:
        """End all faults of the shops."""
        self.history.write("healed")
        for shop in self.shops:
            shop.faults.clear()
            forgive(shop)

    def effects(self) -> list[dict[str, Any]]:
        """Read the effects as they are exported, with the platform for the shop."""
        lines = list(export_lines(self.app, "effects"))
        return [{**line, "shop": self._platform_of_id[line["shop"]]} for line in lines]

    def snapshot(self) -> None:
        """Write the effects of this instant into the history."""
        kept = ("key", "state", "done_at")
        lines = [{name: line[name] for name in kept} for line in self.effects()]
        self.history.write("effects", lines=lines)

    def deliveries(self) -> list[StoredDelivery]:
        """Read the stored webhooks."""
        query = sa.select(inbox.c.shop_id, inbox.c.topic, inbox.c.body, inbox.c.state)
        with self.app.storage.reading() as tx:
            rows = tx.connection.execute(query.where(inbox.c.source == "webhook")).all()
        return [
            StoredDelivery(
                self._platform_of_id[row.shop_id],
                row.topic,
                hashlib.sha256(row.body).hexdigest(),
                row.state,
            )
            for row in rows
        ]

    def held(self) -> set[tuple[str, int]]:
        """Name the claims that somebody holds or held when it died: row and fence."""
        sending = sa.select(effects.c.key, effects.c.fence).where(sa.text("state = 'sending'"))
        working = sa.select(inbox.c.id, inbox.c.fence).where(sa.text("state = 'working'"))
        with self.app.storage.reading() as tx:
            rows = [*tx.connection.execute(sending), *tx.connection.execute(working)]
        return {(str(row[0]), row[1]) for row in rows}

    def on_the_way(self) -> int:
        """Count the webhooks that have left a shop and have no answer yet."""
        return sum(sender_of(shop).on_the_way for shop in self.shops)

    def acked(self) -> int:
        """Count the deliveries that were answered with 200 so far."""
        return sum(
            1
            for line in read_history(self.history.path)
            if line["event"] == "webhook" and line["status"] == 200
        )

    def settled(self) -> bool:
        """Tell whether everything that was bought was worked off to its end."""
        if not all(sender_of(shop).wait_idle(1.0) for shop in self.shops):
            return False
        try:
            with self.app.storage.reading() as tx:
                counts = tx.counts()
            known = sum(1 for _ in export_lines(self.app, "orders"))
        except StorageUnavailable:
            return False
        waiting = sum(counts.deliveries.get(name, 0) for name in ("waiting", "working"))
        under_way = sum(counts.effects.get(name, 0) for name in OPEN)
        return known >= self.bought and waiting == 0 and under_way == 0

    def settle(self, within_s: float = _SETTLED_S) -> bool:
        """Wait until everything is settled; the judge says what was not."""
        ends = time.monotonic() + within_s
        in_a_row = 0
        while time.monotonic() < ends:
            # Twice: the last write of all made the shop send one more webhook.
            in_a_row = in_a_row + 1 if self.settled() else 0
            if in_a_row == 2:
                return True
            time.sleep(0.3)
        return False

    def settle_inbox(self) -> None:
        """Wait until every webhook has left its shop."""
        until(lambda: all(sender_of(shop).wait_idle(5.0) for shop in self.shops), within_s=300)

    def integrity(self) -> str:
        """Let SQLite check every page; PostgreSQL has no such check."""
        if self.app.storage.facts().kind != "sqlite":
            return "ok"
        with self.app.storage.reading() as tx:
            return str(tx.connection.exec_driver_sql("PRAGMA integrity_check").scalar_one())

    def judge(self) -> Verdict:
        """Stop the program and judge what the run has left."""
        self.stop()
        with self.app.storage.reading() as tx:
            counts = dict(tx.counts().effects)
        orders = [order for shop in self.shops for order in seen_orders(shop)]
        evidence = Evidence(
            list(read_history(self.history.path)),
            self.deliveries(),
            self.effects(),
            {str(name): count for name, count in counts.items()},
            orders,
            self.integrity(),
        )
        return judge(evidence)
