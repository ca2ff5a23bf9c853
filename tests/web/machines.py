"""Several machines in one: receivers and workers as real processes, one database, one broker."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests

from connector.settings import Settings
from tests.support import free_port, until
from tests.web.connected import ANA, ask, merchant_sees
from webhooks.exports import export_lines
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.shops import connect_woocommerce
from webhooks.wiring import Application, open_application

NOTE = "Pagado"
RULE = {
    "id": "paid-note",
    "name": "Paid",
    "trigger": "order.paid",
    "actions": [{"note": {"text": NOTE, "to_buyer": False}}],
    "enabled": True,
}
_AGE = timedelta(minutes=10)
_MICROSECOND = timedelta(microseconds=1)


class Process:
    """One `postventa` process and what it logs."""

    def __init__(self, folder: Path, number: int, variables: Mapping[str, str], *args: str) -> None:
        self.log = folder / f"{args[0]}-{number}.log"
        program = str(Path(sys.executable).with_name("postventa"))
        clean = {name: text for name, text in os.environ.items() if "POSTVENTA_" not in name}
        with self.log.open("wb") as stream:
            self._running = subprocess.Popen(  # noqa: S603 - our own program
                [program, *args],
                env=clean | dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stream,
            )

    def said(self, text: str) -> bool:
        """Tell whether the log holds a text."""
        return text in self.log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._running.kill()
        self._running.wait(60)

    def ask_to_end(self) -> None:
        """Send the signal that a service manager sends."""
        if self._running.poll() is None:
            self._running.send_signal(signal.SIGTERM)

    def ended_well(self) -> bool:
        """Wait for the end; tell whether it was an orderly one, or the kill of the test."""
        try:
            return self._running.wait(60) in {0, -signal.SIGKILL}
        except subprocess.TimeoutExpired:
            self.kill()
            return False


class Machines:
    """One installation on several machines.

    Args:
        folder: of the key that all share.
        database_url: of an empty PostgreSQL database.
        broker_url: of the broker; it need not be there.
    """

    def __init__(self, folder: Path, database_url: str, broker_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._database_url = database_url
        self.variables = {
            "POSTVENTA_DATA_DIR": str(folder),
            "POSTVENTA_DATABASE_URL": database_url,
            "POSTVENTA_BROKER_URL": broker_url,
            "POSTVENTA_BASE_URL": self.url,
            "POSTVENTA_ALLOW_HTTP": "true",
            "POSTVENTA_ALLOW_PRIVATE_HOSTS": "true",
            # No webhook is lost here; what is found must come from the inbox.
            "POSTVENTA_POLL_INTERVAL_S": "3600",
        }
        self._started: list[Process] = []
        self.app: Application

    @contextmanager
    def opened(self) -> Iterator["Machines"]:
        """Open the store for the test; stop all processes at the end."""
        settings = load(self.variables)
        with open_application(settings) as self.app:
            try:
                yield self
            finally:
                for process in self._started:
                    process.ask_to_end()
                bad = [process.log.name for process in self._started if not process.ended_well()]
                # Shown when the test failed.
                for process in self._started:
                    sys.stderr.write(process.log.read_text(encoding="utf-8"))
        assert bad == []

    def start(self, *args: str, ready: str) -> Process:
        """Start a process and wait until it says that it works."""
        process = Process(self._folder, len(self._started), self.variables, *args)
        self._started.append(process)
        until(lambda: process.said(ready), what=f"{args[0]}: {ready}")
        return process

    def receiver(self) -> Process:
        """Start a server that only rings."""
        return self.start("serve", "--port", str(self.port), ready="Listening on")

    def worker(self, *, ready: str = "bell.listening") -> Process:
        """Start a worker and wait until it hears the bell."""
        return self.start("worker", "--threads", "2", ready=ready)

    def connect(self, sandbox: WooShop) -> None:
        """Connect a pretend shop, with one rule."""
        made = connect_woocommerce(
            self.app,
            name="Woo",
            url=sandbox.url,
            consumer_key=sandbox.consumer_key,
            consumer_secret=sandbox.consumer_secret,
        )
        with self.app.storage.transaction() as tx:
            tx.put_rule(made["id"], RULE["id"], RULE, enabled=True, now=self.app.clock.now())

    def states(self) -> list[str]:
        """Give the state of every effect."""
        return [line["state"] for line in export_lines(self.app, "effects", None)]

    def figure(self, name: str) -> float:
        """Read one figure of the receiver's metrics."""
        text = requests.get(f"{self.url}/metrics", timeout=60).text
        line = next(line for line in text.splitlines() if line.startswith(name))
        return float(line.rpartition(" ")[2])

    def age(self, *, killed: bool = False) -> None:
        """Let ten minutes pass for what waits for a look-up; if `killed` for all that is open."""
        with psycopg.connect(self._database_url) as connection:
            states = ["unknown", *(["sending"] if killed else [])]
            rows = connection.execute(
                "SELECT id, result FROM effects WHERE state = ANY(%s) FOR UPDATE", (states,)
            ).fetchall()
            for number, text in rows:
                result = json.loads(text)
                if "unknown_since" in result:
                    since = datetime.fromisoformat(result["unknown_since"]) - _AGE
                    result["unknown_since"] = since.isoformat()
                connection.execute(
                    "UPDATE effects SET due_at = due_at - %s, result = %s WHERE id = %s",
                    (_AGE // _MICROSECOND, json.dumps(result), number),
                )
            if killed:
                connection.execute(
                    "UPDATE inbox SET due_at = due_at - %s WHERE state = 'working'",
                    (_AGE // _MICROSECOND,),
                )
        # No worker can know that time went by.
        self.app.bell.ring("")

    def all_done(self, orders: int) -> bool:
        """Tell whether every order has had its effect."""
        states = self.states()
        if "unknown" in states:
            self.age()
        return states == ["done"] * orders


def load(variables: Mapping[str, str]) -> Settings:
    """Read settings as a process does."""
    from connector.settings import load_settings

    return load_settings(variables)


def place(sandbox: WooShop, count: int) -> list[str]:
    """Place paid orders; give their references."""
    return [str(ask(sandbox, "POST", "/_sandbox/orders", ANA)["id"]) for _ in range(count)]


def notes(sandbox: WooShop) -> dict[str, int]:
    """Count our notes on each order."""
    return {
        str(order["id"]): sum(note["text"].count(NOTE) for note in order["notes"])
        for order in merchant_sees(sandbox)["orders"]
    }


def answered(sandbox: WooShop, orders: list[str]) -> bool:
    """Tell whether a webhook of each order was answered with 200; no other answer is fine."""
    log: list[dict[str, Any]] = merchant_sees(sandbox)["deliveries"]
    about = [entry for entry in log if str(entry["order"]) in orders]
    assert {entry["status"] for entry in about} <= {200}, about
    return {str(entry["order"]) for entry in about} == set(orders)
