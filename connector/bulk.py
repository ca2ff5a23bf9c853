"""The port of shops that write all their orders into one file for us."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from connector.model.order import ListedOrder


@dataclass(frozen=True, slots=True)
class BulkState:
    """How far a shop has come with a bulk operation.

    Attributes:
        error: the platform's own word for why it failed; empty when it did not.
    """

    done: bool
    error: str = ""


@runtime_checkable
class BulkReader(Protocol):
    """What a shop adapter adds whose platform writes all orders into one file."""

    def start_bulk(self, since: datetime, until: datetime) -> str:
        """Ask for all orders placed in a span; give the operation's number."""
        ...

    def look_at_bulk(self, ref: str) -> BulkState:
        """Tell how far an operation is.

        Raises: NotFound: the shop has it no more.
        """
        ...

    def read_bulk(self, ref: str, skip: int) -> Iterator[ListedOrder | None]:
        """Read the orders of a finished operation, always in the same order.

        Args: skip: how many to pass over.
        Returns: None for one that is gone, so that counting holds.
        Raises: NotFound: its file is kept no more.
        """
        ...
