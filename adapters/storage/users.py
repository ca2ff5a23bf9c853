"""Users, their roles and their second factor."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import Text, Time, text_column
from adapters.storage.tables import metadata
from connector.errors import Conflict
from connector.secret import Secret
from connector.storage.access import Role, UserRecord, UserState

users: Final = sa.Table(
    "users",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("name", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    text_column("locale"),
    sa.Column("password_hash", Text, nullable=False),
    sa.Column("totp", sa.LargeBinary, nullable=True),
    sa.Column("totp_step", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("created_at", Time, nullable=False),
    sa.Index("ux_users_name", "name", unique=True),
)

user_roles: Final = sa.Table(
    "user_roles",
    metadata,
    sa.Column("user_id", Text, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("shop_id", Text, primary_key=True),
    sa.Column("role", Text, nullable=False),
)

recovery_codes: Final = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("user_id", Text, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("digest", Text, primary_key=True),
)

_TOTP: Final = "totp"


class Users(Part):
    """The verbs of a transaction about users."""

    def add_user(self, user: UserRecord) -> None:
        """Store a new user with roles.

        Raises: Conflict: the name is taken.
        """
        statement = (
            self.dialect.insert(users)
            .values(
                id=user.id,
                name=user.name,
                state=user.state,
                locale=user.locale,
                password_hash=user.password_hash,
                created_at=user.created_at,
            )
            .on_conflict_do_nothing()
            .returning(users.c.id)
        )
        if not self._inserted(statement):
            raise Conflict(f"a user with the name {user.name} is there already")
        for shop_id, role in user.roles.items():
            self.set_role(user.id, shop_id, role)

    def user(self, user_id: str) -> UserRecord | None:
        """Read one user."""
        return next(iter(self._users(sa.select(users).where(users.c.id == user_id))), None)

    def user_by_name(self, name: str) -> UserRecord | None:
        """Find a user by the comparable form of the name."""
        return next(iter(self._users(sa.select(users).where(users.c.name == name))), None)

    def users(self) -> Sequence[UserRecord]:
        """Read all users, by name."""
        return self._users(sa.select(users).order_by(users.c.name))

    def update_user(
        self,
        user_id: str,
        *,
        password_hash: str | None = None,
        state: UserState | None = None,
        locale: str | None = None,
    ) -> None:
        """Change what is given."""
        given = {"password_hash": password_hash, "state": state, "locale": locale}
        changes = {name: value for name, value in given.items() if value is not None}
        if changes:
            self.connection.execute(sa.update(users).where(users.c.id == user_id).values(changes))

    def set_totp(self, user_id: str, secret: Secret | None, recovery: Sequence[str]) -> None:
        """Set or take away the second factor; the codes replace the old ones."""
        sealed = None if secret is None else self.sealer.seal(user_id, _TOTP, secret)
        self.connection.execute(
            sa.update(users).where(users.c.id == user_id).values(totp=sealed, totp_step=0)
        )
        self.connection.execute(
            sa.delete(recovery_codes).where(recovery_codes.c.user_id == user_id)
        )
        for digest in recovery:
            self.connection.execute(
                sa.insert(recovery_codes).values(user_id=user_id, digest=digest)
            )

    def use_totp_step(self, user_id: str, step: int) -> bool:
        """Take a time step of the second factor; False when it or a later one was used."""
        return bool(
            self._changed(
                sa.update(users)
                .where(users.c.id == user_id, users.c.totp_step < step)
                .values(totp_step=step)
            )
        )

    def use_recovery_code(self, user_id: str, digest: str) -> bool:
        """Use up a code; False when there is none such."""
        return bool(
            self._changed(
                sa.delete(recovery_codes).where(
                    recovery_codes.c.user_id == user_id, recovery_codes.c.digest == digest
                )
            )
        )

    def set_role(self, user_id: str, shop_id: str, role: Role | None) -> None:
        """Give a role in a shop or everywhere; None takes it away."""
        if role is None:
            self.connection.execute(
                sa.delete(user_roles).where(
                    user_roles.c.user_id == user_id, user_roles.c.shop_id == shop_id
                )
            )
            return
        statement = self.dialect.insert(user_roles).values(
            user_id=user_id, shop_id=shop_id, role=role
        )
        self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["user_id", "shop_id"], set_={"role": statement.excluded.role}
            )
        )

    def _users(self, query: sa.Select[Any]) -> list[UserRecord]:
        rows = self.connection.execute(query).all()
        roles: dict[str, dict[str, Role]] = {row.id: {} for row in rows}
        given = sa.select(user_roles).where(user_roles.c.user_id.in_(list(roles)))
        for item in self.connection.execute(given):
            # A role of a newer version gives no rights here.
            if item.role in set(Role):
                roles[item.user_id][item.shop_id] = Role(item.role)
        return [
            UserRecord(
                id=row.id,
                name=row.name,
                password_hash=row.password_hash,
                created_at=row.created_at,
                state=UserState.ACTIVE if row.state == UserState.ACTIVE else UserState.DISABLED,
                locale=row.locale,
                totp=None if row.totp is None else self.sealer.unseal(row.id, _TOTP, row.totp),
                roles=roles[row.id],
            )
            for row in rows
        ]
