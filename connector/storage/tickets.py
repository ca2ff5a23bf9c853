"""Tickets: things that count once and for a short time, like a state or a nonce."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from connector.secret import Secret


@dataclass(frozen=True, slots=True)
class Ticket:
    """What stands behind a token that was given out; the token itself is not stored.

    Attributes:
        data: plain values. secret: stored sealed.
    """

    data: Mapping[str, Any]
    expires_at: datetime
    secret: Secret | None = field(default=None, repr=False)


def ticket_name(token: str) -> str:
    """Give the name under which a token is stored: its SHA-256 in hex."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class TicketVerbs(Protocol):
    """What a transaction can do about tickets.

    `purpose` keeps kinds apart: a token of one kind opens nothing of another.
    """

    def put_ticket(
        self,
        purpose: str,
        token: str,
        *,
        now: datetime,
        expires_at: datetime,
        data: Mapping[str, Any] | None = None,
        secret: Secret | None = None,
    ) -> bool:
        """Store a ticket; False when it was there already, also one that has expired.

        A nonce is spent by this verb: only the first caller gets True. Tickets that
        expired a day ago are deleted on the way.
        """
        ...

    def ticket(self, purpose: str, token: str, *, now: datetime) -> Ticket | None:
        """Read a ticket that has not expired; it stays."""
        ...

    def change_ticket(
        self, purpose: str, token: str, *, data: Mapping[str, Any], secret: Secret | None = None
    ) -> bool:
        """Replace what a ticket holds, its secret only when one is given."""
        ...

    def take_ticket(self, purpose: str, token: str, *, now: datetime) -> Ticket | None:
        """Read and delete a ticket: only one caller gets it, and none when it has expired."""
        ...
