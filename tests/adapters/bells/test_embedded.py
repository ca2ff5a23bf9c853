"""The bell of one process passes the bell contract."""

from adapters.bells.embedded.bell import EmbeddedBell
from connector.ports import Bell
from tests.contracts.bell import BellContract


class TestEmbedded(BellContract):
    def bell(self) -> Bell:
        """Give a new bell."""
        return EmbeddedBell()
