"""The bell over a broker passes the contract, and a broker's troubles cost nobody."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import redis

from adapters.bells.celery.bell import CeleryBell
from adapters.bells.celery.broker import MOST, QUEUE, trouble
from connector.errors import ConfigurationError
from connector.ports import Bell
from connector.secret import Secret
from tests.broker import Broker
from tests.contracts.bell import BellContract
from tests.support import free_port, until
from webhooks.sandbox.woocommerce.certificate import self_signed


class Events:
    """Keeps the events that a bell writes."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, **keys: Any) -> None:
        """Take one event."""
        self.seen.append((event, keys))

    def count(self, event: str) -> int:
        """Count one kind."""
        return sum(1 for name, _ in self.seen if name == event)


@pytest.fixture(scope="module")
def shared() -> Iterator[Broker]:
    """Give a broker that nobody stops."""
    with Broker() as broker:
        yield broker


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Give a broker of the test's own."""
    with Broker() as broker:
        yield broker


@pytest.fixture
def events() -> Events:
    """Give a place for events."""
    return Events()


@pytest.fixture
def made() -> Iterator[list[CeleryBell]]:
    """Close the bells of a test."""
    bells: list[CeleryBell] = []
    yield bells
    for bell in bells:
        bell.close()


def new_bell(made: list[CeleryBell], url: str, events: Events) -> CeleryBell:
    """Make a bell that is closed when the test is over."""
    made.append(CeleryBell(Secret(url), events))
    return made[-1]


def listen(bell: CeleryBell, events: Events) -> None:
    """Let a bell listen, and wait until it does."""
    before = events.count("bell.listening")
    bell.listen(lambda _: True)
    until(lambda: events.count("bell.listening") > before, what="listening")


@pytest.fixture(scope="module")
def listening(shared: Broker) -> Iterator[CeleryBell]:
    """Give a bell that listens; to end that takes two seconds."""
    events = Events()
    bell = CeleryBell(Secret(shared.url), events)
    listen(bell, events)
    yield bell
    bell.close()


class TestCelery(BellContract):
    @pytest.fixture
    def bells(
        self, shared: Broker, listening: CeleryBell, events: Events, made: list[CeleryBell]
    ) -> tuple[Bell, Bell]:
        """Give two bells at one broker, as two processes have them."""
        until(lambda: shared.length(QUEUE) == 0, what="old rings taken")
        while listening.wait(0.3):
            pass
        return new_bell(made, shared.url, events), listening


def test_many_rings_are_few_messages(broker: Broker, events: Events) -> None:
    """A thousand rings at once of three shops are one message each, or one more."""
    bell = CeleryBell(Secret(broker.url), events)
    for number in range(999):
        bell.ring(f"shop-{number % 3}")
    bell.close()
    assert 3 <= broker.length(QUEUE) <= 6
    assert bell.figures()["sent"] == broker.length(QUEUE)


def test_a_ring_says_which_shop_and_no_more(broker: Broker, events: Events) -> None:
    """The message holds the shop's id; nothing else of ours is in it."""
    bell = CeleryBell(Secret(broker.url), events)
    bell.ring("shop-7")
    bell.close()
    with redis.Redis(port=broker.port, decode_responses=True) as client:
        (message,) = client.lrange(QUEUE, 0, -1)
    body = json.loads(base64.b64decode(json.loads(message)["body"]))
    # Celery's form: positional values, named values, and what is to follow.
    assert body[:2] == [["shop-7"], {}]
    assert set(body[2].values()) == {None}


def test_a_broker_without_workers_is_not_filled(broker: Broker, events: Events) -> None:
    """A queue that wakes everybody already takes no more rings."""
    with redis.Redis(port=broker.port) as client:
        client.rpush(QUEUE, *(["x"] * MOST))
    bell = CeleryBell(Secret(broker.url), events)
    bell.ring("1")
    bell.close()
    assert broker.length(QUEUE) == MOST


def test_a_broker_that_is_down_costs_nothing(events: Events, made: list[CeleryBell]) -> None:
    """Ringing never waits; what no broker took is counted and the local wait still ends."""
    bell = new_bell(made, f"redis://127.0.0.1:{free_port()}/0", events)
    for number in range(10_000):
        bell.ring(str(number % 10))
    assert bell.wait(30.0) is True
    until(lambda: bell.figures()["lost"] > 0, what="a lost ring")
    until(lambda: events.count("bell.ring_failed") > 0, what="the event")
    # Gathered by shop: a try for each of the ten thousand would fill hours.
    assert 1 <= bell.figures()["lost"] <= 20
    assert bell.figures()["sent"] == 0


