"""The Celery application: one queue, one message, and limits on every wait."""

import logging
import ssl
import time
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from connector.errors import ConfigurationError
from connector.secret import Secret

QUEUE: Final = "postventa.bell"
TASK: Final = "postventa.drain"
# A queue this long wakes everybody there is; more rings would only fill the broker.
MOST: Final = 1_000
# Seconds after which a ring is worth nothing: the sweeper has looked long since.
_STALE_S: Final = 60
_CONNECT_S: Final = 2.0
_ANSWER_S: Final = 3.0
_IDLE_S: Final = 30.0
_REDIS: Final = ("redis", "rediss")
_RABBITMQ: Final = ("amqp", "amqps")


def checked(broker_url: Secret) -> Secret:
    """Check that the address is one of a broker that we know.

    Raises: ConfigurationError: it is not.
    """
    try:
        parts = urlsplit(broker_url.reveal())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {*_REDIS, *_RABBITMQ}:
        # The address itself is not told: it may hold a password.
        raise ConfigurationError(
            "POSTVENTA_BROKER_URL cannot be used: write an address like "
            "redis://:password@host:6379/0 or amqp://user:password@host:5672/name "
            "(rediss and amqps for TLS)"
        )
    return broker_url


def celery_app(broker_url: Secret, *, sending: bool) -> Any:
    """Make the Celery application.

    Args: sending: set short limits on every answer of the broker; who listens waits.
    """
    from celery import Celery
    from kombu.entity import Queue

    # Celery writes sentences, some with the address of the broker; we write events.
    for name in ("celery", "kombu", "amqp"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    parts = urlsplit(broker_url.reveal())
    redis = parts.scheme in _REDIS
    app = Celery("postventa", broker=broker_url.reveal(), set_as_current=False)
    app.conf.update(
        task_default_queue=QUEUE,
        task_queues=(
            # RabbitMQ holds to these itself; for Redis `Sender` looks before it sends.
            Queue(  # type: ignore[no-untyped-call] # kombu is typed in part only
                QUEUE, routing_key=QUEUE, message_ttl=_STALE_S, max_length=MOST
            ),
        ),
        task_default_delivery_mode="transient",
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_enable_remote_control=False,
        worker_prefetch_multiplier=1,
        worker_concurrency=1,
        worker_pool="solo",
        worker_detect_quorum_queues=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        # Our own thread connects anew: it can be stopped while the broker is away.
        broker_connection_retry=False,
        broker_connection_retry_on_startup=False,
        broker_connection_timeout=_CONNECT_S,
        # Nobody would answer them while a thread waits; the sockets' keepalive is enough.
        broker_heartbeat=0,
        broker_transport_options=_limits(redis=redis, sending=sending),
    )
    if parts.scheme == "rediss":
        app.conf.broker_use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    elif parts.scheme == "amqps":
        app.conf.broker_use_ssl = {
            "cert_reqs": ssl.CERT_REQUIRED,
            "server_hostname": parts.hostname,
        }
    return app


def _limits(*, redis: bool, sending: bool) -> dict[str, Any]:
    if redis:
        limits: dict[str, Any] = {
            "socket_connect_timeout": _CONNECT_S,
            "socket_keepalive": True,
            "retry_on_timeout": False,
        }
        return limits | ({"socket_timeout": _ANSWER_S} if sending else {})
    return {"read_timeout": _ANSWER_S, "write_timeout": _ANSWER_S} if sending else {}


def trouble(broker_url: Secret) -> str:
    """Try to reach the broker, within a few seconds; name what went wrong, or give nothing."""
    sender = Sender(checked(broker_url))
    try:
        sender.connect()
    except Exception as err:  # noqa: BLE001 - whatever the broker's driver raises
        return type(err).__name__
    finally:
        sender.close()
    return ""


class Sender:
    """Sends rings over a connection that is kept; one thread uses it.

    Args: broker_url: checked already.
    """

    def __init__(self, broker_url: Secret) -> None:
        self._app = celery_app(broker_url, sending=True)
        self._connection: Any = None
        self._channel: Any = None
        self._producer: Any = None
        self._used_at = 0.0

    def send(self, shop_id: str) -> None:
        """Send one ring; raises whatever the driver raises when the broker is away."""
        if time.monotonic() - self._used_at > _IDLE_S:
            # Something between may have dropped it, and the ring would vanish unseen.
            self.close()
        kept = self._producer is not None
        try:
            self._publish(shop_id)
        except Exception:
            self.close()
            # A new connection was refused; an old one may only have been closed.
            if not kept:
                raise
            self._publish(shop_id)
        self._used_at = time.monotonic()

    def close(self) -> None:
        """Let go of the connection; the next ring makes a new one."""
        connection, self._connection, self._producer = self._connection, None, None
        self._channel = None
        if connection is not None:
            # A broken connection may fail once more when it is closed.
            with suppress(Exception):
                connection.close()

    def connect(self) -> None:
        """Reach the broker; raises whatever the driver raises when it is away."""
        self._connection = self._app.connection_for_write()
        self._connection.connect()
        self._channel = self._connection.channel()
        self._producer = self._app.amqp.Producer(self._channel)

    def _publish(self, shop_id: str) -> None:
        if self._producer is None:
            self.connect()
        if not self._is_full():
            self._app.send_task(TASK, args=(shop_id,), producer=self._producer, retry=False)

    def _is_full(self) -> bool:
        client = getattr(self._channel, "client", None)
        return client is not None and int(client.llen(QUEUE)) >= MOST
