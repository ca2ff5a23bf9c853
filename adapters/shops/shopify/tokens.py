"""Keys to one shop: a pasted one, or short ones that the app asks for.

Source: shopify.dev, client credentials grant, token exchange, authorization code grant,
offline access tokens and admin custom apps, checked 2026-11-22.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import msgspec

from adapters import _json
from adapters._answer import error_of
from adapters._http import Answer, HttpClient
from connector.errors import AuthRejected, PayloadInvalid, PlatformDown, TemporaryFailure
from connector.model.token import AccessToken, TokenKeeper
from connector.secret import Secret

PATH: Final = "admin/oauth/access_token"
OPERATION: Final = "POST admin/oauth/access_token"
EARLY: Final = timedelta(minutes=5)
# No end told means "ask again soon", never "for ever".
UNTOLD_LIFE_S: Final = 600.0
_LONGEST_S: Final = 10 * 366 * 86_400.0

_GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a kind of token
_OFFLINE: Final = "urn:shopify:params:oauth:token-type:offline-access-token"

# Refusals may come as a web page, so the words are looked for in the text.
REFUSALS: Final = {
    "app_not_installed": "The app is not installed in this shop: install it from the Dev"
    " Dashboard.",
    "shop_not_permitted": "The app and the shop belong to different Shopify organizations: make"
    " the app in the shop's own organization, or paste an access token.",
    "invalid_client": "Shopify refuses the client id or the client secret (or the app was"
    " uninstalled): copy both again from the Dev Dashboard.",
    "invalid_subject_token": "Shopify does not take the sign-in of this page any more: load the"
    " page again.",
    "invalid_grant": "Shopify takes the app's key no more: open the app once in the Shopify"
    " admin, or install it again.",
}
NOT_INSTALLED: Final = (
    "This shop has given the app no key yet: open the app once in the Shopify admin."
)


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the token endpoint."""

    access_token: str
    scope: str = ""
    expires_in: float | None = None
    refresh_token: str | None = None
    refresh_token_expires_in: float | None = None


class Tokens(Protocol):
    """Where the client gets its key from."""

    def current(self) -> Secret:
        """Give a key that is good for now; AuthRejected when there is none."""
        ...

    def after_refusal(self, refused: Secret) -> Secret | None:
        """Give another key than the refused one; None when there is no other."""
        ...


