"""The bell over a real RabbitMQ: the contract, and a broker that is killed."""

from collections.abc import Iterator

import pytest

from adapters.bells.celery.bell import CeleryBell
from adapters.bells.celery.broker import MOST, QUEUE, trouble
from connector.ports import Bell
from connector.secret import Secret
from tests.adapters.bells.test_celery import Events, listen, new_bell
from tests.contracts.bell import BellContract
from tests.rabbitmq import RabbitMq
from tests.support import until

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitMq]:
    """Give a broker; to start it takes some seconds."""
    with RabbitMq() as running:
        yield running


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


@pytest.fixture(scope="module")
def listening(broker: RabbitMq) -> Iterator[CeleryBell]:
    """Give a bell that listens; to end that takes two seconds."""
    events = Events()
    bell = CeleryBell(Secret(broker.url), events)
    listen(bell, events)
    yield bell
    bell.close()


class TestRabbitMq(BellContract):
    @pytest.fixture
    def bells(
        self, broker: RabbitMq, listening: CeleryBell, events: Events, made: list[CeleryBell]
    ) -> tuple[Bell, Bell]:
        """Give two bells at one broker, as two processes have them."""
        while listening.wait(0.5):
            pass
        return new_bell(made, broker.url, events), listening


def test_a_broker_without_workers_is_not_filled(events: Events) -> None:
    """Of more rings than a queue takes the oldest are dropped; nobody is told of trouble."""
    with RabbitMq() as broker:
        bell = CeleryBell(Secret(broker.url), events)
        for number in range(MOST + 200):
            bell.ring(f"shop-{number}")
        until(lambda: bell.figures()["sent"] == MOST + 200, what="every ring sent")
        bell.close()
        assert waiting_rings(broker) == MOST
        assert bell.figures()["lost"] == 0


def test_a_broker_that_is_killed_is_found_again(events: Events, made: list[CeleryBell]) -> None:
    """Killed and started anew: who listens hears again, and who rings needs no help."""
    with RabbitMq() as broker:
        bell = new_bell(made, broker.url, events)
        heard = events.count("bell.listening")
        listening = new_bell(made, broker.url, events)
        listen(listening, events)
        broker.stop()
        bell.ring("1")
        until(lambda: bell.figures()["lost"] > 0, what="a ring that nobody took")
        assert trouble(Secret(broker.url))
        broker.start()
        assert not trouble(Secret(broker.url))
        until(lambda: events.count("bell.listening") > heard + 1, what="listening again")

        def rung() -> bool:
            bell.ring("2")
            return listening.wait(1.0)

        until(rung, what="a ring over the new broker")


def waiting_rings(broker: RabbitMq) -> int:
    """Count the messages that nobody has taken."""
    from kombu import Connection

    with Connection(broker.url) as connection:
        return int(connection.default_channel.queue_declare(QUEUE, passive=True).message_count)
