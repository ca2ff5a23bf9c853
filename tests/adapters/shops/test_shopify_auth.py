"""Who may come in: ID tokens, signed queries, permission addresses."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.shops.shopify.auth import (
    SCOPES,
    check_query,
    missing_scopes,
    permission_url,
)
from adapters.shops.shopify.session_token import bearer, check_id_token
from connector.errors import AuthRejected
from connector.secret import Secret

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
CLIENT = "5b8f3c1de2a94f60b7c1d0e9a8f76543"
SECRET = Secret("shpss_0123456789abcdef0123456789abcdef")
OLD = Secret("shpss_ffffffffffffffffffffffffffffffff")
SHOP = "my-shop.myshopify.com"

Claims = dict[str, Any]


def claims(**changed: Any) -> Claims:
    """Give the claims of a good token; None takes one out."""
    good: Claims = {
        "iss": f"https://{SHOP}/admin",
        "dest": f"https://{SHOP}",
        "aud": CLIENT,
        "sub": "42",
        "exp": AT + 50,
        "nbf": AT - 10,
        "iat": AT - 10,
        "jti": "f8912129-1af6-4cad-9ca3-76b0f7621087",
        "sid": "aaea182f2732d44c23057c0fea584021a4485b2bd25d3eb7fd349313ad24c685",
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def b64(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(
    told: Any = None, *, head: Any = None, secret: Secret = SECRET, how: str = "sha256"
) -> str:
    """Sign claims by hand, without the library that checks them."""
    header = {"alg": "HS256", "typ": "JWT"} if head is None else head
    text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(told or claims()).encode())}"
    mac = hmac.new(secret.reveal().encode(), text.encode(), how).digest()
    return f"{text}.{b64(mac)}"


def altered(text: str) -> str:
    """Change the claims under the signature."""
    head, _body, mac = text.split(".")
    return f"{head}.{b64(json.dumps(claims(sub='1')).encode())}.{mac}"


def believed(text: str, *, now: datetime = NOW) -> str:
    """Check a token; give its shop."""
    return check_id_token(text, CLIENT, [SECRET, OLD], now).shop


BAD: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no token": lambda: "abc",
    "two parts": lambda: token().rpartition(".")[0],
    "no signature": lambda: token().rpartition(".")[0] + ".",
    "alg none": lambda: token(head={"alg": "none", "typ": "JWT"}).rpartition(".")[0] + ".",
    "alg none, signed": lambda: token(head={"alg": "none"}),
    "HS512": lambda: token(head={"alg": "HS512"}, how="sha512"),
    "RS256 named": lambda: token(head={"alg": "RS256"}),
    "another secret": lambda: token(secret=Secret("shpss_" + "1" * 32)),
    "empty secret": lambda: token(secret=Secret("")),
    "altered claims": lambda: altered(token()),
    "altered signature": lambda: token()[:-2] + ("AA" if not token().endswith("AA") else "BB"),
    "another app": lambda: token(claims(aud="other")),
    "several apps": lambda: token(claims(aud=[CLIENT, "other"])),
    "no aud": lambda: token(claims(aud=None)),
    "over": lambda: token(claims(exp=AT - 5)),
    "no end": lambda: token(claims(exp=None)),
    "end as text": lambda: token(claims(exp=str(AT + 50))),
    "end without end": lambda: token(claims(exp=1e400)),
    "not yet": lambda: token(claims(nbf=AT + 6)),
    "made tomorrow": lambda: token(claims(iat=AT + 86_400)),
    "iss of another shop": lambda: token(claims(iss="https://evil.myshopify.com/admin")),
    "no Shopify shop": lambda: token(
        claims(iss="https://evil.example/admin", dest="https://evil.example")
    ),
    "a shop with a tail": lambda: token(
        claims(iss=f"https://{SHOP}.evil.example/admin", dest=f"https://{SHOP}.evil.example")
    ),
    "a line break": lambda: token(claims(iss=f"https://{SHOP}\n/admin", dest=f"https://{SHOP}\n")),
    "plain http": lambda: token(claims(iss=f"http://{SHOP}/admin", dest=f"http://{SHOP}")),
    "no jti": lambda: token(claims(jti=None)),
    "no dest": lambda: token(claims(dest=None)),
    "dest is a list": lambda: token(claims(dest=[f"https://{SHOP}"])),
    "claims are a list": lambda: token([1]),
    "letters of no alphabet": lambda: token() + "é",
    "without end": lambda: token(claims(sid="x" * 5000)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tokens_are_refused(name: str) -> None:
    """A token that is wrong in any way is refused, with the same words for all."""
    with pytest.raises(AuthRejected, match="is not good") as caught:
        believed(BAD[name]())
    assert caught.value.code == "id_token"


def test_good_tokens_are_believed() -> None:
    """A good token tells shop and person; five seconds of skew and the old secret count."""
    found = check_id_token(token(), CLIENT, [SECRET], NOW)
    assert (found.shop, found.user) == (SHOP, "42")
    assert found.expires_at == NOW + timedelta(seconds=50)
    assert believed(token(claims(exp=AT - 4))) == SHOP
    assert believed(token(claims(nbf=AT + 5))) == SHOP
    assert believed(token(secret=OLD)) == SHOP
    assert bearer(f"Bearer {token()}") == token()
    assert (bearer("Basic abc"), bearer("")) == ("", "")


def query(**changed: str) -> list[tuple[str, str]]:
    """Give a query as Shopify signs it: sorted pairs, HMAC in hex.

    The rule of the documentation, written out once more.
    """
    told = {"code": "abc", "host": "YWRtaW4", "shop": SHOP, "state": "s1", "timestamp": str(AT)}
    told.update(changed)
    told = {name: value for name, value in told.items() if value}
    text = "&".join(f"{name}={value}" for name, value in sorted(told.items()))
    mac = hmac.new(SECRET.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()
    return [*told.items(), ("hmac", mac)]


def test_a_signed_query_is_believed() -> None:
    """All parameters count, also those nobody knew; the old secret counts as well."""
    told = check_query(query(), [SECRET], NOW)
    assert (told["shop"], told["code"]) == (SHOP, "abc")
    assert check_query(query(newly="x"), [OLD, SECRET], NOW)["newly"] == "x"
    assert check_query(query(), [SECRET], NOW + timedelta(seconds=89))


_LATE = timedelta(seconds=91)


@pytest.mark.parametrize(
    ("pairs", "now"),
    [
        (query()[:-1], NOW),
        ([*query()[:-1], ("hmac", "0" * 64)], NOW),
        ([*query()[:-1], ("hmac", "é")], NOW),
        ([*query(), ("extra", "1")], NOW),
        ([*query(), ("shop", "evil.myshopify.com")], NOW),
        ([("shop", "evil.myshopify.com"), *query()], NOW),
        (query(), NOW + _LATE),
        (query(timestamp=str(AT + 91)), NOW),
        (query(timestamp=""), NOW),
        (query(timestamp="soon"), NOW),
        (query(timestamp="9" * 5000), NOW),
        (query(shop="evil.example"), NOW),
        (query(shop=f"{SHOP}\n"), NOW),
        (query(shop=f"{SHOP}.evil.example"), NOW),
        (query(shop="-x.myshopify.com"), NOW),
        (query(shop=""), NOW),
    ],
)
def test_other_queries_are_refused(pairs: list[tuple[str, str]], now: datetime) -> None:
    """Unsigned, altered, doubled, old, and about no Shopify shop."""
    with pytest.raises(AuthRejected):
        check_query(pairs, [SECRET], now)


def test_the_permission_address_is_the_shops_own() -> None:
    """It leads to the shop, names the app and what it needs, and carries the state."""
    url = permission_url(SHOP, CLIENT, "https://p.example/back", "st-1")
    assert url.startswith(f"https://{SHOP}/admin/oauth/authorize?")
    assert f"client_id={CLIENT}" in url
    assert "redirect_uri=https%3A%2F%2Fp.example%2Fback" in url
    assert "state=st-1" in url
    assert "scope=" + "%2C".join(SCOPES) in url


def test_two_apps_side_by_side_keep_their_own_secrets() -> None:
    """The package keeps app and secret for the whole process; ours are of one call."""
    other = permission_url(SHOP, "other", "https://p.example/back", "s")
    assert "client_id=other" in other
    assert "client_id=other" not in permission_url(SHOP, CLIENT, "https://p.example/back", "s")


def test_missing_scopes_are_named() -> None:
    """A right to write includes the one to read; what was not granted is named."""
    assert (
        missing_scopes(
            "write_orders,write_products,read_customers,read_fulfillments,write_discounts"
        )
        == ()
    )
    assert missing_scopes("read_orders,read_customers") == (
        "write_orders",
        "read_products",
        "read_fulfillments",
        "write_discounts",
    )
