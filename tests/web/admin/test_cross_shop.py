"""Two shops, all routes, all ids: nothing of the other shop is seen or changed.

Walks the map of addresses: a page that is added is tried without a word here.
"""

from typing import Any

from connector.storage.access import Role
from tests.running import Running
from tests.web.admin.console import Console
from tests.web.admin.routes import admin_routes, mixed
from tests.web.admin.world import Filled, add_user
from webhooks.admin.access import Scope


def kept(running: Running, shop: Filled) -> list[Any]:
    """Read everything of a shop that a page could change."""
    with running.storage.reading() as tx:
        return [
            tx.shop(shop.id),
            tx.rules(shop.id),
            tx.effect(shop.planned),
            tx.effect(shop.dead),
            tx.delivery(shop.delivery),
            tx.delivery(shop.dead_delivery),
        ]


def fields(shop: Filled) -> dict[str, str]:
    """Name things of a shop in every field that a form may have."""
    return {
        "key": shop.planned,
        "act": "cancel",
        "shop": shop.id,
        "shop_id": shop.id,
        "role": "owner",
        "name": "taken over",
        "rule_id": f"{shop.canary}-rule",
    }


def test_nothing_of_another_shop_is_seen(
    running: Running, ours: Filled, theirs: Filled, shop_owner: Console
) -> None:
    """No answer to the owner of one shop holds a byte of the other, whatever id is asked for."""
    seen = 0
    for route in admin_routes(running):
        if route.method != "GET":
            continue
        for path in route.paths(mixed(ours, theirs)):
            for question in ("", f"?q={theirs.number}&after=9999999999_999999&said=saved"):
                answer = shop_owner.get(path + question)
                text = answer.text.replace(path, "").replace(theirs.number, "")
                assert theirs.canary not in text, path
                assert theirs.canary.lower() not in text.lower().replace(path.lower(), ""), path
                assert answer.status_code < 500, path
                if theirs.id in path:
                    assert answer.status_code == 404, path
                seen += answer.status_code == 200
    assert seen >= 12


def test_nothing_of_another_shop_is_changed(
    running: Running, ours: Filled, theirs: Filled, shop_owner: Console
) -> None:
    """No form of the owner of one shop changes the other, named in the address or a field."""
    before = kept(running, theirs)
    for route in admin_routes(running):
        # The session itself is needed for what follows.
        if route.method == "GET" or "logout" in route.rule.rule:
            continue
        for path in route.paths(mixed(ours, theirs)):
            shop_owner.get("/admin/shops")
            for act in ("cancel", "move", "now", "retry"):
                for key in (theirs.planned, theirs.dead, str(theirs.dead_delivery)):
                    answer = shop_owner.post(path, **{**fields(theirs), "act": act, "key": key})
                    assert theirs.canary not in answer.text, path
                    assert answer.status_code < 500, path
                    if theirs.id in path:
                        assert answer.status_code == 404, path
                if route.needs is None or route.needs.scope is not Scope.SHOP:
                    break
    assert kept(running, theirs) == before


def test_a_shop_of_others_is_told_apart_from_none_in_nothing(
    ours: Filled, theirs: Filled, shop_owner: Console
) -> None:
    """The answer for a shop of somebody else is that for one that does not exist."""
    ids = (theirs.id, "snone")
    answers = [shop_owner.get(f"/admin/shops/{shop_id}/orders") for shop_id in ids]
    assert [answer.status_code for answer in answers] == [404, 404]
    # The nonce differs in every answer.
    texts = [
        [line for line in answer.text.replace(shop_id, "").splitlines() if "nonce" not in line]
        for shop_id, answer in zip(ids, answers, strict=True)
    ]
    assert texts[0] == texts[1]
    assert ours.canary in shop_owner.get(f"/admin/shops/{ours.id}/orders").text


def test_roles_in_two_shops_stay_apart(running: Running, ours: Filled, theirs: Filled) -> None:
    """Who owns one shop and only views another changes nothing in the other."""
    add_user(running, "pia", {ours.id: Role.OWNER, theirs.id: Role.VIEWER})
    pia = Console(running, "pia")
    page = pia.get(f"/admin/shops/{theirs.id}/effects")
    assert page.status_code == 200
    assert 'value="cancel"' not in page.text
    refused = pia.post(f"/admin/shops/{theirs.id}/effects", act="cancel", key=theirs.planned)
    assert refused.status_code == 403
    # By way of the shop that is theirs.
    pia.post(f"/admin/shops/{ours.id}/effects", act="cancel", key=theirs.planned)
    with running.storage.reading() as tx:
        effect = tx.effect(theirs.planned)
    assert effect is not None
    assert effect.state == "planned"
