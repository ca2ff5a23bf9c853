"""Keys of the pretend Shopify: the page that asks, codes, pairs that rotate, sign-ins.

Source: shopify.dev, authorization code grant, token exchange, client credentials grant,
offline access tokens, ID tokens, and the changelog "More resilient refreshes for expiring
offline access tokens" of 2026-08-28; checked 2026-11-22.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from webhooks.sandbox._server import JsonObject, Refused, Request, Response
from webhooks.sandbox.shopify.reads import ALL_SCOPES

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.shop import ShopifyShop

TOKEN_PATH: Final = "/admin/oauth/access_token"
AUTHORIZE_PATH: Final = "/admin/oauth/authorize"
TOKEN_LIFE_S: Final = 86_399
OFFLINE_LIFE_S: Final = 3_600
REFRESH_LIFE_S: Final = 90 * 86_400
CODE_LIFE_S: Final = 60
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE: Final = "urn:shopify:params:oauth:token-type:offline-access-token"


@dataclass(slots=True)
class Pair:
    """An access token and what the next one is got with.

    Args: before: the pair it replaces, which dies when this one is first used.
    """

    access: str
    refresh: str
    ends_at: float
    before: Pair | None = None
    dead: bool = False


class OAuth:
    """Every key that this shop has handed out."""

    def __init__(self, shop: ShopifyShop) -> None:
        """Begin without any."""
        self.shop = shop
        self.codes: dict[str, float] = {}
        self.short: dict[str, float] = {}
        self.pairs: list[Pair] = []
        self.lasting: set[str] = set()
        # What the app has registered; empty takes every address.
        self.redirects: set[str] = set()
        self.omit_refresh = False

    def knows(self, token: str) -> bool:
        """Tell whether a token opens the shop now; using it ends the one before."""
        now = time.monotonic()
        if token in self.lasting or self.short.get(token, 0.0) > now:
            return True
        pair = next((one for one in self.pairs if one.access == token), None)
        if pair is None or pair.dead or pair.ends_at <= now:
            return False
        self._used(pair)
        return True

    def forget(self) -> None:
        """End every key, as an uninstallation does."""
        self.short.clear()
        self.pairs.clear()
        self.lasting.clear()
        self.codes.clear()

    def end_access(self) -> None:
        """End what opens the shop and leave what renews it, as an hour does."""
        self.short.clear()
        for pair in self.pairs:
            pair.ends_at = 0.0

    def grant(self, request: Request) -> Response:
        """Answer the token endpoint."""
        given = _given(request)
        if given is None:
            return _error("invalid_request")
        shop = self.shop
        if given.get("client_id") != shop.client_id or not hmac.compare_digest(
            str(given.get("client_secret")).encode(), shop.client_secret.encode()
        ):
            return _error("invalid_client")
        kind = given.get("grant_type")
        if kind == "client_credentials":
            return self._by_client()
        if kind == "refresh_token":
            return self._by_refresh(str(given.get("refresh_token")))
        if kind == EXCHANGE:
            return self._by_id_token(given)
        if kind is None and given.get("code"):
            if self.codes.pop(str(given["code"]), 0.0) < time.monotonic():
                return _error("invalid_request")
            shop.installed = True
            return self._offline(given)
        return _error("unsupported_grant_type")

    def ask(self, request: Request) -> Response:
        """Show the page that asks the owner, or take their answer."""
        posted = request.method == "POST"
        told = dict(parse_qsl(request.body.decode())) if posted else request.params
        back, state = told.get("redirect_uri", ""), told.get("state", "")
        if told.get("client_id") != self.shop.client_id:
            return Response.of_html("<p>Sandbox: no such app.</p>", 400)
        if self.redirects and back not in self.redirects:
            text = "<p>Sandbox: The redirect_uri is not whitelisted</p>"
            return Response.of_html(text, 400)
        if not posted:
            return Response.of_html(_page(self.shop.title, told))
        code = secrets.token_hex(16)
        self.codes[code] = time.monotonic() + CODE_LIFE_S
        query = self.signed({"code": code, "state": state})
        location = f"{back}{'&' if '?' in back else '?'}{query}"
        return Response(302, b"", "text/html", {"Location": location})

    def open_app(self, data: JsonObject) -> JsonObject:
        """Give the address by which the platform opens the app.

        Args: data: `url`; `embedded` for a page inside the admin; `id_token` false for one
            that comes without.
        Raises: Refused: no address.
        """
        url = str(data.get("url") or "")
        if not url:
            raise Refused("give `url`")
        more = {}
        if data.get("embedded"):
            more = {"embedded": "1", "locale": "es"}
            if data.get("id_token", True):
                more["id_token"] = self.id_token()
        return {"url": f"{url}{'&' if '?' in url else '?'}{self.signed(more)}"}

    def signed(self, more: dict[str, str]) -> str:
        """Write a query with the shop in it and sign it."""
        domain = self.shop.domain
        host = base64.b64encode(f"admin.shopify.com/store/{domain.partition('.')[0]}".encode())
        told = {
            **more,
            "host": host.decode().rstrip("="),
            "shop": domain,
            "timestamp": str(int(time.time())),
        }
        text = "&".join(f"{name}={value}" for name, value in sorted(told.items()))
        key = self.shop.client_secret.encode()
        told["hmac"] = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return urlencode(told)

    def id_token(self, **changed: Any) -> str:
        """Sign a member of staff in, as App Bridge does."""
        now = int(time.time())
        claims = {
            "iss": f"https://{self.shop.domain}/admin",
            "dest": f"https://{self.shop.domain}",
            "aud": self.shop.client_id,
            "sub": "4242",
            "exp": now + 60,
            "nbf": now,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "sid": secrets.token_hex(16),
            **changed,
        }
        text = f"{_b64({'alg': 'HS256', 'typ': 'JWT'})}.{_b64(claims)}"
        mac = hmac.new(self.shop.client_secret.encode(), text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    def _by_client(self) -> Response:
        if not self.shop.installed:
            # Quirk(shopify): this refusal comes as a web page.
            text = "<html><body>Oauth error app_not_installed</body></html>"
            return Response.of_html(text, 400)
        token = "shpat_" + secrets.token_hex(16)
        self.short[token] = time.monotonic() + self.shop.token_life_s
        life = int(self.shop.token_life_s)
        return Response.of_json({"access_token": token, "scope": self._scope(), "expires_in": life})

    def _by_id_token(self, given: JsonObject) -> Response:
        if given.get("subject_token_type") != ID_TOKEN:
            return _error("invalid_request")
        if given.get("requested_token_type") != OFFLINE:
            return _error("invalid_request")
        if not self.shop.installed:
            return _error("invalid_client")
        if not self._good_id_token(str(given.get("subject_token"))):
            return _error("invalid_subject_token")
        return self._offline(given)

    def _good_id_token(self, text: str) -> bool:
        head, _, mac = text.rpartition(".")
        key = self.shop.client_secret.encode()
        right = hmac.new(key, head.encode(), hashlib.sha256).digest()
        expected = base64.urlsafe_b64encode(right).rstrip(b"=").decode()
        if not hmac.compare_digest(mac.encode(), expected.encode()):
            return False
        body = head.partition(".")[2]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return bool(claims["exp"] > time.time() and claims["aud"] == self.shop.client_id)

    def _by_refresh(self, refresh: str) -> Response:
        if not self.shop.installed:
            return _error("invalid_client")
        pair = next((one for one in self.pairs if one.refresh == refresh and not one.dead), None)
        if pair is None:
            return _error("invalid_grant")
        self._used(pair)
        return self._new_pair(pair)

    def _offline(self, given: JsonObject) -> Response:
        if str(given.get("expiring")) == "1":
            return self._new_pair(None)
        token = "shpat_" + secrets.token_hex(16)
        self.lasting.add(token)
        return Response.of_json({"access_token": token, "scope": self._scope()})

    def _new_pair(self, before: Pair | None) -> Response:
        refresh = "shprt_" + secrets.token_hex(16)
        if self.omit_refresh and before is not None:
            refresh, before = before.refresh, None
        pair = Pair(
            "shpat_" + secrets.token_hex(16), refresh, time.monotonic() + OFFLINE_LIFE_S, before
        )
        self.pairs.append(pair)
        told = {
            "access_token": pair.access,
            "scope": self._scope(),
            "expires_in": OFFLINE_LIFE_S,
            "refresh_token": pair.refresh,
            "refresh_token_expires_in": REFRESH_LIFE_S,
        }
        if self.omit_refresh:
            del told["refresh_token"], told["refresh_token_expires_in"]
        return Response.of_json(told)

    def _used(self, pair: Pair) -> None:
        if pair.before is not None:
            pair.before.dead = True
            pair.before = None

    def _scope(self) -> str:
        granted = self.shop.scopes
        return ",".join(sorted(ALL_SCOPES if granted is None else granted))


def _given(request: Request) -> JsonObject | None:
    if "json" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(request.body.decode()))
    try:
        return request.json()
    except Refused:
        return None


def _error(word: str) -> Response:
    return Response.of_json({"error": word}, 400)


def _b64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _page(title: str, told: dict[str, str]) -> str:
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(told.get(name, ""))}">'
        for name in ("client_id", "redirect_uri", "state", "scope")
    )
    scopes = "".join(
        f"<li>{escape(scope)}</li>" for scope in told.get("scope", "").split(",") if scope
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Install app - sandbox</title>"
        f"<h1>{escape(title)}: install app</h1>"
        "<p><strong>Sandbox.</strong> This is not Shopify: it only behaves like it.</p>"
        f"<p>The app asks for:</p><ul>{scopes}</ul>"
        f'<form method="post" action="{AUTHORIZE_PATH}">{fields}'
        "<button>Install</button></form></html>"
    )
