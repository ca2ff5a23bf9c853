"""Keep the key of a shop in the store: renewed by one process at a time, stored before use.

A shop that rotates its keys gives a pair. The old pair works until the new one is first
used, so whoever dies between the answer and the commit has lost nothing; whoever used a
pair that is not stored would lock all others out.

Source: shopify.dev changelog, "More resilient refreshes for expiring offline access
tokens", 2026-08-28, checked 2026-11-22.
"""

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from connector.errors import ShopResting, TemporaryFailure
from connector.model.order import ShopId
from connector.model.token import AccessToken
from connector.ports import Clock
from connector.storage.port import Storage

# Longer than a call may take at most.
TURN: Final = timedelta(seconds=90)
PATIENCE_S: Final = 30.0
_LOOK_S: Final = 0.1


class StoredTokens:
    """The key of one shop, as all processes see it.

    Args: sleep: waits some seconds while another process asks.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        shop_id: ShopId,
        log: Callable[..., Any],
        *,
        patience_s: float = PATIENCE_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._shop_id = shop_id
        self._log = log
        self._patience_s = patience_s
        self._sleep = sleep

    def now(self) -> datetime:
        """Tell the time."""
        return self._clock.now()

    def read(self) -> AccessToken | None:
        """Give the key that is stored."""
        with self._storage.reading() as tx:
            return tx.shop_token(self._shop_id)

    def renew(
        self,
        is_good: Callable[[AccessToken], bool],
        ask: Callable[[AccessToken | None], AccessToken],
    ) -> AccessToken:
        """Give the stored key if it is good, else ask for one and store it.

        Raises: ShopResting: another process asks and does not end. What `ask` raises.
        """
        holder = secrets.token_hex(8)
        ends = time.monotonic() + self._patience_s
        while True:
            with self._storage.transaction() as tx:
                kept = tx.shop_token(self._shop_id)
                if kept is not None and is_good(kept):
                    return kept
                now = self._clock.now()
                mine = tx.hold_shop_token(self._shop_id, holder, now=now, until=now + TURN)
                if mine:
                    # Read again under the turn: whoever had it may have stored one since.
                    kept = tx.shop_token(self._shop_id)
                    if kept is not None and is_good(kept):
                        tx.release_shop_token(self._shop_id, holder)
                        return kept
            if mine:
                return self._ask(kept, holder, is_good, ask)
            if time.monotonic() >= ends:
                raise ShopResting(
                    "Another process gets a new key for this shop and has not come to an end.",
                    retry_after_s=TURN.total_seconds(),
                )
            self._sleep(_LOOK_S)

    def _ask(
        self,
        kept: AccessToken | None,
        holder: str,
        is_good: Callable[[AccessToken], bool],
        ask: Callable[[AccessToken | None], AccessToken],
    ) -> AccessToken:
        try:
            fresh = ask(kept)
        except BaseException:
            with self._storage.transaction() as tx:
                tx.release_shop_token(self._shop_id, holder)
            raise
        with self._storage.transaction() as tx:
            stored = tx.put_shop_token(self._shop_id, fresh, holder=holder)
            kept = tx.shop_token(self._shop_id)
        if stored:
            self._log("token.renewed", shop_id=self._shop_id)
            return fresh
        # It took too long, and another one went on: only what is stored may be used.
        if kept is not None and is_good(kept):
            return kept
        raise TemporaryFailure("The new key of this shop came too late; it is asked for again.")
