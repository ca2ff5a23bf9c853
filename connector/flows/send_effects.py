"""Carry out one effect: look whether it should still happen, look before writing, write.

Long because every way an effect can end is settled here, and they are read side by side.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connector.errors import (
    AdapterError,
    AuthRejected,
    MessageInvalid,
    NotFound,
    OutcomeUnknown,
    PayloadInvalid,
    PermanentFailure,
    PlatformDown,
    ShopPaused,
    ShopResting,
    TemporaryFailure,
    Unsupported,
)
from connector.flows.compose_message import SkipMessage, message_of
from connector.flows.engine import Engine
from connector.flows.evidence import Evidence
from connector.flows.kept import keep_answer, keep_gone
from connector.flows.occurrences import STATE_OF_KIND
from connector.flows.record_order import deleted_state, record_order, with_order_count
from connector.flows.settle import FencedOff
from connector.flows.shop_events import disconnect
from connector.flows.should_happen import hold_until, why_not
from connector.flows.write_back import action_of
from connector.jobs import retry
from connector.jobs.ceilings import Full, Place
from connector.model.effect import EffectKind, EffectState
from connector.model.event import OccurrenceKind
from connector.model.message import Message, MessageClass
from connector.model.order import Order
from connector.model.write import SetStatus, WriteBack, WriteResult
from connector.ports import ShopAdapter
from connector.storage.port import Transaction
from connector.storage.records import EffectRecord, ShopRecord, ShopState

_REDACTED: Final = 300
# The key is good and lacks one right: only what needs that right stops.
MISSING_RIGHT: Final = "ACCESS_DENIED"
STOPPED: Final = "effects are stopped"
NOT_DONE: Final = "step {} was not done"
"""Why a step is skipped whose turn comes after another one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an effect is to be settled.

    Attributes:
        tried: false when it had only to wait and nothing was done for it.
    """

    state: EffectState
    reason: str = ""
    due_at: datetime | None = None
    result: dict[str, Any] | None = None
    probed: bool = False
    uncount: bool = False
    message: Message | None = None
    tried: bool = True


def send_effect(engine: Engine, effect: EffectRecord) -> Outcome:
    """Carry out one claimed effect and settle it.

    Raises:
        StorageUnavailable: the claim stays until its lease is over; the outcome is
            looked up then.
        FencedOff: another worker has the effect now; nothing was written.
    """
    shop = engine.shop(effect.planned.shop_id)
    evidence = Evidence(engine.clock.now())
    if shop is None or shop.state is ShopState.REMOVED:
        outcome = Outcome(EffectState.SKIPPED, "the shop was removed")
    else:
        outcome = _try(engine, shop, effect, evidence)
    _settle(engine, effect, outcome, evidence)
    return outcome


def _try(engine: Engine, shop: ShopRecord, effect: EffectRecord, evidence: Evidence) -> Outcome:
    before = _bar_before_reading(engine, effect)
    if before is not None:
        return before
    adapter = engine.adapter_of(shop)
    try:
        order, known = _read_again(engine, shop, adapter, effect)
        reason = _should_not(engine, effect, order, known)
        message = effect.planned.kind is EffectKind.MESSAGE
        # What may have been written is looked up first; a message cannot be looked up.
        if reason and (message or effect.state is not EffectState.UNKNOWN):
            return Outcome(EffectState.SKIPPED, reason)
        if message:
            return _send_message(engine, shop, effect, order)
        return _write(engine, shop, adapter, effect, order, evidence, stop=reason)
    except AdapterError as err:
        evidence.failed(err)
        return failed(engine, shop, effect, err)
    except PayloadInvalid as err:
        # Only a read can end so: an answer to a write that nobody understands is unknown.
        return failed(engine, shop, effect, PlatformDown(f"an answer cannot be read: {err}"))
    except MessageInvalid as err:
        return Outcome(EffectState.DEAD, f"the text cannot be made: {err}")


def _wait(effect: EffectRecord, reason: str, until: datetime) -> Outcome:
    """Put an effect back as it was: this claim was no try."""
    unknown = effect.state is EffectState.UNKNOWN
    state = EffectState.UNKNOWN if unknown else EffectState.PLANNED
    return Outcome(state, reason, due_at=until, uncount=True, tried=False)


def _take_place(engine: Engine, effect: EffectRecord) -> Outcome | Place | None:
    """Ask, just before anything leaves, whether it may; an Outcome says that it waits."""
    now = engine.clock.now()
    if engine.switch.is_on():
        return _wait(effect, STOPPED, now)
    place = engine.ceilings.take(effect, now)
    return _wait(effect, place.reason, place.again_at) if isinstance(place, Full) else place


def _bar_before_reading(engine: Engine, effect: EffectRecord) -> Outcome | None:
    now = engine.clock.now()
    if engine.switch.is_on():
        return _wait(effect, STOPPED, now)
    planned = effect.planned
    unknown = effect.state is EffectState.UNKNOWN
    if effect.attempts > retry.MAX_ATTEMPTS:
        # Every end of a try is settled below this number: the runs themselves were lost.
        return Outcome(
            EffectState.DEAD,
            f"needs a person: begun {effect.attempts} times and never brought to an end",
        )
    first = None
    if planned.waits_for:
        with engine.storage.reading() as tx:
            first = tx.effect(planned.waits_for)
    if not unknown and first is not None and first.state is not EffectState.DONE:
        return Outcome(
            EffectState.SKIPPED, f"{NOT_DONE.format(first.planned.step)}: {first.reason}"
        )
    # Only before the first try: what was begun is brought to an end that a person sees.
    first_try = not unknown and effect.attempts <= 1
    if first_try and planned.expires_at is not None and now > planned.expires_at:
        return Outcome(EffectState.SKIPPED, "too late: its time was over before it could be done")
    later = None if unknown else hold_until(planned, now)
    if later is not None:
        return _wait(effect, "waits for its hours", later)
    full = None if unknown else engine.ceilings.look(effect, now)
    return None if full is None else _wait(effect, full.reason, full.again_at)


def _read_again(
    engine: Engine, shop: ShopRecord, adapter: ShopAdapter, effect: EffectRecord
) -> tuple[Order, Order | None]:
    """Read the order as it is now and keep what that proves.

    Returns: what the shop answered, and what it told before if that is newer.
    Raises: FencedOff: another worker has the effect now.
    """
    ref = effect.planned.order_ref
    asked_at = engine.clock.now()
    order: Order | None
    try:
        order = adapter.fetch_order(ref)
    except NotFound:
        order = None
    with engine.storage.transaction() as tx:
        until = engine.clock.now() + timedelta(seconds=retry.LEASE_S)
        if not tx.extend_leases({}, {effect.key: effect.fence}, lease_until=until):
            raise FencedOff
        stored = tx.order(shop.id, ref)
        gone = order is None
        if order is None:
            if stored is None:
                raise NotFound(f"order {ref} is not in the shop", platform=shop.platform)
            order = deleted_state(stored.order)
        recorded = record_order(tx, engine, shop, order, fetched_at=asked_at)
        changed = recorded.occurrences or stored is None or stored.order != order
        if changed and not recorded.erased:
            if gone:
                keep_gone(tx, shop, ref, asked_at, cause="effect")
            else:
                keep_answer(tx, shop, order, asked_at, cause="effect")
        stored = tx.order(shop.id, ref)
        known = None
        if stored is not None and stored.order.modified_at > order.modified_at:
            # A cache or a copy of the shop's database that lags behind.
            known = stored.order
        buyer_id = stored.buyer_id if stored else None
        return with_order_count(tx, shop, order, buyer_id), known


def _should_not(engine: Engine, effect: EffectRecord, order: Order, known: Order | None) -> str:
    with engine.storage.reading() as tx:
        happened = tx.occurrences_of(effect.planned.shop_id, effect.planned.order_ref)
        rule = tx.rule(effect.planned.shop_id, effect.planned.rule_id, effect.planned.rule_version)
    reason = why_not(rule, effect.planned, order, happened)
    if not reason and known is not None:
        reason = why_not(rule, effect.planned, known, happened)
    return reason


def _write(
    engine: Engine,
    shop: ShopRecord,
    adapter: ShopAdapter,
    effect: EffectRecord,
    order: Order,
    evidence: Evidence,
    *,
    stop: str,
) -> Outcome:
    try:
        action = action_of(engine, shop, effect, order)
    except SkipMessage as skip:
        return Outcome(EffectState.SKIPPED, skip.reason)
    own = _own_kind(action)
    found = adapter.find(action)
    evidence.looked(action, found=found is not None)
    if found is not None:
        return _done(found, effect, adopted=True)
    if effect.state is EffectState.UNKNOWN:
        wait = _look_later(engine, effect)
        if wait is not None:
            return wait
        if stop:
            _forget_own(engine, shop, order, own)
            return Outcome(EffectState.SKIPPED, stop)
    return _write_now(engine, shop, adapter, effect, order, action, evidence)


def _write_now(
    engine: Engine,
    shop: ShopRecord,
    adapter: ShopAdapter,
    effect: EffectRecord,
    order: Order,
    action: WriteBack,
    evidence: Evidence,
) -> Outcome:
    place = _take_place(engine, effect)
    if isinstance(place, Outcome):
        return place
    own = _own_kind(action)
    if own is not None:
        with engine.storage.transaction() as tx:
            tx.note_own_write(shop.id, order.ref, own, engine.clock.now())
    try:
        return _done(adapter.write(action), effect, adopted=False)
    except OutcomeUnknown as err:
        evidence.failed(err)
        return _lost(engine, adapter, action, effect, err)
    except AdapterError:
        if place is not None:
            engine.ceilings.give_back(place)
        _forget_own(engine, shop, order, own)
        raise


def _look_later(engine: Engine, effect: EffectRecord) -> Outcome | None:
    """Wait until a request that was lost is surely over; None when it is."""
    # A worker that is gone may have asked a second time: the older time says nothing then.
    asked = None if effect.abandoned else effect.result.get("unknown_since")
    if _long_ago(engine, asked):
        return None
    later = retry.probe_delay(effect.probes) or timedelta(seconds=retry.PROBE_S[-1])
    return Outcome(
        EffectState.UNKNOWN,
        "its outcome is unknown: not found yet, looked up again later",
        due_at=engine.clock.now() + later,
        result=None if asked else {"unknown_since": engine.clock.now().isoformat()},
        probed=True,
        uncount=True,
    )


def _forget_own(engine: Engine, shop: ShopRecord, order: Order, own: OccurrenceKind | None) -> None:
    if own is not None:
        with engine.storage.transaction() as tx:
            tx.forget_own_write(shop.id, order.ref, own)


def _own_kind(action: WriteBack) -> OccurrenceKind | None:
    """Tell which occurrence a change of status will look like when it comes back."""
    if not isinstance(action, SetStatus):
        return None
    word = action.status.replace("-", "_").replace("cancelled", "canceled")
    for kind, state in STATE_OF_KIND.items():
        if state == word:
            return kind
    return OccurrenceKind.ORDER_PAID if word in {"processing", "paid"} else None


def _long_ago(engine: Engine, since: Any) -> bool:
    """Tell whether the lost request is surely over in the shop."""
    if not isinstance(since, str):
        return False
    age = engine.clock.now() - datetime.fromisoformat(since)
    return age >= timedelta(seconds=retry.PROBE_S[0])


def _lost(
    engine: Engine,
    adapter: ShopAdapter,
    action: WriteBack,
    effect: EffectRecord,
    err: OutcomeUnknown,
) -> Outcome:
    """Look once at once: most lost answers belong to writes that were done."""
    now = engine.clock.now()
    try:
        found = adapter.find(action)
    except AdapterError:
        found = None
    if found is not None:
        return _done(found, effect, adopted=True)
    if effect.attempts >= retry.MAX_ATTEMPTS:
        return Outcome(
            EffectState.DEAD,
            f"needs a person: tried {effect.attempts} times; its outcome is unknown: {short(err)}",
        )
    return Outcome(
        EffectState.UNKNOWN,
        f"its outcome is unknown: {short(err)}",
        due_at=now + _pause_of_unknown(effect),
        result={"unknown_since": now.isoformat()},
    )


def _pause_of_unknown(effect: EffectRecord) -> timedelta:
    """Tell how long to wait: longer with every try, and never less than for a look."""
    wait = retry.delay_before(max(effect.attempts, 1), retry_after_s=None)
    return max(wait, timedelta(seconds=retry.PROBE_S[0]))


def _done(found: WriteResult, effect: EffectRecord, *, adopted: bool) -> Outcome:
    result: dict[str, Any] = {"ref": found.ref, **dict(found.detail)}
    if "code" in effect.planned.payload:
        # As it was planned and as people read it; WooCommerce keeps it in small letters.
        result["code"] = effect.planned.payload["code"]
    if adopted:
        result["adopted"] = True
    return Outcome(EffectState.DONE, "found in the shop" if adopted else "", result=result)


def _send_message(engine: Engine, shop: ShopRecord, effect: EffectRecord, order: Order) -> Outcome:
    try:
        message = message_of(engine, shop, effect, order)
    except SkipMessage as skip:
        return Outcome(EffectState.SKIPPED, skip.reason)
    channel = engine.channels.get(message.channel)
    if channel is None:
        return Outcome(
            EffectState.DEAD, f"no channel {message.channel!r} is set up; see `postventa doctor`"
        )
    # The first try of an unknown one: a person who saw its end has asked for it.
    again = effect.state is EffectState.UNKNOWN and effect.attempts > 1
    if again and message.message_class is not MessageClass.SERVICE:
        # An offer that may have arrived is not sent again: at most once.
        return Outcome(
            EffectState.DEAD,
            "needs a person: it may have been sent, and offers go out at most once",
        )
    place = _take_place(engine, effect)
    if isinstance(place, Outcome):
        return place
    try:
        sent = channel.send(message)
    except OutcomeUnknown as err:
        if effect.attempts >= retry.MAX_ATTEMPTS:
            return Outcome(
                EffectState.DEAD,
                f"needs a person: tried {effect.attempts} times; it may have been sent: "
                f"{short(err)}",
            )
        # A service mail is repeated with the same Message-ID: at least once.
        return Outcome(
            EffectState.UNKNOWN,
            f"it may have been sent: {short(err)}",
            due_at=engine.clock.now() + _pause_of_unknown(effect),
        )
    except (AdapterError, MessageInvalid):
        if place is not None:
            engine.ceilings.give_back(place)
        raise
    result = {"ref": sent.ref, "to": message.to, **dict(sent.detail)}
    return Outcome(EffectState.DONE, result=result, message=message)


def failed(engine: Engine, shop: ShopRecord, effect: EffectRecord, err: AdapterError) -> Outcome:
    """Decide what follows from an error of the shop or channel.

    An effect whose outcome is unknown stays so until it has been looked up.
    """
    now = engine.clock.now()
    unknown = effect.state is EffectState.UNKNOWN
    waiting = EffectState.UNKNOWN if unknown else EffectState.PLANNED
    lacks_right = isinstance(err, AuthRejected) and err.code == MISSING_RIGHT
    # A mail server that refuses its password says nothing about the shop.
    by_shop = err.platform == shop.platform
    if isinstance(err, AuthRejected) and by_shop and not lacks_right:
        disconnect(engine, shop.id, err.request_id)
        return Outcome(waiting, short(err), due_at=now, uncount=True)
    if isinstance(err, ShopResting):
        # Nothing was sent, so nothing was tried.
        return _wait(effect, short(err), now + retry.rest(err.retry_after_s))
    if isinstance(err, ShopPaused):
        due_at = now + timedelta(seconds=retry.PAUSED_S)
        return Outcome(waiting, short(err), due_at=due_at, uncount=True)
    if isinstance(err, Unsupported | PermanentFailure):
        return Outcome(EffectState.DEAD, f"needs a person: {short(err)}")
    if isinstance(err, TemporaryFailure | OutcomeUnknown):
        if effect.attempts >= retry.MAX_ATTEMPTS:
            return Outcome(
                EffectState.DEAD, f"needs a person: tried {effect.attempts} times. {short(err)}"
            )
        wait = retry.delay_before(max(effect.attempts, 1), retry_after_s=err.retry_after_s)
        return Outcome(waiting, short(err), due_at=now + wait)
    return Outcome(EffectState.DEAD, f"needs a person: {short(err)}")


def short(err: AdapterError) -> str:
    """Write an error for people: what, where, and the platform's number of the call."""
    text = str(err)[:_REDACTED]
    if err.request_id:
        text += f" (request {err.request_id[:80]})"
    return text


