"""The stage of the demo: both pretend shops, a real server, workers, connected shops."""

import errno
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.channels.demo.adapter import DemoChannel
from connector.errors import PostventaError
from connector.model.order import ShopId
from connector.settings import Settings
from webhooks.demo.rules import DemoRule, demo_rules, store_rules
from webhooks.sandbox.shopify.schema import SchemaMissing
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.serve import WorkerPool
from webhooks.server import WebServer
from webhooks.shops import connect_shopify, connect_woocommerce
from webhooks.wiring import Application, open_application

HOST: Final = "127.0.0.1"
WORKERS: Final = 4
# Webhooks leave the pretend shops this long after what they tell of.
QUEUE_S: Final = 0.1
# The story asks the shop itself when webhooks were lost; the poller need not.
POLL_S: Final = 3_600.0
CONTACT: Final = "hola@example.com"
_BINDING_TRIES: Final = 5


class CannotStart(Exception):
    """The demo cannot start; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the story plays on.

    Attributes:
        registered: webhooks made in both shops.
        outbox: where messages end up: nothing leaves this machine.
    """

    app: Application
    url: str
    woo: WooShop
    woo_id: ShopId
    shopify: ShopifyShop
    shopify_id: ShopId
    rules: tuple[DemoRule, ...]
    registered: int
    outbox: DemoChannel


@contextmanager
def set_stage(folder: Path, port: int | None) -> Iterator[Stage]:
    """Start everything and connect the shops as an owner would; stop it at the end.

    Args: port: of the server; None takes a free one.
    Raises: CannotStart: with what to do about it.
    """
    if port is not None:
        _refuse_taken(port)
    with ExitStack() as stack:
        stack.enter_context(_log_in(folder / "demo.log"))
        try:
            woo = stack.enter_context(WooShop(queue_interval_s=QUEUE_S))
            shopify = stack.enter_context(ShopifyShop(queue_interval_s=QUEUE_S))
        except SchemaMissing as err:
            raise CannotStart(
                "The published Shopify schema is missing, on which the pretend Shopify is "
                "built. Run `make deps` first."
            ) from err
        app, url = _serve(stack, folder, port)
        yield _connect(app, url, woo, shopify)


def _serve(stack: ExitStack, folder: Path, port: int | None) -> tuple[Application, str]:
    """Start server and workers.

    Its address goes into the settings before it listens, so a free port is found first
    and another one tried when somebody was quicker.
    """
    for tries_left in reversed(range(_BINDING_TRIES)):
        number = port or _free_port()
        url = f"http://{HOST}:{number}"
        with ExitStack() as started:
            settings = Settings(
                data_dir=folder,
                base_url=url,
                allow_private_hosts=True,
                allow_http=True,
                poll_interval_s=POLL_S,
            )
            app = started.enter_context(open_application(settings))
            try:
                server = WebServer(app, host=HOST, port=number)
            except OSError as err:
                taken = err.errno == errno.EADDRINUSE
                if port is None and taken and tries_left:
                    continue
                raise CannotStart(_no_port(number, taken=taken)) from err
            thread = threading.Thread(target=server.run, name="server", daemon=True)
            thread.start()
            started.callback(thread.join, 30)
            started.callback(server.stop)
            pool = WorkerPool(app, threads=WORKERS, receiver=server.receiver)
            pool.start()
            started.callback(pool.stop)
            stack.push(started.pop_all())
            return app, url
    raise AssertionError  # the last round above returns or raises


def _refuse_taken(port: int) -> None:
    """Look at the port first: it takes seconds to build the pretend shops.

    Raises: CannotStart: it cannot be used.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as err:
            raise CannotStart(_no_port(port, taken=err.errno == errno.EADDRINUSE)) from err


def _no_port(number: int, *, taken: bool) -> str:
    what = "is taken by another program" if taken else "cannot be used"
    return (
        f"Port {number} {what}. Name another one with --port, or leave --port out and a free "
        "one is found."
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _connect(app: Application, url: str, woo: WooShop, shopify: ShopifyShop) -> Stage:
    try:
        made = [
            connect_woocommerce(
                app,
                name="La Tetera",
                url=woo.url,
                consumer_key=woo.consumer_key,
                consumer_secret=woo.consumer_secret,
                contact=CONTACT,
            ),
            connect_shopify(
                app,
                name="La Tetera Online",
                shop=shopify.domain,
                client_id=shopify.client_id,
                client_secret=shopify.client_secret,
                api_url=shopify.api_url,
                contact=CONTACT,
            ),
        ]
    except PostventaError as err:
        raise CannotStart(f"A pretend shop could not be connected: {err}") from err
    problems = [problem for line in made if not line["ok"] for problem in line["problems"]]
    if problems:
        raise CannotStart(f"A pretend shop could not be connected: {' '.join(problems)}")
    rules = demo_rules()
    woo_id, shopify_id = (ShopId(line["id"]) for line in made)
    store_rules(app, woo_id, rules)
    store_rules(app, shopify_id, rules)
    return Stage(
        app,
        url,
        woo,
        woo_id,
        shopify,
        shopify_id,
        rules,
        sum(len(line["registered"]) for line in made),
        _outbox(app),
    )


def _outbox(app: Application) -> DemoChannel:
    channel = app.engine.channels["email"]
    if not isinstance(channel, DemoChannel):
        raise CannotStart("The demo must not send real mails, and a mail server is set up.")
    return channel


@contextmanager
def _log_in(path: Path) -> Iterator[None]:
    """Keep the log in a file meanwhile: the terminal belongs to the story."""
    root, ours = logging.getLogger(), logging.getLogger("postventa")
    handlers, level = list(root.handlers), ours.level
    file = logging.FileHandler(path, encoding="utf-8")
    root.handlers[:] = [file]
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        ours.setLevel(level)
        file.close()
