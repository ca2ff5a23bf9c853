"""The short timeline of an order, for the box on the shop's own order screen."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from connector.model.effect import EffectState
from connector.model.order import OrderRef
from connector.storage.port import Transaction
from connector.storage.records import EffectRecord, ShopRecord
from webhooks.admin.language import Words, words_of
from webhooks.exports import plain
from webhooks.install.wording import text

_MOST: Final = 40
_MATCHED: Final = "matched"
_OPEN: Final = frozenset({EffectState.PLANNED, EffectState.SENDING, EffectState.UNKNOWN})

Entry = dict[str, str]


def order_box(tx: Transaction, shop: ShopRecord, ref: OrderRef, language: str) -> Sequence[Entry]:
    """Tell what happened, what was done or is planned, and why rules did not act.

    Returns: at most 40 lines of plain text, newest first; what is planned comes first.
    """
    words = words_of(language)
    found: list[tuple[datetime, Entry]] = []
    for happened in tx.occurrences_of(shop.id, ref)[-_MOST:]:
        label = words.of("occurrence", happened.occurrence.kind)
        found.append((happened.seen_at, {"kind": "occurrence", "label": label}))
        found.extend(
            (answer["at"], _why_not(answer, words, language))
            for answer in tx.evaluation_of(happened.id)
            if str(answer["verdict"]) != _MATCHED
        )
    found.extend(
        (effect.done_at or effect.due_at, _effect(effect, words, language))
        for effect in tx.effects_of(shop.id, ref)[-_MOST:]
    )
    found.sort(key=lambda pair: pair[0])
    newest = reversed(found[-_MOST:])
    return [{"at": _iso(at), "text": "", "why": "", **entry} for at, entry in newest]


def _effect(effect: EffectRecord, words: Words, language: str) -> Entry:
    state = words.of("effect_state", effect.state)
    when = text(language, "box", "planned_for") if effect.state in _OPEN else ""
    code = str(effect.result.get("code") or "")
    told = (code, state, effect.planned.rule_id, when)
    return {
        "kind": "effect",
        "label": words.of("effect_kind", effect.planned.kind),
        "text": " · ".join(part for part in told if part),
        "why": effect.reason,
    }


def _why_not(answer: Mapping[str, Any], words: Words, language: str) -> Entry:
    conditions = answer.get("conditions") or ()
    missed = [one for one in conditions if not one["held"]]
    told = "; ".join(
        f"{one['field']} {one['op']} {plain(one['value'])} "
        f"({text(language, 'box', 'seen')} {plain(one['seen'])})"
        for one in missed[:3]
    )
    return {
        "kind": "evaluation",
        "label": str(answer["rule"]),
        "text": words.of("verdict", answer["verdict"]),
        "why": told,
    }


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