def _settle(engine: Engine, effect: EffectRecord, outcome: Outcome, evidence: Evidence) -> None:
    now = engine.clock.now()
    planned = effect.planned

    def store(tx: Transaction) -> None:
        kept = tx.settle_effect(
            planned.key,
            effect.fence,
            state=outcome.state,
            reason=outcome.reason,
            now=now,
            due_at=outcome.due_at,
            result=outcome.result,
            probed=outcome.probed,
            uncount=outcome.uncount,
        )
        if not kept:
            return
        if outcome.tried:
            tx.end_attempt(
                effect,
                started_at=evidence.started_at,
                ended_at=now,
                outcome=outcome.state,
                detail=evidence.plain(),
            )
        else:
            tx.drop_attempt(effect)
        if outcome.message is not None:
            tx.add_message(
                outcome.message,
                sent_at=now,
                result={name: str(value) for name, value in (outcome.result or {}).items()},
            )
        if outcome.state is EffectState.SKIPPED:
            _give_back_once(tx, effect)
        if outcome.state is EffectState.DONE and effect.state is EffectState.UNKNOWN:
            # Perhaps it was dead before and a person had it tried again. Whether those
            # steps should still happen is judged when their turn comes.
            tx.plan_again(effect, reason=NOT_DONE.format(planned.step), now=now)

    with engine.storage.transaction() as tx:
        store(tx)
    if outcome.state in {EffectState.DONE, EffectState.SKIPPED, EffectState.DEAD}:
        # Steps that waited for this one can go on.
        engine.bell.ring(planned.shop_id)


def _give_back_once(tx: Transaction, effect: EffectRecord) -> None:
    """Let the rule act another time when nothing at all came of this one."""
    planned = effect.planned
    others = [
        other
        for other in tx.effects_of(planned.shop_id, planned.order_ref)
        if other.planned.rule_id == planned.rule_id
        and other.planned.occurrence_id == planned.occurrence_id
    ]
    if all(other.state is EffectState.SKIPPED for other in others):
        tx.release_once(planned.shop_id, planned.rule_id, planned.occurrence_id)
