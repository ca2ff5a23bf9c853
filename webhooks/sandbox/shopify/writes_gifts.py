"""Answer the mutations of gift cards, store credit and draft orders.

None of them is safe to repeat on the platform, so each call makes one more.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.shopify.metafields import user_error
from webhooks.sandbox.shopify.money import minor, money_v2
from webhooks.sandbox.shopify.pages import Args, Info
from webhooks.sandbox.shopify.reach import store_of
from webhooks.sandbox.shopify.schema import gid, kind_of, number_of

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver

View = dict[str, Any]


def _gift_card(info: Info, args: Args) -> View:
    store, given = store_of(info), args["input"]
    money = given.get("initialAmount") or {}
    amount_minor = minor(money.get("amount") or given.get("initialValue") or 0, store.currency)
    if amount_minor <= 0:
        error = user_error(
            ["input", "initialAmount"], "Initial value must be greater than 0", "GREATER_THAN"
        )
        return {"giftCard": None, "giftCardCode": None, "userErrors": [error]}
    code = given.get("code") or secrets.token_hex(8)
    card = {
        "id": gid("GiftCard", store.next_id()),
        "lastCharacters": code[-4:],
        "maskedCode": f"•••• {code[-4:]}",
        "expiresOn": given.get("expiresOn"),
        "enabled": True,
        "note": given.get("note"),
        "balance": money_v2(amount_minor, store.currency),
        "initialValue": money_v2(amount_minor, store.currency),
    }
    store.gifts.append(
        {
            "kind": "gift_card",
            "amount_minor": amount_minor,
            "customer": given.get("customerId"),
            "note": given.get("note"),
        }
    )
    return {"giftCard": card, "giftCardCode": code, "userErrors": []}


def _credit(info: Info, args: Args) -> View:
    store, given = store_of(info), args["creditInput"]
    if kind_of(args["id"]) != "Customer" or number_of(args["id"]) not in store.customers:
        error = user_error(["id"], "Owner does not exist", "OWNER_NOT_FOUND")
        return {"storeCreditAccountTransaction": None, "userErrors": [error]}
    money = given["creditAmount"]
    amount_minor = minor(money["amount"], money["currencyCode"])
    if amount_minor <= 0:
        message = "Amount must be greater than 0"
        error = user_error(["creditInput"], message, "NEGATIVE_OR_ZERO_AMOUNT")
        return {"storeCreditAccountTransaction": None, "userErrors": [error]}
    store.gifts.append(
        {
            "kind": "store_credit",
            "amount_minor": amount_minor,
            "customer": args["id"],
            "note": None,
        }
    )
    balance = sum(
        gift["amount_minor"]
        for gift in store.gifts
        if gift["kind"] == "store_credit" and gift["customer"] == args["id"]
    )
    done = {
        "id": gid("StoreCreditAccountCreditTransaction", store.next_id()),
        "amount": money_v2(amount_minor, money["currencyCode"]),
        "expiresAt": given.get("expiresAt"),
        "account": {
            "id": gid("StoreCreditAccount", number_of(args["id"]) + 1),
            "balance": money_v2(balance, money["currencyCode"]),
        },
    }
    return {"storeCreditAccountTransaction": done, "userErrors": []}


def _draft(info: Info, args: Args) -> View:
    store, given = store_of(info), args["input"]
    if not given.get("lineItems"):
        error = user_error(["input", "lineItems"], "Add at least 1 product")
        return {"draftOrder": None, "userErrors": [error]}
    number = store.next_id()
    draft = {
        "id": gid("DraftOrder", number),
        "name": f"#D{number % 100_000}",
        "status": "OPEN",
        "invoiceUrl": f"https://{store.domain}/{store.shop_id}/invoices/{number:x}",
        "tags": list(given.get("tags") or []),
    }
    return {"draftOrder": draft, "userErrors": []}


WRITES: Final[dict[str, Resolver]] = {
    "giftCardCreate": _gift_card,
    "storeCreditAccountCredit": _credit,
    "draftOrderCreate": _draft,
}
