"""Check who calls: OAuth 1.0a over http, Basic over https."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from webhooks.sandbox.woocommerce.errors import WooError

if TYPE_CHECKING:
    from webhooks.sandbox._server import Request

WINDOW_S: Final = 15 * 60
NEEDED: Final = (
    "oauth_consumer_key",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
)
HASHES: Final = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


def refused(message: str) -> WooError:
    """Build the answer to a caller who is not who it says."""
    return WooError(401, "woocommerce_rest_authentication_error", message)


class Keys:
    """The one API key of a shop.

    Args:
        permissions: read, write or read_write.
    """

    def __init__(self, url: str, key: str, secret: str, permissions: str) -> None:
        self.url = url
        self.key = key
        self.secret = secret
        self.permissions = permissions
        self._nonces: dict[str, float] = {}
        self._lock = threading.Lock()

    def check(self, request: Request) -> bool:
        """Tell whether the caller is known; raise if it pretends.

        Raises: WooError: wrong key, secret, signature, time or nonce, or
            a key without the permission.
        Source: recorded in auth_errors and https_basic_auth, 10.2.4.
        """
        known = self.url.startswith("https:") and self._basic(request)
        known = known or self._oauth(request)
        if known:
            self._permit(request.method)
        return known

    def _permit(self, method: str) -> None:
        writes = method in {"POST", "PUT", "PATCH", "DELETE"}
        if writes and "write" not in self.permissions:
            raise refused("The API key provided does not have write permissions.")
        if not writes and "read" not in self.permissions:
            raise refused("The API key provided does not have read permissions.")

    def _basic(self, request: Request) -> bool:
        params = request.params
        key, secret = params.get("consumer_key"), params.get("consumer_secret")
        header = request.headers.get("authorization", "")
        if key is None and header.lower().startswith("basic "):
            try:
                plain = base64.b64decode(header[6:]).decode()
            except (binascii.Error, UnicodeDecodeError):
                return False
            key, _, secret = plain.partition(":")
        if key is None or secret is None or key != self.key:
            return False
        if not hmac.compare_digest(secret.encode(), self.secret.encode()):
            raise refused("Consumer secret is invalid.")
        return True

    def _oauth(self, request: Request) -> bool:
        params = dict(request.query)  # of equal names the last one counts
        params.update(_from_header(request.headers.get("authorization", "")))
        given = [name for name in NEEDED if params.get(name)]
        if not given:
            return False
        if len(given) < len(NEEDED):
            missing = ", ".join(name for name in NEEDED if name not in given)
            raise WooError(
                401,
                "woocommerce_rest_authentication_missing_parameter",
                f"Missing OAuth parameter {missing}",
            )
        if params["oauth_consumer_key"] != self.key:
            raise refused("Consumer key is invalid.")
        self._signature(request, params)
        self._moment(params)
        return True

    def _signature(self, request: Request, params: dict[str, str]) -> None:
        given = params.pop("oauth_signature")
        algorithm = HASHES.get(params["oauth_signature_method"].upper())
        if algorithm is None:
            raise refused("Invalid signature - signature method is invalid.")
        pairs = sorted((_escape(name), _escape(value)) for name, value in params.items())
        joined = "&".join(f"{name}={value}" for name, value in pairs)
        # The shop signs its own address, whatever name it was called by.
        path = request.target.partition("?")[0]
        text = "&".join([request.method, _escape(self.url + path), _escape(joined)])
        digest = hmac.new(f"{self.secret}&".encode(), text.encode(), algorithm).digest()
        if not hmac.compare_digest(base64.b64encode(digest), given.encode()):
            raise refused("Invalid signature - provided signature does not match.")

    def _moment(self, params: dict[str, str]) -> None:
        now = time.time()
        stamp = params["oauth_timestamp"]
        if not stamp.isdigit() or abs(now - int(stamp)) > WINDOW_S:
            raise refused("Invalid timestamp.")
        with self._lock:
            if params["oauth_nonce"] in self._nonces:
                raise refused("Invalid nonce - nonce has already been used.")
            self._nonces[params["oauth_nonce"]] = now
            if len(self._nonces) > 50_000:
                old = now - 2 * WINDOW_S
                self._nonces = {k: at for k, at in self._nonces.items() if at > old}


def unknown_caller(method: str, *, single: bool) -> WooError:
    """Build the answer to a caller without a key."""
    if method == "GET":
        what = "view this resource" if single else "list resources"
        return WooError(401, "woocommerce_rest_cannot_view", f"Sorry, you cannot {what}.")
    verb = {"DELETE": "delete"}.get(method, "edit" if single else "create")
    what = "this resource" if single else "resources"
    message = f"Sorry, you are not allowed to {verb} {what}."
    return WooError(401, f"woocommerce_rest_cannot_{verb}", message)


def _escape(text: str) -> str:
    return quote(text, safe="~")


def _from_header(header: str) -> dict[str, str]:
    if not header.lower().startswith("oauth "):
        return {}
    pairs = (part.strip().partition("=") for part in header[6:].split(","))
    return {name: unquote(value.strip('"')) for name, _, value in pairs if name != "realm"}
