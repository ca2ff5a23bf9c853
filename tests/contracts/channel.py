"""What every channel must do; a channel's own test file subclasses this."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from connector.errors import (
    AdapterError,
    InvalidRequest,
    MessageInvalid,
    OutcomeUnknown,
    TemporaryFailure,
)
from connector.model.message import Message, MessageClass
from connector.model.order import OrderRef, ShopId
from connector.ports import ChannelAdapter

PASSWORD = "canary-pässword/7"
CANARY_TEXT = "canary-text-of-the-message"


def message(**changes: Any) -> Message:
    """Give a service message that every channel takes."""
    plain = Message(
        key="s1:welcome:7:0",
        shop_id=ShopId("s1"),
        order_ref=OrderRef("1042"),
        channel="email",
        message_class=MessageClass.SERVICE,
        to="ana@buyer.example",
        to_name="Ana Gómez",
        subject="Gracias por tu pedido #1042",
        text=f"Hola, Ana:\n\n{CANARY_TEXT}\n",
        html=f"<p>Hola, Ana: {CANARY_TEXT}</p>",
        locale="es",
        basis="contract",
        reference="0123456789abcdef0123456789abcdef",
        from_name="La Huerta",
        reply_to="hola@shop.example",
    )
    return replace(plain, **changes)


@dataclass(frozen=True)
class Arrived:
    """One message as the other side got it."""

    to: str
    to_name: str
    subject: str
    reference: str


class ChannelContract:
    """The tests of all channels.

    A subclass gives `channel`, `arrived()` (what the other side holds, oldest first) and
    `outcome(name)`, a context in which the channel meets `refused`, `busy` or `lost`; it
    yields the address to write to.
    """

    loggers_of_the_other_side: ClassVar[frozenset[str]] = frozenset()

    @pytest.fixture
    def channel(self) -> Iterator[ChannelAdapter]:
        raise NotImplementedError

    def arrived(self) -> list[Arrived]:
        raise NotImplementedError

    def outcome(self, name: str) -> AbstractContextManager[str]:
        raise NotImplementedError

    def test_says_what_it_is(self, channel: ChannelAdapter) -> None:
        """A channel names itself and points to its page."""
        assert channel.info.kind == "channel"
        assert channel.info.name
        assert channel.info.docs.endswith("README.md")

    def test_a_service_message_arrives(self, channel: ChannelAdapter) -> None:
        """What is sent arrives once, with its address, name and subject."""
        channel.send(message())

        assert [(got.to, got.to_name, got.subject) for got in self.arrived()] == [
            ("ana@buyer.example", "Ana Gómez", "Gracias por tu pedido #1042")
        ]

    @pytest.mark.parametrize("kind", [MessageClass.MARKETING, MessageClass.FEEDBACK])
    @pytest.mark.parametrize("basis", ["", "  "])
    def test_no_basis_no_send(
        self, channel: ChannelAdapter, kind: MessageClass, basis: str
    ) -> None:
        """Offers and questions without a basis never leave."""
        with pytest.raises(MessageInvalid, match="basis"):
            channel.send(message(message_class=kind, basis=basis))

        assert self.arrived() == []

    @pytest.mark.parametrize("kind", [MessageClass.MARKETING, MessageClass.FEEDBACK])
    def test_with_a_basis_it_leaves(self, channel: ChannelAdapter, kind: MessageClass) -> None:
        """Offers and questions with a recorded consent leave."""
        channel.send(message(message_class=kind, basis="consent 2026-01-02 checkout"))

        assert len(self.arrived()) == 1

    def test_the_same_key_has_the_same_reference(self, channel: ChannelAdapter) -> None:
        """A message that is sent again carries the same id, so that a reader sees one."""
        first = channel.send(message())
        second = channel.send(message())

        assert first.ref == second.ref
        assert "0123456789abcdef0123456789abcdef" in first.ref
        assert len({got.reference for got in self.arrived()}) == 1

    def test_another_reference_is_another_id(self, channel: ChannelAdapter) -> None:
        """Two messages never share an id."""
        first = channel.send(message())
        second = channel.send(message(reference="f" * 32))

        assert first.ref != second.ref

    @pytest.mark.parametrize("field", ["to", "to_name", "subject", "from_name", "reply_to"])
    @pytest.mark.parametrize("breaker", ["\r\n", "\n", "\r", "\x00", "\u2028"])
    def test_a_header_cannot_be_smuggled_in(
        self, channel: ChannelAdapter, field: str, breaker: str
    ) -> None:
        """A line end in an address, a name or the subject is refused, not cleaned up."""
        good = str(getattr(message(), field))
        with pytest.raises(MessageInvalid):
            channel.send(message(**{field: f"{good}{breaker}Bcc: all@buyer.example"}))

        assert self.arrived() == []

    @pytest.mark.parametrize("address", ["", "nobody", "a@b", "a b@c.example", "<a@c.example>"])
    def test_no_address_no_send(self, channel: ChannelAdapter, address: str) -> None:
        """What is no address is refused before anything is called."""
        with pytest.raises(MessageInvalid):
            channel.send(message(to=address))

        assert self.arrived() == []

    @pytest.mark.parametrize(
        "name", ["José Ñúñez", "Ζωή 😀", 'O\'Brien, "Bob" <x@y.example>', "李雷", "x" * 300]
    )
    def test_any_name_arrives_whole(self, channel: ChannelAdapter, name: str) -> None:
        """Names of any script, with quotes and commas, arrive as they were."""
        channel.send(message(to_name=name))

        assert [(got.to, got.to_name) for got in self.arrived()] == [("ana@buyer.example", name)]

    @pytest.mark.parametrize("letter", ["x", "ñ", "ab ", "😀"])
    def test_a_long_subject_is_no_harm(self, channel: ChannelAdapter, letter: str) -> None:
        """A subject far too long arrives, whole or shortened at its end."""
        subject = (letter * 2_000).strip()
        channel.send(message(subject=subject))

        (got,) = self.arrived()
        assert len(got.subject) > 100
        assert subject.startswith(got.subject.removesuffix("…"))

    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("refused", InvalidRequest),
            ("busy", TemporaryFailure),
            ("lost", OutcomeUnknown),
        ],
    )
    def test_outcomes_have_their_class(
        self, channel: ChannelAdapter, name: str, error: type[AdapterError]
    ) -> None:
        """Refused for good, busy, and lost after the text left are told apart."""
        with self.outcome(name) as address, pytest.raises(error) as caught:
            channel.send(message(to=address))

        assert caught.value.platform == channel.info.name
        assert caught.value.operation

    @pytest.mark.parametrize("name", ["refused", "busy", "lost"])
    def test_errors_and_logs_keep_secrets(
        self, channel: ChannelAdapter, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No password, address or text of a message is in an error or a log line."""
        caplog.set_level(logging.DEBUG)
        with self.outcome(name) as address, pytest.raises(AdapterError) as caught:
            channel.send(message(to=address))

        logged = " ".join(
            record.getMessage()
            for record in caplog.records
            if record.name not in self.loggers_of_the_other_side
        )
        seen = f"{caught.value} {caught.value.excerpt} {logged}"
        for canary in (PASSWORD, CANARY_TEXT, address, "Ana Gómez"):
            assert canary not in seen