def test_a_broker_that_never_answers_ends_nobody(events: Events) -> None:
    """It takes connections and stays silent: closing the bell does not wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bell = CeleryBell(Secret(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"), events)
        for _ in range(100):
            bell.ring("1")
        closer = threading.Thread(target=bell.close)
        closer.start()
        closer.join(timeout=60)
        assert not closer.is_alive()
        until(lambda: bell.figures()["lost"] == 1, what="the ring given up")


def test_a_broker_that_starts_late_is_found(
    broker: Broker, events: Events, made: list[CeleryBell]
) -> None:
    """Both sides start without it; when it is there, rings come through."""
    broker.stop()
    ringing = new_bell(made, broker.url, events)
    waiting = new_bell(made, broker.url, events)
    waiting.listen(lambda _: True)
    ringing.ring("1")
    until(lambda: ringing.figures()["lost"] > 0, what="a lost ring")
    until(lambda: events.count("bell.listen_failed") > 0, what="a failed try to listen")
    broker.start()
    until(lambda: events.count("bell.listening") > 0, what="listening")
    ringing.ring("1")
    assert waiting.wait(60.0) is True


def test_a_broker_that_restarts_is_found_again(
    broker: Broker, events: Events, made: list[CeleryBell]
) -> None:
    """After a restart that kept nothing, rings come through as before; it is told once."""
    ringing = new_bell(made, broker.url, events)
    waiting = new_bell(made, broker.url, events)
    listen(waiting, events)
    ringing.ring("1")
    assert waiting.wait(60.0) is True
    broker.stop()
    until(lambda: events.count("bell.listen_failed") == 1, what="the connection lost")
    ringing.ring("1")
    until(lambda: ringing.figures()["lost"] > 0, what="a lost ring")
    broker.start()
    until(lambda: events.count("bell.listening") == 2, what="listening again")
    waiting.wait(0.01)
    ringing.ring("1")
    assert waiting.wait(60.0) is True
    assert events.count("bell.listen_failed") == 1


def test_a_connection_that_was_closed_loses_no_ring(
    broker: Broker, events: Events, made: list[CeleryBell]
) -> None:
    """The broker hangs up on who is silent; the next ring goes over a new connection."""
    bell = new_bell(made, broker.url, events)
    bell.ring("1")
    until(lambda: broker.length(QUEUE) == 1, what="the first ring")
    broker.hang_up()
    bell.ring("1")
    until(lambda: broker.length(QUEUE) == 2, what="the second ring")
    until(lambda: bell.figures() == {"sent": 2, "lost": 0}, what="both counted as sent")


def test_rings_go_to_who_has_room(broker: Broker, events: Events, made: list[CeleryBell]) -> None:
    """While all workers of a process are busy it takes no further ring from the queue."""
    ringing = new_bell(made, broker.url, events)
    full = new_bell(made, broker.url, events)
    asked, free = threading.Event(), threading.Event()

    def has_room(timeout_s: float) -> bool:
        del timeout_s
        asked.set()
        return free.wait(60)

    full.listen(has_room)
    until(lambda: events.count("bell.listening") == 1, what="listening")
    ringing.ring("1")
    assert asked.wait(60)
    for number in range(2, 5):
        ringing.ring(str(number))
    # Of four rings it holds one; the rest are there for others.
    until(lambda: broker.length(QUEUE) == 3, what="the rings of others")
    free.set()
    until(lambda: broker.length(QUEUE) == 0, what="the rest taken")


def test_trouble_is_named(shared: Broker) -> None:
    """Who asks how the broker is gets nothing when it answers, and an error's name when not."""
    assert trouble(Secret(shared.url)) == ""
    assert trouble(Secret(f"redis://127.0.0.1:{free_port()}/0")).endswith("Error")


class TlsServer:
    """A server that does a TLS handshake with a certificate of its own, and no more."""

    def __init__(self) -> None:
        self._context, self.certificate = self_signed()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.trusted: list[bool] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(60)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(connection, server_side=True) as secure:
                    # A client that refuses says so after its own side of the handshake.
                    self.trusted.append(bool(secure.recv(1)))
            except OSError:
                self.trusted.append(False)


@pytest.mark.parametrize("scheme", ["rediss", "amqps"])
def test_a_certificate_must_be_trusted(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TLS nothing is said to a broker whose certificate nobody vouches for."""
    with TlsServer() as server:
        url = Secret(f"{scheme}://user:word@127.0.0.1:{server.port}/0")
        assert trouble(url) != ""
        until(lambda: len(server.trusted) > 0, what="the refused handshake")
        assert set(server.trusted) == {False}
        authority = tmp_path / "authority.pem"
        authority.write_text(server.certificate, encoding="ascii")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        trouble(url)
        until(lambda: server.trusted[-1], what="the trusted handshake")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1", "redis://", "sqs://key@", "memory://", "amqp://host:port/"]
)
def test_other_addresses_are_refused(url: str, events: Events) -> None:
    """An address that is none of Redis' or RabbitMQ's is refused, without telling it."""
    with pytest.raises(ConfigurationError, match="POSTVENTA_BROKER_URL") as caught:
        CeleryBell(Secret(url), events)
    # It may hold a password.
    assert str(caught.value).startswith("POSTVENTA_BROKER_URL cannot be used: write")
    assert "key@" not in str(caught.value)
