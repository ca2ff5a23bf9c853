"""Who may enter: users, sessions, tries to sign in, and the log of what people did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from connector.model.order import ShopId
from connector.secret import Secret

EVERYWHERE: Final = "*"
"""Stands for all shops, those to come included."""


class Role(StrEnum):
    """What somebody may do in a shop; each includes those before it."""

    VIEWER = "viewer"
    """Sees everything, changes nothing."""
    EDITOR = "editor"
    """Changes rules and effects."""
    OWNER = "owner"
    """Changes keys and settings; of all shops: users as well."""

    def covers(self, wanted: "Role") -> bool:
        """Tell whether this role includes another."""
        order = list(Role)
        return order.index(self) >= order.index(wanted)


class UserState(StrEnum):
    """Whether somebody may sign in."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class UserRecord:
    """Somebody who signs in with a password.

    Attributes:
        name: unique, in its comparable form.
        locale: `es`, `en`, or empty for what the browser asks for.
        totp: the secret of the second factor; None while it is not set up.
        roles: shop id or EVERYWHERE to role.
    """

    id: str
    name: str
    password_hash: str = field(repr=False)
    created_at: datetime
    state: UserState = UserState.ACTIVE
    locale: str = ""
    totp: Secret | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)


class Door(StrEnum):
    """How somebody came in."""

    STANDALONE = "standalone"
    WORDPRESS = "wordpress"
    SHOPIFY = "shopify"
    COMMAND = "command"


class Stage(StrEnum):
    """How far a session has come."""

    OPEN = "open"
    HALF = "half"
    """The password was right; the second factor is still asked for."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One browser that is signed in.

    Attributes:
        digest: SHA-256 of its secret name, in hex.
        user_id: None for people whom a shop's own backend sent.
        roles: of those people; users have theirs in their own record.
        ends_at: it ends then at the latest.
    """

    digest: str
    stage: Stage
    door: Door
    actor: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    user_id: str | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    locale: str = ""
    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act that matters for security.

    Attributes:
        act: a name like `user.added`. detail: plain values, never secrets.
        id: 0 until it is stored.
    """

    at: datetime
    actor: str
    door: Door
    act: str
    address: str = ""
    shop_id: ShopId | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


class AccessVerbs(Protocol):
    """What a transaction can do about people."""

    def add_user(self, user: UserRecord) -> None:
        """Store a new user with roles.

        Raises: Conflict: the name is taken.
        """
        ...

    def user(self, user_id: str) -> UserRecord | None:
        """Read one user."""
        ...

    def user_by_name(self, name: str) -> UserRecord | None:
        """Find a user by the comparable form of the name."""
        ...

    def users(self) -> Sequence[UserRecord]:
        """Read all users, by name."""
        ...

    def update_user(
        self,
        user_id: str,
        *,
        password_hash: str | None = None,
        state: UserState | None = None,
        locale: str | None = None,
    ) -> None:
        """Change what is given."""
        ...

    def set_totp(self, user_id: str, secret: Secret | None, recovery: Sequence[str]) -> None:
        """Set or take away the second factor.

        Args: recovery: digests of the codes that stand in for it; they replace the old.
        """
        ...

    def use_totp_step(self, user_id: str, step: int) -> bool:
        """Take a time step of the second factor; False when it or a later one was used."""
        ...

    def use_recovery_code(self, user_id: str, digest: str) -> bool:
        """Use up a code; False when there is none such."""
        ...

    def set_role(self, user_id: str, shop_id: str, role: Role | None) -> None:
        """Give a role in a shop or EVERYWHERE; None takes it away."""
        ...

    def add_session(self, session: SessionRecord) -> None:
        """Store a new session."""
        ...

    def session(self, digest: str) -> SessionRecord | None:
        """Read one session."""
        ...

    def sessions_of(self, user_id: str) -> Sequence[SessionRecord]:
        """Read the sessions of a user, newest first."""
        ...

    def touch_session(
        self, digest: str, *, seen_at: datetime | None = None, locale: str | None = None
    ) -> None:
        """Note that a session was used, or its language."""
        ...

    def end_session(self, digest: str) -> bool:
        """End one session; False when there is none."""
        ...

    def end_sessions(self, user_id: str, *, but: str = "") -> int:
        """End all sessions of a user but one; tell how many."""
        ...

    def end_old_sessions(self, *, now: datetime, idle_since: datetime) -> int:
        """Delete sessions that are over; tell how many."""
        ...

    def count_try(
        self, name: str, *, now: datetime, forget_before: datetime
    ) -> tuple[int, datetime | None]:
        """Count one more try to sign in and keep others from counting it meanwhile.

        Returns: how many there were, this one included, since the last long pause; and
            until when tries were refused already (this one is not counted then).
        """
        ...

    def refuse_tries(self, name: str, until: datetime) -> None:
        """Refuse tries until a time."""
        ...

    def forget_tries(self, name: str) -> None:
        """Begin to count anew."""
        ...

    def add_audit(self, entry: AuditEntry) -> None:
        """Write down an act."""
        ...

    def audit(
        self, *, shop_id: ShopId | None = None, before: int | None = None, limit: int
    ) -> Sequence[AuditEntry]:
        """Read acts, newest first.

        Args: shop_id: only those of this shop. before: only older ones than this number.
        """
        ...
