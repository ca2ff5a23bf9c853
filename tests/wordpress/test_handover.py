"""People come from wp-admin into the admin pages by a signed hand-over, once each."""

import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.storage.records import ShopRecord
from tests.running import Running
from tests.support import FrozenClock
from tests.web.connected import ANA, ask, connect, put_rules
from tests.wordpress.plugin_side import KEY, call, claims_of, give_key, post_enter, sign, token
from webhooks.install.handover import MAX_TOKEN
from webhooks.sandbox.woocommerce.shop import WooShop


@pytest.fixture(scope="module")
def sandbox() -> Iterator[WooShop]:
    """Give a pretend shop."""
    with WooShop() as shop:
        yield shop


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a server whose clock stands."""
    with Running(tmp_path_factory.mktemp("server"), clock=FrozenClock()) as server:
        yield server


@pytest.fixture(scope="module")
def shop(running: Running, sandbox: WooShop) -> ShopRecord:
    """Connect the shop and agree on a key."""
    record = connect(running, sandbox)
    give_key(running, record)
    return record


def move(running: Running, **span: float) -> None:
    """Move the server's clock."""
    clock = running.app.clock
    assert isinstance(clock, FrozenClock)
    clock.move(**span)


def test_a_hand_over_opens_the_admin_pages(running: Running, shop: ShopRecord) -> None:
    """The shop's own page comes at once, framed by this shop only, without any cookie."""
    answer = post_enter(running, token(claims_of(running, shop)))
    assert answer.status_code == 200, answer.text[:500]
    assert f"frame-ancestors {shop.address}" in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert 'lang="en"' in answer.text
    assert "ana (WordPress)" in answer.text
    found = re.search(r'"X-Postventa-Session": "([\w-]{43})"', html.unescape(answer.text))
    assert found is not None

    def inside(path: str) -> int:
        headers = {"X-Postventa-Session": found[1]}
        return requests.get(running.url + path, headers=headers, timeout=60).status_code

    assert inside(f"/admin/shops/{shop.id}/orders") == 200
    assert inside("/admin/shops/sother/orders") == 404
    assert inside("/admin/users") == 403


def test_a_hand_over_counts_once(running: Running, shop: ShopRecord) -> None:
    """The second use of the very same token is refused, and the page says what to do."""
    made = token(claims_of(running, shop))
    assert post_enter(running, made).status_code == 200
    again = post_enter(running, made)
    assert (again.status_code, "used already" in again.text) == (403, True)
    assert "Reload the page in wp-admin" in again.text


@pytest.mark.parametrize(("age_s", "good"), [(0, True), (59, True), (60, False), (3600, False)])
def test_a_hand_over_ends_after_a_minute(
    running: Running, shop: ShopRecord, age_s: int, good: bool
) -> None:
    """59 seconds old is good, 60 is not."""
    made = token(claims_of(running, shop))
    move(running, seconds=age_s)
    answer = post_enter(running, made)
    assert (answer.status_code == 200) is good
    assert good or "older than 60 seconds" in answer.text


@pytest.mark.parametrize(("ahead_s", "good"), [(10, True), (11, False), (10**6, False)])
def test_a_clock_that_is_ahead_is_told(
    running: Running, shop: ShopRecord, ahead_s: int, good: bool
) -> None:
    """Ten seconds are let pass; more is the shop's clock, and the page says so."""
    now = int(running.app.clock.now().timestamp())
    answer = post_enter(running, token(claims_of(running, shop, iat=now + ahead_s)))
    assert (answer.status_code == 200) is good
    assert good or "clock of the shop" in answer.text


def test_no_changed_letter_is_believed(running: Running, shop: ShopRecord) -> None:
    """Each letter of claims and signature, changed alone, ends in a refusal."""
    made = token(claims_of(running, shop))
    for place in range(0, len(made), 3):
        letter = "A" if made[place] != "A" else "B"
        changed = made[:place] + letter + made[place + 1 :]
        if changed.split(".")[0] == made.split(".")[0] and place == len(made) - 1:
            continue
        assert post_enter(running, changed).status_code == 403, place
    assert post_enter(running, made).status_code == 200


Change = Callable[[Running, ShopRecord], str]

