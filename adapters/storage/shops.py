"""Shops and their sealed secrets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.strange import word
from adapters.storage.tables import secrets as secrets_table
from adapters.storage.tables import shops
from connector.errors import Conflict, InvalidRequest
from connector.model.order import ShopId
from connector.secret import Secret
from connector.storage.records import ShopRecord, ShopState

_FACTS: Final = frozenset({"name", "currency", "timezone", "country", "region", "locale"})
_HELD: Final = shops.c.state != ShopState.REMOVED.value

_BY_ID: Final = sa.select(shops).where(shops.c.id == sa.bindparam("value"))
_BY_TOKEN: Final = sa.select(shops).where(shops.c.hook_token == sa.bindparam("value"))
_ALL: Final = sa.select(shops).where(_HELD).order_by(shops.c.created_at, shops.c.id)
_EVERY: Final = sa.select(shops).order_by(shops.c.created_at, shops.c.id)
_SECRETS: Final = sa.select(secrets_table).where(
    secrets_table.c.shop_id.in_(sa.bindparam("shops", expanding=True))
)


class Shops(Part):
    """The verbs of a transaction about shops."""

    def add_shop(self, shop: ShopRecord) -> None:
        """Store a new shop; its secrets are sealed.

        Raises: Conflict: a shop that is not removed has this address already.
        """
        statement = (
            self.dialect.insert(shops)
            .values(
                id=shop.id,
                platform=shop.platform,
                name=shop.name,
                address=shop.address,
                hook_token=shop.hook_token,
                state=shop.state,
                created_at=shop.created_at,
                settings=dict(shop.settings),
                currency=shop.currency,
                timezone=shop.timezone,
                country=shop.country,
                locale=shop.locale,
                last_delivery_at=shop.last_delivery_at,
                polled_until=shop.polled_until,
                webhooks=dict(shop.webhooks),
                region=shop.region,
            )
            .on_conflict_do_nothing()
            .returning(shops.c.id)
        )
        if not self._inserted(statement):
            raise Conflict(f"a shop with the address {shop.address} is connected already")
        self._seal(shop.id, shop.secrets)

    def shop(self, shop_id: ShopId) -> ShopRecord | None:
        """Read one shop, with its secrets."""
        return self._one(_BY_ID, shop_id)

    def shops(self) -> Sequence[ShopRecord]:
        """Read all shops that are not removed, oldest first."""
        return self._read(self.connection.execute(_ALL).all())

    def every_shop(self) -> Sequence[ShopRecord]:
        """Read all shops, removed ones too, oldest first."""
        return self._read(self.connection.execute(_EVERY).all())

    def shop_by_token(self, hook_token: str) -> ShopRecord | None:
        """Find the shop of a webhook address."""
        return self._one(_BY_TOKEN, hook_token)

    def shop_by_address(self, platform: str, address: str) -> ShopRecord | None:
        """Find a shop, not removed, by its address."""
        return self._one(
            sa.select(shops).where(
                _HELD,
                shops.c.platform == platform,
                shops.c.address == sa.bindparam("value"),
            ),
            address,
        )

    def update_shop(
        self,
        shop_id: ShopId,
        *,
        state: ShopState | None = None,
        last_delivery_at: datetime | None = None,
        polled_until: datetime | None = None,
        webhooks: Mapping[str, str] | None = None,
        secrets: Mapping[str, Secret] | None = None,
        settings: Mapping[str, str] | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Change what is given; secrets replace those of the same name.

        Args: facts: any of name, currency, timezone, country, region, locale.
        Raises: InvalidRequest: a fact of another name.
        """
        changes: dict[str, Any] = {
            "state": state,
            "last_delivery_at": last_delivery_at,
            "polled_until": polled_until,
            "webhooks": None if webhooks is None else dict(webhooks),
            "settings": None if settings is None else dict(settings),
        }
        changes = {name: value for name, value in changes.items() if value is not None}
        unknown = set(facts or ()) - _FACTS
        if unknown:
            raise InvalidRequest(f"no such facts of a shop: {', '.join(sorted(unknown))}")
        changes.update(facts or {})
        if changes:
            self.connection.execute(sa.update(shops).where(shops.c.id == shop_id).values(changes))
        if secrets:
            self._seal(shop_id, secrets)

    def _seal(self, shop_id: ShopId, secrets: Mapping[str, Secret]) -> None:
        for name, secret in secrets.items():
            statement = self.dialect.insert(secrets_table).values(
                shop_id=shop_id, name=name, sealed=self.sealer.seal(shop_id, name, secret)
            )
            self.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["shop_id", "name"],
                    set_={"sealed": statement.excluded.sealed},
                )
            )

    def _one(self, query: sa.Select[Any], value: str) -> ShopRecord | None:
        row = self.connection.execute(query, {"value": value}).first()
        return None if row is None else self._read([row])[0]

    def _read(self, rows: Sequence[sa.Row[Any]]) -> list[ShopRecord]:
        opened: dict[str, dict[str, Secret]] = {row.id: {} for row in rows}
        for item in self.connection.execute(_SECRETS, {"shops": list(opened)}):
            opened[item.shop_id][item.name] = self.sealer.unseal(
                item.shop_id, item.name, item.sealed
            )
        return [_record(row, opened[row.id]) for row in rows]


def _record(row: sa.Row[Any], secrets: Mapping[str, Secret]) -> ShopRecord:
    return ShopRecord(
        id=ShopId(row.id),
        platform=row.platform,
        name=row.name,
        address=row.address,
        hook_token=row.hook_token,
        state=word(ShopState, row.state),
        created_at=row.created_at,
        settings=row.settings,
        secrets=secrets,
        currency=row.currency,
        timezone=row.timezone,
        country=row.country,
        locale=row.locale,
        last_delivery_at=row.last_delivery_at,
        polled_until=row.polled_until,
        webhooks=row.webhooks,
        region=row.region,
    )