class StaticToken:
    """A key that never ends and cannot be renewed."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def current(self) -> Secret:
        """Give the key."""
        return self._token

    def after_refusal(self, refused: Secret) -> Secret | None:  # noqa: ARG002 - of the Protocol
        """Tell that there is no other."""
        return None


class TokenEndpoint:
    """Asks one shop for keys.

    Args: http: for the shop's domain.
    """

    def __init__(self, http: HttpClient, client_id: str, client_secret: Secret) -> None:
        self._http = http
        self._client_id = client_id
        self._client_secret = client_secret

    def by_client(self, now: datetime) -> AccessToken:
        """Ask with the app's id and secret alone: app and shop are of one organization.

        Raises: AuthRejected: Shopify gives none; says why.
        """
        return self._ask(now, {"grant_type": "client_credentials"})

    def by_code(self, now: datetime, code: str) -> AccessToken:
        """Exchange the code that an installation ended with; a code works once."""
        return self._ask(now, {"code": code, "expiring": "1"})

    def by_id_token(self, now: datetime, id_token: str) -> AccessToken:
        """Exchange the sign-in of an embedded page for a key that lasts without it."""
        return self._ask(
            now,
            {
                "grant_type": _GRANT,
                "subject_token": id_token,
                "subject_token_type": _ID_TOKEN,
                "requested_token_type": _OFFLINE,
                "expiring": "1",
            },
        )

    def by_refresh(self, now: datetime, kept: AccessToken) -> AccessToken:
        """Exchange a pair for the next one.

        Quirk(shopify): an answer without a new refresh token leaves the old one good;
        to drop it would lock the shop out for ever.
        """
        if kept.refresh is None:
            raise AuthRejected(NOT_INSTALLED, platform="shopify", operation=OPERATION)
        fields = {"grant_type": "refresh_token", "refresh_token": kept.refresh.reveal()}
        return self._ask(now, fields, kept)

    def _ask(
        self, now: datetime, fields: dict[str, str], kept: AccessToken | None = None
    ) -> AccessToken:
        client = {
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
        }
        # Not a write: what was asked for twice gives two keys and harms nothing.
        answer = self._http.send(
            "POST",
            PATH,
            body=urlencode({**client, **fields}).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            write=False,
            operation=OPERATION,
        )
        self._refuse(answer)
        try:
            granted = _json.decode(Granted, answer.body)
        except PayloadInvalid as err:
            raise PlatformDown(
                "Shopify answered something else than an access token.", **_where(answer)
            ) from err
        refresh, refresh_until = granted.refresh_token, granted.refresh_token_expires_in
        return AccessToken(
            Secret(granted.access_token),
            now,
            now + _span(granted.expires_in, UNTOLD_LIFE_S),
            Secret(refresh) if refresh else (kept.refresh if kept else None),
            now + _span(refresh_until, 0.0)
            if refresh and refresh_until
            else (kept.refresh_until if kept and not refresh else None),
            granted.scope,
        )

    def _refuse(self, answer: Answer) -> None:
        error = error_of(answer, self._http, write=False)
        if error is None:
            return
        text = answer.body[:20_000].decode("utf-8", "replace")
        for word, meaning in REFUSALS.items():
            if word in text:
                raise AuthRejected(meaning, code=word, **_where(answer)) from error
        if answer.status in {400, 401, 403}:
            raise AuthRejected("Shopify gives no access token.", **_where(answer)) from error
        raise error


class RenewedToken:
    """Keys that end: kept for all processes, renewed five minutes before.

    Args: ask: gets the next key; is given the kept one.
        lasts: a key without an end of its own is used until it is refused.
    """

    def __init__(
        self,
        keeper: TokenKeeper,
        ask: Callable[[AccessToken | None], AccessToken],
        *,
        lasts: Callable[[AccessToken], bool] = lambda _kept: False,
    ) -> None:
        self._keeper = keeper
        self._ask = ask
        self._lasts = lasts
        # One at a time: the others wait and take what the first one got.
        self._lock = threading.Lock()
        self._kept: AccessToken | None = None

    def current(self) -> Secret:
        """Give the kept key, or a new one five minutes before its end.

        Raises: AuthRejected: Shopify gives none; says why.
        """
        kept = self._kept
        if kept is not None and self._is_fresh(kept):
            return kept.access
        with self._lock:
            if self._kept is None or not self._is_fresh(self._kept):
                self._kept = self._renewed()
            return self._kept.access

    def after_refusal(self, refused: Secret) -> Secret | None:
        """Give what another thread or process has got since, or ask for a new key."""
        with self._lock:
            if self._kept is None or self._kept.access == refused:
                self._kept = None
                self._kept = self._keeper.renew(
                    lambda kept: kept.access != refused and not self._has_ended(kept), self._ask
                )
            return self._kept.access

    def _renewed(self) -> AccessToken:
        try:
            return self._keeper.renew(self._is_fresh, self._ask)
        except TemporaryFailure:
            # It was asked for early: the one we have is good for some minutes yet.
            kept = self._keeper.read()
            if kept is None or self._has_ended(kept):
                raise
            return kept

    def _is_fresh(self, kept: AccessToken) -> bool:
        if self._lasts(kept):
            return True
        early = min(EARLY, (kept.expires_at - kept.got_at) / 2)
        return self._keeper.now() < kept.expires_at - early

    def _has_ended(self, kept: AccessToken) -> bool:
        return not self._lasts(kept) and self._keeper.now() >= kept.expires_at


def _span(seconds: float | None, untold: float) -> timedelta:
    life = untold if seconds is None else seconds
    return timedelta(seconds=min(max(life, 0.0), _LONGEST_S))


def _where(answer: Answer) -> dict[str, Any]:
    return {
        "platform": "shopify",
        "operation": OPERATION,
        "status": answer.status,
        "request_id": answer.request_id,
    }