WRONG: dict[str, Change] = {
    "empty": lambda _r, _s: "",
    "no signature": lambda r, s: token(claims_of(r, s)).split(".")[0],
    "empty signature": lambda r, s: token(claims_of(r, s)).split(".")[0] + ".",
    "another key": lambda r, s: token(claims_of(r, s), key="x" * 43),
    "empty key": lambda r, s: token(claims_of(r, s), key=""),
    "another purpose": lambda r, s: token(claims_of(r, s), purpose="call"),
    "another shop": lambda r, s: token(claims_of(r, s, shop="sunknown")),
    "another address": lambda r, s: token(claims_of(r, s, aud="https://other.example/enter")),
    "no address": lambda r, s: token({**claims_of(r, s), "aud": None}),
    "no time": lambda r, s: token({**claims_of(r, s), "iat": None}),
    "time as text": lambda r, s: token(claims_of(r, s, iat="now")),
    "true for time": lambda r, s: token(claims_of(r, s, iat=True)),
    "time of a giant": lambda r, s: token(claims_of(r, s, iat=10**400)),
    "negative time": lambda r, s: token(claims_of(r, s, iat=-5)),
    "no nonce": lambda r, s: token({**claims_of(r, s), "nonce": None}),
    "short nonce": lambda r, s: token(claims_of(r, s, nonce="a")),
    "odd nonce": lambda r, s: token(claims_of(r, s, nonce="a" * 30 + "\n")),
    "customer": lambda r, s: token(claims_of(r, s, role="customer")),
    "role of a list": lambda r, s: token(claims_of(r, s, role=["administrator"])),
    "no user": lambda r, s: token(claims_of(r, s, uid=0)),
    "user as text": lambda r, s: token(claims_of(r, s, uid="7")),
    "no login": lambda r, s: token(claims_of(r, s, login="")),
    "long login": lambda r, s: token(claims_of(r, s, login="a" * 61)),
    "not canonical": lambda r, s: sign(json.dumps(claims_of(r, s), indent=1)),
    "a key twice": lambda r, s: sign(
        json.dumps(claims_of(r, s), sort_keys=True, separators=(",", ":"))[:-1] + ',"uid":1}'
    ),
    "no object": lambda _r, _s: sign("[]"),
    "no JSON": lambda _r, _s: sign("{"),
    "deep JSON": lambda _r, _s: sign("[" * 3000),
    "NaN": lambda _r, _s: sign('{"iat":NaN}'),
    "too long": lambda r, s: token(claims_of(r, s, page="/admin/" + "a" * MAX_TOKEN)),
    "not ASCII": lambda r, s: token(claims_of(r, s)) + "ñ",
    "two tokens": lambda r, s: token(claims_of(r, s)) + "." + token(claims_of(r, s)),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_a_good_hand_over_is_refused(
    running: Running, shop: ShopRecord, name: str
) -> None:
    """Altered, foreign, forged or odd: 403, a page that says what to do, no session."""
    answer = post_enter(running, WRONG[name](running, shop))
    assert answer.status_code == 403
    assert "Please open this page again" in answer.text
    assert "X-Postventa-Session" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers


def test_a_login_is_shown_as_text(running: Running, shop: ShopRecord) -> None:
    """What WordPress lets people be called is escaped like anything else."""
    answer = post_enter(running, token(claims_of(running, shop, login="<script>x")))
    assert "<script>x" not in answer.text
    assert "&lt;script&gt;x" in answer.text


@pytest.mark.parametrize(
    "page",
    ["//evil.example", "/admin/../x", "https://evil.example", "/admin/\\x", "/admin/nowhere", "/x"],
)
def test_odd_pages_lead_to_the_first(running: Running, shop: ShopRecord, page: str) -> None:
    """Only a page below /admin/ that is there is opened; else the shop's first one."""
    answer = post_enter(running, token(claims_of(running, shop, page=page)))
    assert answer.status_code == 200
    assert "Location" not in answer.headers


def test_a_shop_that_was_removed_hands_nobody_over(tmp_path: Path, sandbox: WooShop) -> None:
    """Removed or disconnected: the key it had opens nothing."""
    with Running(tmp_path, clock=FrozenClock()) as server:
        record = connect(server, sandbox)
        give_key(server, record)
        made = token(claims_of(server, record))
        assert call(server, record, "disconnect", {}).json() == {"status": "ok"}
        assert post_enter(server, made).status_code == 403
        assert call(server, record, "timeline", {}).status_code == 401


def test_the_order_box_tells_what_and_why_not(
    running: Running, shop: ShopRecord, sandbox: WooShop
) -> None:
    """What happened, what was done and why a rule did not act, in the asked language."""
    put_rules(running, shop)
    first = ask(sandbox, "POST", "/_sandbox/orders", ANA)
    ask(sandbox, "POST", "/_sandbox/queue")
    running.drain()
    second = ask(sandbox, "POST", "/_sandbox/orders", ANA)
    ask(sandbox, "POST", "/_sandbox/queue")
    running.drain()

    def lines(order: Any, locale: str) -> list[dict[str, str]]:
        answer = call(running, shop, "timeline", {"order": str(order["id"]), "locale": locale})
        assert answer.status_code == 200
        found: list[dict[str, str]] = answer.json()["entries"]
        return found

    done = [line for line in lines(first, "es_ES") if line["kind"] == "effect"]
    assert len(done) == 3
    refused = [line for line in lines(second, "en_US") if line["kind"] == "evaluation"]
    assert [line["label"] for line in refused] == ["welcome"]
    assert "buyer.order_count eq 1 (seen: 2)" in refused[0]["why"]
    assert lines({"id": 987654}, "en_US") == []


def test_health_gives_the_first_look(running: Running, shop: ShopRecord) -> None:
    """Site Health gets every check, in its language, with what to do."""
    found = call(running, shop, "health", {"locale": "es_ES"}).json()["checks"]
    assert {"Reloj", "Webhooks", "WP-Cron"} <= {line["title"] for line in found}


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "0" * 64},
        {"body": None},
        {"aud": "http://127.0.0.1/wordpress/v1/timeline"},
        {"shop": "sother"},
        {"iat": 1},
        {"nonce": ""},
    ],
)
def test_requests_that_are_not_proven_are_refused(
    running: Running, shop: ShopRecord, changes: dict[str, Any]
) -> None:
    """Another body, address, shop or time than was signed: 401 and nothing told."""
    answer = call(running, shop, "privacy-export", {"email": "ana.ruiz@example.com"}, **changes)
    assert answer.status_code == 401
    assert "ana.ruiz" not in answer.text


