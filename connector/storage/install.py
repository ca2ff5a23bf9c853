"""Apps that shops are connected through, and the keys that such shops gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connector.model.order import ShopId
from connector.model.token import AccessToken
from connector.secret import Secret


@dataclass(frozen=True, slots=True)
class AppRecord:
    """One app of a platform through which many shops can be connected.

    Attributes:
        settings: plain values, like `api_url` of a pretend shop.
        old_secret: the one before, while the platform may still sign with it.
    """

    platform: str
    client_id: str
    secret: Secret = field(repr=False)
    created_at: datetime
    old_secret: Secret | None = field(default=None, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)


class InstallVerbs(Protocol):
    """What a transaction can do about apps and keys that end."""

    def put_app(self, app: AppRecord) -> None:
        """Store an app, or replace what is known of it; its secrets are sealed."""
        ...

    def app(self, platform: str, client_id: str) -> AppRecord | None:
        """Read one app."""
        ...

    def apps(self, platform: str) -> Sequence[AppRecord]:
        """Read all apps of a platform, oldest first."""
        ...

    def shop_token(self, shop_id: ShopId) -> AccessToken | None:
        """Read the key that a shop gave last."""
        ...

    def hold_shop_token(
        self, shop_id: ShopId, holder: str, *, now: datetime, until: datetime
    ) -> bool:
        """Take the turn to renew the key of a shop; False while another has it."""
        ...

    def put_shop_token(self, shop_id: ShopId, token: AccessToken, *, holder: str) -> bool:
        """Store a new key, sealed, and give the turn back; False when it was taken over."""
        ...

    def set_shop_token(self, shop_id: ShopId, token: AccessToken) -> None:
        """Store a key whoever has the turn: a person has just installed the app."""
        ...

    def release_shop_token(self, shop_id: ShopId, holder: str) -> None:
        """Give the turn back without a new key."""
        ...

    def drop_shop_token(self, shop_id: ShopId) -> bool:
        """Forget the key of a shop; False when there was none."""
        ...

    def skip_overdue(self, shop_id: ShopId, *, reason: str, now: datetime) -> int:
        """Close planned effects of a shop that fell due before now; tell how many."""
        ...
