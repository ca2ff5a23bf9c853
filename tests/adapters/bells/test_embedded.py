"""The bell of one process passes the bell contract."""

from collections.abc import Iterator

import pytest

from adapters.bells.embedded.bell import EmbeddedBell
from connector.ports import Bell
from tests.contracts.bell import BellContract


class TestEmbedded(BellContract):
    @pytest.fixture
    def bells(self) -> Iterator[tuple[Bell, Bell]]:
        """Give a new bell: who rings and who waits share it."""
        bell = EmbeddedBell()
        yield bell, bell
        bell.close()

    def test_it_has_no_others_to_listen_to(self) -> None:
        """Listening and its end change nothing: all rings are of this process."""
        bell = EmbeddedBell()
        end = bell.listen(lambda _: True)
        end()
        bell.ring("1")
        assert bell.wait(30.0) is True
