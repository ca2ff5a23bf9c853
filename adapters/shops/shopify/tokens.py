"""Keys to one shop: a pasted one, or short ones that the app asks for.

Source: shopify.dev, client credentials grant and admin custom apps, checked
2026-11-22.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import msgspec

from adapters import _json
from adapters._answer import error_of
from adapters._http import Answer, HttpClient
from connector.errors import AuthRejected, PayloadInvalid, PlatformDown
from connector.secret import Secret

PATH: Final = "admin/oauth/access_token"
OPERATION: Final = "POST admin/oauth/access_token"
EARLY_S: Final = 300.0
# No end told means "ask again soon", never "for ever".
UNTOLD_LIFE_S: Final = 600.0

# Refusals may come as a web page, so the words are looked for in the text.
REFUSALS: Final = {
    "app_not_installed": "The app is not installed in this shop: install it from the Dev"
    " Dashboard.",
    "shop_not_permitted": "The app and the shop belong to different Shopify organizations: make"
    " the app in the shop's own organization, or paste an access token.",
    "invalid_client": "Shopify refuses the client id or the client secret (or the app was"
    " uninstalled): copy both again from the Dev Dashboard.",
}


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the token endpoint."""

    access_token: str
    scope: str = ""
    expires_in: float | None = None


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


class ClientCredentials:
    """Keys of 24 hours, asked for with the app's id and secret; kept in memory.

    Args: monotonic: a clock in seconds that never goes back.
    """

    def __init__(
        self,
        http: HttpClient,
        client_id: str,
        client_secret: Secret,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._client_id = client_id
        self._client_secret = client_secret
        self._monotonic = monotonic
        # One at a time: the others wait and take what the first one got.
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._good_until = 0.0

    def current(self) -> Secret:
        """Give the kept key, or a new one five minutes before its end.

        Raises: AuthRejected: Shopify gives none; says why.
        """
        with self._lock:
            if self._token is None or self._monotonic() >= self._good_until:
                self._token = self._ask()
            return self._token

    def after_refusal(self, refused: Secret) -> Secret | None:
        """Ask for a new key, unless another thread has done so already."""
        with self._lock:
            if self._token is None or self._token == refused:
                self._token = None
                self._token = self._ask()
            return self._token

    def _ask(self) -> Secret:
        fields = {
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
            "grant_type": "client_credentials",
        }
        # Not a write: asking twice gives two keys and harms nothing.
        answer = self._http.send(
            "POST",
            PATH,
            body=urlencode(fields).encode(),
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
        life = UNTOLD_LIFE_S if granted.expires_in is None else granted.expires_in
        self._good_until = self._monotonic() + life - min(EARLY_S, life / 2)
        return Secret(granted.access_token)

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


def _where(answer: Answer) -> dict[str, Any]:
    return {
        "platform": "shopify",
        "operation": OPERATION,
        "status": answer.status,
        "request_id": answer.request_id,
    }
