"""Sessions: secret names kept as digests only, and when they are over."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from connector.storage.access import Door, Role, SessionRecord, Stage
from connector.storage.port import Transaction

IDLE: Final = timedelta(hours=8)
LIFE: Final = timedelta(days=7)
HALF_LIFE: Final = timedelta(minutes=10)
"""How long the second factor may be waited for."""
# A use is noted at most this often: else every page would write.
_NOTED: Final = timedelta(minutes=1)
_BYTES: Final = 32
_LONGEST_AGENT: Final = 200


def digest_of(name: str) -> str:
    """Give the form in which a session's secret name is kept."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()


def csrf_token(name: str) -> str:
    """Give the word that forms of a session carry; nobody without its secret name knows it."""
    return hmac.new(name.encode("utf-8", "replace"), b"postventa form", hashlib.sha256).hexdigest()


def is_csrf_token(given: str, name: str) -> bool:
    """Compare a form's word, in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), csrf_token(name).encode())


def open_session(
    tx: Transaction,
    *,
    door: Door,
    actor: str,
    now: datetime,
    user_id: str | None = None,
    roles: Mapping[str, Role] | None = None,
    locale: str = "",
    address: str = "",
    agent: str = "",
    stage: Stage = Stage.OPEN,
    life: timedelta | None = None,
) -> str:
    """Begin a session with a name of its own; give the name.

    Args: roles: for people without a user record. life: other than the usual.
    """
    name = secrets.token_urlsafe(_BYTES)
    usual = LIFE if stage is Stage.OPEN else HALF_LIFE
    tx.end_old_sessions(now=now, idle_since=now - IDLE)
    tx.add_session(
        SessionRecord(
            digest=digest_of(name),
            stage=stage,
            door=door,
            actor=actor,
            created_at=now,
            seen_at=now,
            ends_at=now + (life or usual),
            user_id=user_id,
            roles=roles or {},
            locale=locale,
            address=address,
            agent=agent[:_LONGEST_AGENT],
        )
    )
    return name


def live_session(tx: Transaction, name: str, now: datetime) -> SessionRecord | None:
    """Find the session of a secret name, unless it is over."""
    session = tx.session(digest_of(name))
    if session is None or session.ends_at <= now or session.seen_at <= now - IDLE:
        return None
    return session


def is_to_be_noted(session: SessionRecord, now: datetime) -> bool:
    """Tell whether this use is worth a write."""
    return now - session.seen_at >= _NOTED
