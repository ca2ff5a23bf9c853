"""Apps that shops are connected through, and keys of shops that end."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import Json, Text, Time
from adapters.storage.tables import effects, metadata
from connector.model.effect import EffectState
from connector.model.order import ShopId
from connector.model.token import AccessToken
from connector.secret import Secret
from connector.storage.install import AppRecord

apps: Final = sa.Table(
    "apps",
    metadata,
    sa.Column("platform", Text, primary_key=True),
    sa.Column("client_id", Text, primary_key=True),
    sa.Column("settings", Json, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("sealed_old", sa.LargeBinary, nullable=True),
    sa.Column("created_at", Time, nullable=False),
)

shop_tokens: Final = sa.Table(
    "shop_tokens",
    metadata,
    sa.Column("shop_id", Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=True),
    sa.Column("scope", Text, nullable=False, server_default=""),
    sa.Column("got_at", Time, nullable=True),
    sa.Column("expires_at", Time, nullable=True),
    sa.Column("refresh_until", Time, nullable=True),
    sa.Column("holder", Text, nullable=False, server_default=""),
    sa.Column("held_until", Time, nullable=True),
)

_TOKEN: Final = "token"  # noqa: S105 - the name of a place
_OLD: Final = "old_secret"
_SECRET: Final = "secret"  # noqa: S105 - the name of a place


class Installs(Part):
    """The verbs of a transaction about apps and keys that end."""

    def put_app(self, app: AppRecord) -> None:
        """Store an app, or replace what is known of it; its secrets are sealed."""
        place = _place(app.platform, app.client_id)
        old = app.old_secret
        values = {
            "settings": dict(app.settings),
            "sealed": self.sealer.seal(place, _SECRET, app.secret),
            "sealed_old": None if old is None else self.sealer.seal(place, _OLD, old),
        }
        statement = self.dialect.insert(apps).values(
            platform=app.platform, client_id=app.client_id, created_at=app.created_at, **values
        )
        self.connection.execute(
            statement.on_conflict_do_update(index_elements=["platform", "client_id"], set_=values)
        )

    def app(self, platform: str, client_id: str) -> AppRecord | None:
        """Read one app."""
        found = self._apps(
            sa.select(apps).where(apps.c.platform == platform, apps.c.client_id == client_id)
        )
        return found[0] if found else None

    def apps(self, platform: str) -> Sequence[AppRecord]:
        """Read all apps of a platform, oldest first."""
        query = sa.select(apps).where(apps.c.platform == platform)
        return self._apps(query.order_by(apps.c.created_at, apps.c.client_id))

    def shop_token(self, shop_id: ShopId) -> AccessToken | None:
        """Read the key that a shop gave last."""
        row = self.connection.execute(
            sa.select(shop_tokens).where(shop_tokens.c.shop_id == shop_id)
        ).first()
        if row is None or row.sealed is None:
            return None
        kept = json.loads(self.sealer.unseal(shop_id, _TOKEN, row.sealed).reveal())
        refresh = kept.get("refresh")
        return AccessToken(
            Secret(kept["access"]),
            row.got_at,
            row.expires_at,
            None if refresh is None else Secret(refresh),
            row.refresh_until,
            row.scope,
        )

    def hold_shop_token(
        self, shop_id: ShopId, holder: str, *, now: datetime, until: datetime
    ) -> bool:
        """Take the turn to renew the key of a shop; False while another has it."""
        statement = self.dialect.insert(shop_tokens).values(
            shop_id=shop_id, holder=holder, held_until=until
        )
        new = statement.excluded
        return self._inserted(
            statement.on_conflict_do_update(
                index_elements=["shop_id"],
                set_={"holder": new.holder, "held_until": new.held_until},
                where=sa.or_(
                    shop_tokens.c.holder == "",
                    shop_tokens.c.holder == holder,
                    shop_tokens.c.held_until <= now,
                    # Noted by a clock that was far ahead.
                    shop_tokens.c.held_until > until + (until - now),
                ),
            ).returning(shop_tokens.c.shop_id)
        )

    def put_shop_token(self, shop_id: ShopId, token: AccessToken, *, holder: str) -> bool:
        """Store a new key, sealed, and give the turn back; False when it was taken over."""
        return bool(
            self._changed(
                sa.update(shop_tokens)
                .where(shop_tokens.c.shop_id == shop_id, shop_tokens.c.holder == holder)
                .values(holder="", held_until=None, **self._token_values(shop_id, token))
            )
        )

    def set_shop_token(self, shop_id: ShopId, token: AccessToken) -> None:
        """Store a key whoever has the turn."""
        # Whoever renews just now loses the turn: that key came from an older one.
        values = {"holder": "", "held_until": None, **self._token_values(shop_id, token)}
        statement = self.dialect.insert(shop_tokens).values(shop_id=shop_id, **values)
        self.connection.execute(
            statement.on_conflict_do_update(index_elements=["shop_id"], set_=values)
        )

    def release_shop_token(self, shop_id: ShopId, holder: str) -> None:
        """Give the turn back without a new key."""
        self._changed(
            sa.update(shop_tokens)
            .where(shop_tokens.c.shop_id == shop_id, shop_tokens.c.holder == holder)
            .values(holder="", held_until=None)
        )

    def drop_shop_token(self, shop_id: ShopId) -> bool:
        """Forget the key of a shop; False when there was none."""
        gone = sa.delete(shop_tokens).where(shop_tokens.c.shop_id == shop_id)
        return bool(self._changed(gone))

    def skip_overdue(self, shop_id: ShopId, *, reason: str, now: datetime) -> int:
        """Close planned effects of a shop that fell due before now; tell how many."""
        return self._changed(
            sa.update(effects)
            .where(
                effects.c.shop_id == shop_id,
                effects.c.state == EffectState.PLANNED.value,
                effects.c.due_at < now,
            )
            .values(state=EffectState.SKIPPED.value, reason=reason, done_at=now)
        )

    def _token_values(self, shop_id: str, token: AccessToken) -> dict[str, Any]:
        kept = {"access": token.access.reveal()}
        if token.refresh is not None:
            kept["refresh"] = token.refresh.reveal()
        return {
            "sealed": self.sealer.seal(shop_id, _TOKEN, Secret(json.dumps(kept))),
            "scope": token.scope,
            "got_at": token.got_at,
            "expires_at": token.expires_at,
            "refresh_until": token.refresh_until,
        }

    def _apps(self, query: sa.Select[Any]) -> list[AppRecord]:
        return [
            AppRecord(
                row.platform,
                row.client_id,
                self.sealer.unseal(_place(row.platform, row.client_id), _SECRET, row.sealed),
                row.created_at,
                None
                if row.sealed_old is None
                else self.sealer.unseal(_place(row.platform, row.client_id), _OLD, row.sealed_old),
                row.settings,
            )
            for row in self.connection.execute(query)
        ]


def _place(platform: str, client_id: str) -> str:
    return f"app:{platform}:{client_id}"
