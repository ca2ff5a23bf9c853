"""Keys to a shop that end and are renewed."""

from dataclasses import dataclass, field
from datetime import datetime

from connector.secret import Secret


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A key of a shop and, where there is one, what the next key is got with.

    Attributes:
        got_at: when the shop gave it. expires_at: when it ends, as far as it was told.
        refresh_until: when the refresh token ends.
        scope: rights as the shop wrote them, with commas between.
    """

    access: Secret = field(repr=False)
    got_at: datetime
    expires_at: datetime
    refresh: Secret | None = field(default=None, repr=False)
    refresh_until: datetime | None = None
    scope: str = ""
