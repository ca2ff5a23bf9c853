"""What the pages show and do: lists, one order's timeline, effects, shops, users, log."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.storage.access import Role
from tests.running import Running
from tests.support import FrozenClock, until
from tests.web.admin.console import Console
from tests.web.admin.world import PASSWORD, Filled, add_user, an_order
from tests.web.connected import ANA, ask, connect, put_rules
from webhooks.admin.language import catalog
from webhooks.sandbox.woocommerce.shop import WooShop


def test_both_languages_say_the_same() -> None:
    """Spanish and English have the same keys, and each text the same places for values."""
    spanish, english = catalog("es"), catalog("en")
    assert spanish.keys() == english.keys()
    assert len(english) > 200
    places = re.compile(r"{\w*}")
    for key, text in english.items():
        assert text.strip(), key
        assert sorted(places.findall(text)) == sorted(places.findall(spanish[key])), key


def numbers(text: str) -> list[str]:
    """List the orders of a page, as they stand."""
    return re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', text)


@pytest.fixture
def many(running: Running, ours: Filled) -> list[str]:
    """Store 120 more orders, a minute apart but for ten at one instant; newest first."""
    newest = datetime(2026, 11, 20, 12, tzinfo=UTC)
    found = []
    with running.storage.transaction() as tx:
        for count in range(120):
            at = newest - timedelta(minutes=max(count, 10))
            order = an_order("x", f"m{count:03}", f"#{2000 + count}", at)
            tx.put_order(ours.id, order, buyer_id=None, seen_at=newest)
            found.append((at, count, order.number))
    # Of one instant the one stored last comes first.
    return [number for _, _, number in sorted(found, reverse=True)]


def test_orders_page_by_page(ours: Filled, many: list[str], viewer: Console) -> None:
    """Every order is on exactly one page, newest first, fifty a page."""
    path, seen, pages = f"/admin/shops/{ours.id}/orders", list[str](), 0
    while path:
        text = viewer.get(path).text
        seen += numbers(text)
        pages += 1
        found = re.search(r'href="(/admin/shops/[^"]*after=[^"]*)"', text)
        path = found.group(1).replace("&amp;", "&") if found else ""
    assert pages == 3
    assert seen == [ours.number, *many]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("q=2007", ["#2007"]),
        ("q=%232007", ["#2007"]),
        ("q=CanaryOurs@EXAMPLE.com", ["#CanaryOurs-1077"]),
        ("q=nobody@example.com", []),
        ("q=2007&state=failed", []),
        ("state=failed", []),
        ("state=processing&since=2026-11-22", ["#CanaryOurs-1077"]),
        ("since=2026-11-22&until=2026-11-22", ["#CanaryOurs-1077"]),
        ("until=2026-11-19", []),
        ("since=nonsense&until=9999-99-99&state=nonsense&after=x_y&q=1e999", []),
        ("after=1e400_1&q=2007", ["#2007"]),
    ],
)
def test_orders_are_found(
    ours: Filled, many: list[str], viewer: Console, question: str, found: list[str]
) -> None:
    """One finds by number, by whole e-mail, by state and by days of the shop's zone."""
    assert many
    answer = viewer.get(f"/admin/shops/{ours.id}/orders?{question}")
    assert (answer.status_code, numbers(answer.text)) == (200, found)


def test_timeline(ours: Filled, viewer: Console) -> None:
    """An order shows what came, what it meant, why rules acted or not, and what was done."""
    text = viewer.get(f"/admin/shops/{ours.id}/orders/{ours.ref}").text
    kinds = re.findall(r'<li class="(\w+)">\s*<div class="at">', text)
    assert kinds == [
        "delivery",
        "occurrence",
        "evaluation",
        "effect",
        "effect",
        "message",
        "effect",
    ]
    for told in (
        "Order paid",
        "did not fit",
        "buyer.order_count eq 1",
        "it was <code>3</code>",
        "needs you",
        "a note CanaryOurs",
        "¡Hola CanaryOurs!",
        "2026-11-24 13:00",
    ):
        assert told in text, told
    assert "&lt;script&gt;" in text
    assert "<script>document" not in text


