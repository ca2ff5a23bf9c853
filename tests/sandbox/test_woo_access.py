"""Who may call the pretend shop, and how calls are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
import requests
from woocommerce import API

from webhooks.sandbox.faults import Fault
from webhooks.sandbox.woocommerce import WooShop

if TYPE_CHECKING:
    from webhooks.sandbox._server import JsonObject

ERROR = "woocommerce_rest_authentication_error"


def signed(shop: WooShop, method: str = "GET", path: str = "orders", **changes: str) -> str:
    """Sign a call by hand and give its address; changes go in before signing."""
    url = f"{shop.url}/wp-json/wc/v3/{path}"
    params = {
        "oauth_consumer_key": shop.consumer_key,
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": "nonce-1",
        "oauth_signature_method": "HMAC-SHA256",
        **changes,
    }
    secret = params.pop("secret", shop.consumer_secret)
    algorithm = "sha1" if params["oauth_signature_method"] == "HMAC-SHA1" else "sha256"
    joined = "&".join(f"{name}={quote(params[name], safe='~')}" for name in sorted(params))
    text = "&".join([method, quote(url, safe=""), quote(joined, safe="~")])
    digest = hmac.new(f"{secret}&".encode(), text.encode(), getattr(hashlib, algorithm)).digest()
    params["oauth_signature"] = base64.b64encode(digest).decode()
    return f"{url}?{urlencode(params)}"


def refusal(address: str, method: str = "GET") -> JsonObject:
    """Call and give the refusal, which must be 401."""
    answer = requests.request(method, address, timeout=30)
    assert answer.status_code == 401
    body: JsonObject = answer.json()
    return body


@pytest.mark.parametrize("method", ["HMAC-SHA256", "HMAC-SHA1"])
def test_a_signed_call_is_served(woo: WooShop, method: str) -> None:
    """Both signature methods work, with odd letters in the query too."""
    address = signed(woo, oauth_signature_method=method, search="a/b c+ñ&=~")
    assert requests.get(address, timeout=30).status_code == 200


def test_a_nonce_works_once(woo: WooShop) -> None:
    """The same signed address is refused the second time."""
    address = signed(woo)
    assert requests.get(address, timeout=30).status_code == 200
    assert refusal(address) == {
        "code": ERROR,
        "message": "Invalid nonce - nonce has already been used.",
        "data": {"status": 401},
    }


@pytest.mark.parametrize("age_s", [-1000, 1000])
def test_a_clock_may_not_be_off_by_more_than_15_minutes(woo: WooShop, age_s: int) -> None:
    """An old or future timestamp is refused."""
    stamp = str(int(time.time()) - age_s)
    assert refusal(signed(woo, oauth_timestamp=stamp))["message"] == "Invalid timestamp."


def test_a_wrong_secret_is_refused(woo: WooShop) -> None:
    """A signature by another secret does not match."""
    message = refusal(signed(woo, secret="cs_wrong"))["message"]
    assert message == "Invalid signature - provided signature does not match."


def test_a_changed_query_is_refused(woo: WooShop) -> None:
    """A parameter added after signing breaks the signature."""
    assert refusal(signed(woo) + "&status=trash")["code"] == ERROR


def test_an_unknown_key_is_refused(woo: WooShop) -> None:
    """Over http an unknown key is named as the cause."""
    message = refusal(signed(woo, oauth_consumer_key="ck_other"))["message"]
    assert message == "Consumer key is invalid."


def test_no_key_and_basic_over_http_list_nothing(woo: WooShop) -> None:
    """Over http a Basic header counts as no key at all."""
    address = f"{woo.url}/wp-json/wc/v3/orders"
    for auth in (None, (woo.consumer_key, woo.consumer_secret)):
        answer = requests.get(address, auth=auth, timeout=30)
        assert answer.status_code == 401
        assert answer.json() == {
            "code": "woocommerce_rest_cannot_view",
            "message": "Sorry, you cannot list resources.",
            "data": {"status": 401},
        }


def test_a_read_only_key_cannot_write() -> None:
    """A key without write permission gets 401, not 403."""
    with WooShop(permissions="read") as shop:
        assert requests.get(signed(shop), timeout=30).status_code == 200
        body = refusal(signed(shop, "POST", "coupons", oauth_nonce="2"), "POST")
        assert body["message"] == "The API key provided does not have write permissions."


def test_a_write_only_key_cannot_read() -> None:
    """A key without read permission gets 401."""
    with WooShop(permissions="write") as shop:
        message = refusal(signed(shop))["message"]
        assert message == "The API key provided does not have read permissions."


def test_https_takes_basic_auth(tmp_path: Path) -> None:
    """Over https key and secret go in a Basic header or in the query."""
    with WooShop(https=True) as shop, requests.Session() as session:
        trusted = tmp_path / "shop.pem"
        trusted.write_text(shop.certificate, encoding="ascii")
        session.verify = str(trusted)
        session.trust_env = False  # the machine may name other authorities
        address = f"{shop.url}/wp-json/wc/v3/orders"
        pair = {"consumer_key": shop.consumer_key, "consumer_secret": shop.consumer_secret}
        owner = (shop.consumer_key, shop.consumer_secret)
        assert session.get(address, auth=owner, timeout=30).status_code == 200
        assert session.get(address, params=pair, timeout=30).status_code == 200
        wrong = session.get(address, auth=(owner[0], "x"), timeout=30)
        assert wrong.json()["message"] == "Consumer secret is invalid."
        unknown = session.get(address, auth=("ck_x", "x"), timeout=30)
        assert unknown.json()["code"] == "woocommerce_rest_cannot_view"


def test_anybody_may_read_the_index(woo: WooShop) -> None:
    """The index tells the zone and the namespaces without a key."""
    body = requests.get(f"{woo.url}/wp-json/", timeout=30).json()
    assert body["timezone_string"] == "Europe/Madrid"
    assert body["gmt_offset"] in {1, 2}
    assert "wc/v3" in body["namespaces"]


def test_a_body_must_be_json(woo: WooShop) -> None:
    """A broken body is refused as the real shop refuses it."""
    answer = requests.post(signed(woo, "POST"), data='{"status": ', timeout=30)
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "rest_invalid_json",
        "message": "Invalid JSON body passed.",
        "data": {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"},
    }


def test_maintenance_is_503_with_the_recorded_body(woo: WooShop, api: API) -> None:
    """In maintenance the shop answers JSON 503 and asks to wait 600 s."""
    woo.faults.add(Fault("status_503", match="GET /wp-json/wc/v3/orders"))
    answer = api.get("orders")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "600")
    assert answer.json()["code"] == "wp_die"


def test_a_lost_answer_leaves_the_note(woo: WooShop, api: API) -> None:
    """After drop_after the note is there although nobody was told."""
    order = woo.create_order({})
    path = f"orders/{order['id']}/notes"
    woo.faults.add(Fault("drop_after", match=f"POST /wp-json/wc/v3/{path}"))
    with pytest.raises(requests.ConnectionError):
        api.post(path, {"note": "once"})
    assert "once" in [note["note"] for note in api.get(path).json()]
    lost = [call for call in woo.state()["calls"] if call["fault"]]
    assert [(call["method"], call["write"], call["status"]) for call in lost] == [
        ("POST", True, None)
    ]
