"""The demo channel keeps messages and answers by the address."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.channels.demo.adapter import MAX_KEPT, DemoChannel
from connector.errors import OutcomeUnknown
from connector.model.message import Message
from tests.contracts.channel import Arrived, ChannelContract, message


class TestDemoChannel(ChannelContract):
    @pytest.fixture
    def channel(self) -> DemoChannel:
        self.demo = DemoChannel({}, {})
        return self.demo

    def arrived(self) -> list[Arrived]:
        return [
            Arrived(kept.to, kept.to_name, kept.subject, kept.reference) for kept in self.demo.sent
        ]

    @contextmanager
    def outcome(self, name: str) -> Iterator[str]:
        yield f"ana+{name}@buyer.example"

    def test_a_lost_message_has_arrived(self, channel: DemoChannel) -> None:
        """Lost means that the answer was lost: the message itself was taken."""
        with pytest.raises(OutcomeUnknown):
            channel.send(message(to="ana+lost@buyer.example"))

        assert [kept.to for kept in channel.sent] == ["ana+lost@buyer.example"]

    def test_somebody_may_listen(self) -> None:
        """A listener is told of each message that was taken."""
        heard: list[Message] = []
        channel = DemoChannel(on_send=heard.append)
        channel.send(message())

        assert heard == [message()]

    def test_it_keeps_only_the_last(self, channel: DemoChannel) -> None:
        """Memory is bounded: the oldest messages make room."""
        for number in range(MAX_KEPT + 3):
            channel.send(message(reference=f"r{number}"))

        assert len(channel.sent) == MAX_KEPT
        assert channel.sent[0].reference == "r3"
