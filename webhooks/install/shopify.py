"""Connect a Shopify shop by an installation: begin, come back, or open the app inside.

The shop is what Shopify has signed and nothing else: the query of the way back, or the
sign-in of a page inside the admin. A state counts once, for half an hour, for one shop, one
app and the browser that began.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from adapters._http import HttpClient
from adapters.shops.shopify.adapter import OFFLINE
from adapters.shops.shopify.auth import check_query, permission_url
from adapters.shops.shopify.session_token import IdToken, check_id_token
from adapters.shops.shopify.tokens import TokenEndpoint
from connector.errors import AdapterError, AuthRejected, ConfigurationError
from connector.secret import Secret
from connector.storage.install import AppRecord
from connector.storage.records import ShopState
from webhooks.install.binding import InstallRefused
from webhooks.install.shopify_connect import MAX_NAME, PLATFORM, Connected, connect
from webhooks.shop_values import advice, shop_address, shopify_domain, typed_key
from webhooks.wiring import Application

START: Final = "shopify start"
STATE: Final = "shopify state"
LINK_LIFE: Final = timedelta(hours=24)
STATE_LIFE: Final = timedelta(minutes=30)
_BYTES: Final = 32

Pairs = Sequence[tuple[str, str]]


def app_url(base_url: str, client_id: str) -> str:
    """Give the address that Shopify opens the app at."""
    return f"{base_url}/admin/shopify/{client_id}"


def callback_url(base_url: str, client_id: str) -> str:
    """Give the address that Shopify sends the owner back to."""
    return f"{app_url(base_url, client_id)}/callback"


def make_link(
    app: Application,
    *,
    shop: str,
    client_id: str,
    client_secret: str,
    name: str = "",
    contact: str = "",
    api_url: str | None = None,
) -> str:
    """Remember an app and give the address at which the owner of a shop installs it.

    Args: api_url: where a pretend shop answers; only for tests and the sandbox.
    Raises: ConfigurationError: a value cannot be used.
    """
    base_url, domain = app.base_url(), shopify_domain(shop)
    client = typed_key("--client-id", client_id).reveal()
    secret = typed_key("the client secret", client_secret)
    settings = {"api_url": shop_address(api_url)} if api_url else {}
    now, token = app.clock.now(), secrets.token_urlsafe(_BYTES)
    with app.storage.transaction() as tx:
        known = tx.app(PLATFORM, client)
        old = known.secret if known is not None and known.secret != secret else None
        tx.put_app(
            AppRecord(
                PLATFORM,
                client,
                secret,
                known.created_at if known else now,
                old or (known.old_secret if known else None),
                settings,
            )
        )
        tx.put_ticket(
            START,
            token,
            now=now,
            expires_at=now + LINK_LIFE,
            data={
                "shop": domain,
                "client_id": client,
                "name": name.strip()[:MAX_NAME],
                "contact": contact,
            },
        )
    return f"{app_url(base_url, client)}/start/{token}"


def find_app(app: Application, client_id: str) -> AppRecord:
    """Find an app, also one that only a connected shop knows.

    Raises: InstallRefused: nobody knows it.
    """
    with app.storage.reading() as tx:
        known = tx.app(PLATFORM, client_id)
        if known is not None:
            return known
        shops = [shop for shop in tx.shops() if shop.settings.get("client_id") == client_id]
    for shop in shops:
        secret = shop.secrets.get("client_secret")
        if shop.platform == PLATFORM and secret:
            old = shop.secrets.get("old_client_secret") or None
            settings = {name: value for name, value in shop.settings.items() if name == "api_url"}
            return AppRecord(PLATFORM, client_id, secret, shop.created_at, old, settings)
    raise InstallRefused("app")


def start(app: Application, client_id: str, token: str) -> Mapping[str, str]:
    """Read what a link is for; it stays good until the shop is connected.

    Raises: InstallRefused: unknown or over.
    """
    with app.storage.reading() as tx:
        found = tx.ticket(START, token, now=app.clock.now())
    if found is None or found.data.get("client_id") != client_id:
        raise InstallRefused("link")
    return {name: str(value) for name, value in found.data.items()}


def ask_url(
    app: Application, record: AppRecord, shop: str, browser: str, begun: Mapping[str, str]
) -> str:
    """Give the shop's page that asks its owner, with a state that is bound to the browser."""
    state, now = secrets.token_urlsafe(_BYTES), app.clock.now()
    with app.storage.transaction() as tx:
        tx.put_ticket(
            STATE,
            state,
            now=now,
            expires_at=now + STATE_LIFE,
            data={
                "shop": shop,
                "client_id": record.client_id,
                "browser": _digest(browser),
                "name": begun.get("name", ""),
                "contact": begun.get("contact", ""),
            },
        )
    url = permission_url(
        shop, record.client_id, callback_url(app.base_url(), record.client_id), state
    )
    pretend = record.settings.get("api_url")
    return url.replace(f"https://{shop}", pretend, 1) if pretend else url


