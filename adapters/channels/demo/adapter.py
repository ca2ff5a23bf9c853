"""Keep messages in memory; the ending of an address chooses the outcome."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from adapters._mail import check_before_sending, mail_address
from connector.errors import InvalidRequest, OutcomeUnknown, TemporaryFailure
from connector.model.message import Message, SendResult
from connector.ports import AdapterInfo, Capability
from connector.secret import Secret

MAX_KEPT: Final = 1_000


class DemoChannel:
    """A channel that sends nothing.

    Attributes:
        sent: the last messages that were taken, oldest first; also those whose answer
            was "lost", for such a message has arrived.
        on_send: called with each message that was taken.
    """

    info: ClassVar[AdapterInfo] = AdapterInfo(
        kind="channel",
        name="demo",
        title="Demo (keeps messages, sends nothing)",
        capabilities=frozenset({Capability.HTML}),
        docs="adapters/channels/demo/README.md",
    )

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        secrets: Mapping[str, Secret] | None = None,
        *,
        on_send: Callable[[Message], None] | None = None,
    ) -> None:
        del settings, secrets  # it needs none; every channel is built in the same way
        self.sent: deque[Message] = deque(maxlen=MAX_KEPT)
        self.on_send = on_send

    def send(self, message: Message) -> SendResult:
        """Keep the message.

        Raises:
            MessageInvalid: no basis for its class, or an address it cannot use.
            InvalidRequest: the address ends in `+refused`.
            TemporaryFailure: it ends in `+busy`.
            OutcomeUnknown: it ends in `+lost`; the message was kept.
        """
        check_before_sending(message)
        local = mail_address(message.to).rpartition("@")[0]
        if local.endswith("+refused"):
            raise InvalidRequest(
                "the demo refuses this address", platform="demo", operation="send", status=550
            )
        if local.endswith("+busy"):
            raise TemporaryFailure(
                "the demo is busy for this address", platform="demo", operation="send", status=451
            )
        self.sent.append(message)
        if self.on_send is not None:
            self.on_send(message)
        if local.endswith("+lost"):
            raise OutcomeUnknown(
                "the demo lost the answer for this address", platform="demo", operation="send"
            )
        return SendResult(ref=f"<{message.reference}@demo.invalid>")