def test_raw_delivery(running: Running, ours: Filled, viewer: Console) -> None:
    """What the shop sent is shown on demand, as text, and the log keeps who looked."""
    text = viewer.get(f"/admin/shops/{ours.id}/deliveries/{ours.delivery}").text
    assert "&#34;total&#34;: &#34;43.74&#34;" in text
    assert "<script>document" not in text
    assert "not json" in viewer.get(f"/admin/shops/{ours.id}/deliveries/{ours.dead_delivery}").text
    for number in ("999", "99999999999999999999"):
        assert viewer.get(f"/admin/shops/{ours.id}/deliveries/{number}").status_code == 404
    with running.storage.reading() as tx:
        entries = [one for one in tx.audit(limit=9) if one.act == "delivery.read"]
    assert [(one.actor, one.shop_id, one.address) for one in entries] == [
        ("vera", ours.id, "127.0.0.1")
    ] * 2


def effect(running: Running, key: str) -> tuple[str, str, str]:
    """Tell state, reason and time of an effect."""
    with running.storage.reading() as tx:
        found = tx.effect(key)
    assert found is not None
    return found.state.value, found.reason, found.due_at.isoformat()


def test_scheduled_effects_are_moved_and_canceled(
    running: Running, ours: Filled, shop_owner: Console, clock: FrozenClock
) -> None:
    """A planned effect gets another time, is due at once, or never; each is in the log."""
    path = f"/admin/shops/{ours.id}/effects"

    def act(what: str, **more: str) -> str:
        shop_owner.get(path)
        answer = shop_owner.post(path, act=what, key=ours.planned, **more)
        assert answer.status_code == 303
        return answer.headers["Location"].rpartition("said=")[2]

    assert act("move", due_at="2026-11-30T10:30") == "moved"
    assert effect(running, ours.planned)[2] == "2026-11-30T09:30:00+00:00"
    for wrong in ("2026-11-20T10:30", "2031-01-01T00:00", "soon", ""):
        assert act("move", due_at=wrong) == "no_such_time"
    assert act("now") == "sent_now"
    assert effect(running, ours.planned)[2] == clock.now().isoformat()
    assert act("cancel") == "canceled"
    assert effect(running, ours.planned)[:2] == ("skipped", "canceled by a person")
    page = shop_owner.get(f"/admin/shops/{ours.id}/orders/{ours.ref}?lang=es").text
    assert "la canceló una persona" in page
    for what in ("now", "cancel", "retry"):
        assert act(what) == "too_late"
    assert act("nonsense") == "nothing_done"
    with running.storage.reading() as tx:
        told = [one.act for one in tx.audit(shop_id=ours.id, limit=9)]
    assert told == ["effect.canceled", "effect.sent_now", "effect.moved"]


def test_dead_letters_are_tried_again(running: Running, ours: Filled, shop_owner: Console) -> None:
    """A dead effect and a dead delivery are listed with their reason and can be tried again."""
    path = f"/admin/shops/{ours.id}/failed"
    text = shop_owner.get(path).text
    # That it needs a person is said by its badge.
    assert '<p class="dim">CanaryOurs &lt;script&gt;' in text
    assert "the body cannot be read" in text
    for key in (ours.dead, str(ours.dead_delivery)):
        shop_owner.get(path)
        answer = shop_owner.post(f"/admin/shops/{ours.id}/effects", act="retry", key=key)
        assert answer.headers["Location"].endswith("failed?said=retried")
    assert effect(running, ours.dead)[0] == "unknown"
    with running.storage.reading() as tx:
        row = tx.delivery(ours.dead_delivery)
    assert row is not None
    assert row.state == "waiting"
    assert "Nothing needs you." in shop_owner.get(path).text


def test_settings_of_a_shop(running: Running, ours: Filled, shop_owner: Console) -> None:
    """The owner changes name and contact; what cannot be is said beside the field."""
    path = f"/admin/shops/{ours.id}/settings"
    shop_owner.get(path)
    answer = shop_owner.post(path, name="", contact="x" * 300)
    assert answer.status_code == 422
    assert "Write 1 to 200 letters." in answer.text
    assert "Write at most 200 letters." in answer.text
    assert answer.text.count('aria-invalid="true"') == 2
    assert shop_owner.post(path, name="Taller Ñ", contact="hola@example.com").status_code == 303
    with running.storage.reading() as tx:
        shop = tx.shop(ours.id)
    assert shop is not None
    assert (shop.name, shop.settings) == ("Taller Ñ", {"contact": "hola@example.com"})


