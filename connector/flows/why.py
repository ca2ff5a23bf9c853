"""Say why a rule acted on an order, or why not, and when that could change."""

from collections.abc import Sequence
from typing import Final

from connector.errors import NotFound
from connector.flows.engine import Engine
from connector.flows.why_answer import Line
from connector.flows.why_rule import Asker
from connector.model.customer import normal_email, normal_phone
from connector.model.order import OrderRef
from connector.storage.port import Transaction
from connector.storage.records import (
    RuleRecord,
    ShopRecord,
)

_MOST_ORDERS: Final = 20


def why(
    engine: Engine,
    shop: ShopRecord,
    ref: OrderRef,
    *,
    rule_id: str | None = None,
    language: str = "es",
) -> Line:
    """Say of an order and each rule why it acted, or why not.

    Args: ref: the platform's id of the order. rule_id: one rule, also one out of use;
        None for all that are in use. language: `es` or `en`.

    Returns: plain data, see docs/reference/output.md.
    Raises: NotFound: the order or the rule is not known.
    """
    with engine.storage.reading() as tx:
        asker = Asker(engine, tx, shop, ref, language)
        records = _records(tx, shop, asker, rule_id)
        lines = [asker.rule(record) for record in records]
    return {
        "shop": str(shop.id),
        "order": str(ref),
        "number": asker.held.order.number,
        "language": language,
        "rules": lines,
    }


def why_buyer(
    engine: Engine,
    shop: ShopRecord,
    text: str,
    *,
    rule_id: str | None = None,
    language: str = "es",
) -> Line:
    """Say it of a buyer's newest orders.

    Args: text: an e-mail address or a telephone number.
    Raises: NotFound: nobody like that has bought in this shop.
    """
    email, phone = normal_email(text), normal_phone(text, shop.country)
    keys = [f"email:{email}"] if email else []
    if phone:
        keys.append(f"phone:{phone}")
    with engine.storage.reading() as tx:
        buyer_id = tx.buyer_of(keys) if keys else None
        refs = [] if buyer_id is None else tx.orders_of_buyer(buyer_id, shop.id, _MOST_ORDERS)
    if not refs:
        raise NotFound("no buyer with this e-mail address or number has bought in this shop")
    return {
        "shop": str(shop.id),
        "buyer": buyer_id,
        "language": language,
        "orders": [why(engine, shop, ref, rule_id=rule_id, language=language) for ref in refs],
    }


def _records(
    tx: Transaction, shop: ShopRecord, asker: Asker, rule_id: str | None
) -> Sequence[RuleRecord]:
    known = {record.rule_id: record for record in tx.rules(shop.id)}
    if rule_id is None:
        return list(known.values())
    if rule_id in known:
        return [known[rule_id]]
    version = asker.last_version(rule_id)
    record = None if version is None else tx.rule(shop.id, rule_id, version)
    if record is None:
        raise NotFound(f"this shop has no rule {rule_id[:64]!r}")
    return [record]