def test_a_request_for_one_thing_serves_no_other(running: Running, shop: ShopRecord) -> None:
    """A token for the timeline, or for a person, exports nothing; an unknown call is a 404."""
    aud = f"{running.url}/wordpress/v1/timeline"
    assert call(running, shop, "privacy-erase", {"email": "a@b.es"}, aud=aud).status_code == 401
    headers = {"X-Postventa-Token": token(claims_of(running, shop))}
    for what in ("timeline", "privacy-erase"):
        answer = requests.post(
            f"{running.url}/wordpress/v1/{what}", json={}, headers=headers, timeout=60
        )
        assert answer.status_code == 401
    assert call(running, shop, "nothing", {}).status_code == 404


def test_a_buyer_is_exported_and_erased(tmp_path: Path) -> None:
    """WordPress' tools get all that is stored of one address, and can have it erased."""
    with WooShop() as sandbox, Running(tmp_path, clock=FrozenClock()) as server:
        record = connect(server, sandbox)
        give_key(server, record)
        ask(sandbox, "POST", "/_sandbox/orders", ANA)
        ask(sandbox, "POST", "/_sandbox/orders", {**ANA, "email": "eva@example.com"})
        ask(sandbox, "POST", "/_sandbox/queue")
        server.drain()
        found = call(server, record, "privacy-export", {"email": "ANA.ruiz@example.com"}).json()
        told = json.dumps(found["items"])
        assert "ana.ruiz@example.com" in told
        assert "eva@example.com" not in told
        assert {item["group"] for item in found["items"]} >= {"order", "deliveries"}
        erased = call(server, record, "privacy-erase", {"email": "ana.ruiz@example.com"}).json()
        assert (erased["removed"], len(erased["messages"])) == (True, 1)
        found = call(server, record, "privacy-export", {"email": "ana.ruiz@example.com"}).json()
        assert found == {"items": [], "more": False}
        other = call(server, record, "privacy-export", {"email": "eva@example.com"}).json()
        assert other["items"]
        for odd in ("", "x", "@" * 300, None):
            assert call(server, record, "privacy-erase", {"email": odd}).json()["removed"] is False


def test_the_key_is_sealed_in_the_database(tmp_path: Path, sandbox: WooShop) -> None:
    """Whoever reads the file of the database does not have the plugin's key."""
    with Running(tmp_path, clock=FrozenClock()) as server:
        give_key(server, connect(server, sandbox), key="K3Y" * 14 + "z")
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert b"K3YK3Y" not in file.read_bytes()
    assert len(KEY) == 43