def signed_query(app: Application, record: AppRecord, pairs: Pairs) -> Mapping[str, str]:
    """Believe a query that Shopify signed.

    Raises: InstallRefused: it is not, or is old.
    """
    try:
        return check_query(pairs, secrets_of(record), app.clock.now())
    except AuthRejected as err:
        raise InstallRefused("query") from err


def come_back(app: Application, record: AppRecord, pairs: Pairs, browser: str) -> Connected:
    """Take the owner back from the shop's page and connect the shop.

    Raises: InstallRefused: forged, used, old, of another browser; or Shopify gives no key.
    """
    told = signed_query(app, record, pairs)
    now = app.clock.now()
    with app.storage.transaction() as tx:
        found = tx.take_ticket(STATE, told.get("state", ""), now=now)
    data = found.data if found is not None else {}
    if (
        not browser
        or data.get("shop") != told["shop"]
        or data.get("client_id") != record.client_id
        or not hmac.compare_digest(str(data.get("browser", "")), _digest(browser))
    ):
        raise InstallRefused("state")
    endpoint = _endpoint(app, record, told["shop"])
    try:
        token = endpoint.by_code(now, told.get("code", ""))
    except AdapterError as err:
        raise InstallRefused("no_key", advice(err)) from err
    return connect(app, record, told["shop"], token, data)


def come_in(app: Application, record: AppRecord, id_token: str) -> tuple[IdToken, Connected | None]:
    """Believe the sign-in of a page inside the admin; connect its shop when it is new.

    With managed installation nobody has asked us before: the first page brings the key.

    Raises:
        AuthRejected: the sign-in is not to be believed, or not any more.
        InstallRefused: Shopify gives no key.
    """
    person = check_id_token(id_token, record.client_id, secrets_of(record), app.clock.now())
    with app.storage.reading() as tx:
        known = tx.shop_by_address(PLATFORM, person.shop)
        kept = None if known is None else tx.shop_token(known.id)
    if known is not None and known.state is ShopState.CONNECTED:
        if known.settings.get("client_id") != record.client_id:
            raise InstallRefused("other_app")
        # Its own grant, or a pasted key, needs nothing of this page.
        if known.settings.get("grant") != OFFLINE or kept is not None:
            return person, None
    try:
        token = _endpoint(app, record, person.shop).by_id_token(app.clock.now(), id_token)
    except AuthRejected as err:
        if err.code == "invalid_subject_token":
            raise
        raise InstallRefused("no_key", advice(err)) from err
    except AdapterError as err:
        raise InstallRefused("no_key", advice(err)) from err
    return person, connect(app, record, person.shop, token, {})


def secrets_of(record: AppRecord) -> list[Secret]:
    """Give what may sign for an app now."""
    return [one for one in (record.secret, record.old_secret) if one]


def frame_of(shop: str) -> tuple[str, ...]:
    """Tell who may show pages of a shop in a frame."""
    return (f"https://{shop}", "https://admin.shopify.com")


def _endpoint(app: Application, record: AppRecord, shop: str) -> TokenEndpoint:
    url = record.settings.get("api_url") or f"https://{shop}"
    if urlsplit(url).hostname is None:
        raise ConfigurationError("The address of the app's API cannot be read.")
    http = HttpClient(
        url,
        allow_private=app.settings.allow_private_hosts,
        allow_http=app.settings.allow_http,
        platform=PLATFORM,
        secrets=secrets_of(record),
    )
    return TokenEndpoint(http, record.client_id, record.secret)


def _digest(browser: str) -> str:
    return sha256(browser.encode("utf-8", "surrogatepass")).hexdigest()