def test_users_are_managed(running: Running, ours: Filled, owner: Console) -> None:
    """An owner of all shops adds a user, changes the role, and shuts the user out."""
    owner.get("/admin/users")
    weak = owner.post("/admin/users", name="eva", password="short", role="editor", shop=ours.id)
    assert weak.status_code == 422
    for wrong in ({"shop": "snone"}, {"shop": ""}, {"name": "a b"}, {"name": "ANA"}):
        fields = {"name": "eva", "password": PASSWORD, "role": "editor", "shop": ours.id}
        assert owner.post("/admin/users", **{**fields, **wrong}).status_code == 422
    fields = {"name": "Eva", "password": PASSWORD, "role": "editor", "shop": str(ours.id)}
    assert owner.post("/admin/users", **fields).status_code == 303
    eva = Console(running, "eva")
    assert eva.get("/admin/users").status_code == 403
    assert eva.get(f"/admin/shops/{ours.id}/").status_code == 200
    with running.storage.reading() as tx:
        user = tx.user_by_name("eva")
    assert user is not None
    path = f"/admin/users/{user.id}"
    owner.get("/admin/users")
    owner.post(path, act="role", role="", shop=ours.id)
    assert eva.get(f"/admin/shops/{ours.id}/").status_code == 404
    owner.post(path, act="role", role="owner", shop="*")
    assert eva.get("/admin/users").status_code == 200
    owner.post(path, act="disable")
    assert eva.get("/admin/users").status_code == 303
    text = owner.get("/admin/audit").text
    for told in ("user added", "role set", "user disabled", "signed in"):
        assert told in text


def test_the_last_owner_stays(running: Running, owner: Console) -> None:
    """Nobody can take the last owner of all shops away, themselves included."""
    with running.storage.reading() as tx:
        ana = tx.user_by_name("ana")
    assert ana is not None
    for fields in ({"act": "disable"}, {"act": "role", "role": "viewer", "shop": "*"}):
        owner.get("/admin/users")
        answer = owner.post(f"/admin/users/{ana.id}", **fields)
        assert answer.headers["Location"].endswith("said=last_owner")
    assert owner.get("/admin/users").status_code == 200


def test_home_counts_what_waits(running: Running, ours: Filled, theirs: Filled) -> None:
    """The first page shows each shop with what is scheduled and what needs a person."""
    add_user(running, "ana")
    text = Console(running, "ana").get("/admin/").text
    for shop in (ours, theirs):
        assert f"{shop.canary} Shop" in text
    assert re.findall(r"<dd>(?:<a [^>]*>)?(\d+)", text) == ["0", "1", "0", "2"] * 2
    add_user(running, "vera", {ours.id: Role.VIEWER})
    answer = Console(running, "vera").get("/admin/")
    assert answer.headers["Location"] == f"/admin/shops/{ours.id}/"


def test_a_real_shop_is_seen_and_checked(tmp_path: Path) -> None:
    """A pretend shop's order runs through the engine and its whole story is on the page."""
    with WooShop() as sandbox, Running(tmp_path, workers=2) as running:
        add_user(running, "ana")
        owner = Console(running, "ana")
        shop = connect(running, sandbox)
        put_rules(running, shop)
        made = ask(sandbox, "POST", "/_sandbox/orders", ANA)
        until(lambda: [one["state"] for one in running.export("effects")] == ["done"] * 3)
        text = owner.get(f"/admin/shops/{shop.id}/orders/{made['id']}").text
        for told in ("Order paid", "acted", "Note", "Label", "Coupon", "done", "Ana Ruiz"):
            assert told in text, told
        owner.get(f"/admin/shops/{shop.id}/settings")
        looked = owner.post(f"/admin/shops/{shop.id}/check")
        assert looked.status_code == 200
        assert "All well" in looked.text
        for told in ("The shop answers", "Permalinks", "well"):
            assert told in looked.text, told
