"""The sentences that say why, in Spanish and in English.

Long because each sentence stands in both languages, side by side.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from connector.messages.formats import date_text
from connector.model.effect import EffectKind, Verdict
from connector.model.event import OccurrenceKind
from connector.rules.fields import field_of
from connector.rules.zones import zone_of

Texts = Mapping[str, str]
_K = OccurrenceKind

HAPPENED: Final[Mapping[str, Texts]] = {
    _K.ORDER_CREATED: {"es": "se hizo el pedido", "en": "the order was placed"},
    _K.ORDER_PAID: {"es": "se pagó el pedido", "en": "the order was paid"},
    _K.ORDER_ON_HOLD: {"es": "el pedido quedó en espera", "en": "the order was put on hold"},
    _K.ORDER_FAILED: {"es": "falló el pago", "en": "the payment failed"},
    _K.ORDER_COMPLETED: {"es": "se completó el pedido", "en": "the order was completed"},
    _K.ORDER_CANCELED: {"es": "se canceló el pedido", "en": "the order was canceled"},
    _K.ORDER_REFUNDED: {"es": "se devolvió dinero", "en": "money was refunded"},
    _K.ORDER_DELETED: {"es": "se borró el pedido", "en": "the order was deleted"},
    _K.PARCEL_SHIPPED: {"es": "salió el paquete", "en": "the parcel was shipped"},
    _K.PARCEL_IN_TRANSIT: {
        "es": "el transportista recogió el paquete",
        "en": "the carrier took the parcel",
    },
    _K.PARCEL_OUT_FOR_DELIVERY: {
        "es": "el paquete salió a reparto",
        "en": "the parcel went out for delivery",
    },
    _K.PARCEL_READY_FOR_PICKUP: {
        "es": "el paquete llegó al punto de recogida",
        "en": "the parcel was ready for pickup",
    },
    _K.PARCEL_DELIVERED: {"es": "se entregó el paquete", "en": "the parcel was delivered"},
    _K.PARCEL_DELIVERY_FAILED: {
        "es": "no se pudo entregar el paquete",
        "en": "the parcel could not be delivered",
    },
    _K.PARCEL_EXCEPTION: {
        "es": "hubo un problema con el paquete",
        "en": "something went wrong with the parcel",
    },
}
_OPERATORS: Final[Mapping[str, Texts]] = {
    "eq": {"es": "ser {}", "en": "be {}"},
    "ne": {"es": "ser distinto de {}", "en": "differ from {}"},
    "gt": {"es": "ser más de {}", "en": "be more than {}"},
    "gte": {"es": "ser {} o más", "en": "be {} or more"},
    "lt": {"es": "ser menos de {}", "en": "be less than {}"},
    "lte": {"es": "ser {} o menos", "en": "be {} or less"},
    "in": {"es": "ser uno de {}", "en": "be one of {}"},
    "not_in": {"es": "quedar fuera de {}", "en": "be none of {}"},
    "contains": {"es": "contener {}", "en": "contain {}"},
    "starts_with": {"es": "empezar por {}", "en": "start with {}"},
    "matches": {"es": "seguir el patrón {}", "en": "match {}"},
}
_FLAGS: Final[Mapping[tuple[str, bool], Texts]] = {
    ("is_set", True): {"es": "tener algún valor", "en": "have a value"},
    ("is_set", False): {"es": "estar vacío", "en": "be empty"},
    ("changed", True): {"es": "haber cambiado", "en": "have changed"},
    ("changed", False): {"es": "seguir igual", "en": "be unchanged"},
}
_ASKS: Final[Mapping[bool, Texts]] = {
    False: {"es": "debe {}", "en": "must {}"},
    True: {"es": "no debe {}", "en": "must not {}"},
}
_SEEN: Final[Texts] = {"es": "el pedido tiene {}", "en": "the order has {}"}
_NOTHING: Final[Texts] = {"es": "en el pedido no consta", "en": "the order does not say"}
_TRUTH: Final[Mapping[bool, Texts]] = {
    True: {"es": "sí", "en": "yes"},
    False: {"es": "no", "en": "no"},
}
DONE: Final[Mapping[EffectKind, Texts]] = {
    EffectKind.NOTE: {
        "es": "La nota se escribió el {at}.",
        "en": "The note was written on {at}.",
    },
    EffectKind.TAG: {
        "es": "Las etiquetas se pusieron el {at}.",
        "en": "The labels were set on {at}.",
    },
    EffectKind.COUPON: {
        "es": "El cupón se creó el {at}.",
        "en": "The code was made on {at}.",
    },
    EffectKind.STATUS: {
        "es": "El estado se cambió el {at}.",
        "en": "The status was set on {at}.",
    },
    EffectKind.MESSAGE: {
        "es": "El mensaje se envió el {at}.",
        "en": "The message was sent on {at}.",
    },
}
WHAT: Final[Mapping[EffectKind, Texts]] = {
    EffectKind.NOTE: {"es": "la nota", "en": "the note"},
    EffectKind.TAG: {"es": "el cambio de etiquetas", "en": "the change of labels"},
    EffectKind.COUPON: {"es": "el cupón", "en": "the code"},
    EffectKind.STATUS: {"es": "el cambio de estado", "en": "the change of status"},
    EffectKind.MESSAGE: {"es": "el mensaje", "en": "the message"},
}
SENTENCES: Final[Mapping[str, Texts]] = {
    "planned": {"es": "{what} saldrá el {at}.", "en": "{what} will go out on {at}."},
    "soon": {
        "es": "{what} ya toca y saldrá enseguida.",
        "en": "{what} is due and will go out in a moment.",
    },
    "sending": {"es": "{what} se está haciendo ahora.", "en": "{what} is being done right now."},
    "switch": {
        "es": "{what} espera: todos los efectos están parados (`postventa effects start`).",
        "en": "{what} waits: all effects are stopped (`postventa effects start`).",
    },
    "paused": {
        "es": "{what} espera: la tienda no está conectada. Vuelve a conectarla.",
        "en": "{what} waits: the shop is not connected. Connect it again.",
    },
    "behind": {
        "es": "{what} espera a que esté listo {first}.",
        "en": "{what} waits until {first} is done.",
    },
    "ceiling": {
        "es": "{what} espera al {at}: se alcanzó el tope de esa hora ({reason}).",
        "en": "{what} waits until {at}: the limit of that hour was reached ({reason}).",
    },
    "window": {
        "es": "{what} espera al horario de envío, que abre el {at}.",
        "en": "{what} waits for the sending hours, which open on {at}.",
    },
    "retry": {
        "es": "{what} no salió y se intentará otra vez el {at}: {reason}.",
        "en": "{what} did not go out and will be tried again on {at}: {reason}.",
    },
    "unknown": {
        "es": "No se sabe si {what} llegó; se mirará en la tienda el {at}.",
        "en": "It is not known whether {what} arrived; the shop is asked on {at}.",
    },
    "skipped": {
        "es": "{what} no se hizo: {reason}.",
        "en": "{what} was not done: {reason}.",
    },
    "dead": {
        "es": "{what} necesita a una persona: {reason}. Míralo con `postventa dead-letters list`.",
        "en": "{what} needs a person: {reason}. See `postventa dead-letters list`.",
    },
    "rests": {
        "es": "La tienda pidió una pausa: no se la llama antes del {at}.",
        "en": "The shop asked for a pause: it is not called before {at}.",
    },
    Verdict.MATCHED: {
        "es": "La regla actuó cuando {happened}, el {at}.",
        "en": "The rule acted when {happened}, on {at}.",
    },
    Verdict.NOT_MATCHED: {
        "es": "La regla no actuó cuando {happened}: no se cumplen sus condiciones.",
        "en": "The rule did not act when {happened}: its conditions do not hold.",
    },
    Verdict.ONCE_ALREADY: {
        "es": "La regla ya había actuado ({per}) y solo actúa una vez.",
        "en": "The rule had acted before ({per}), and it acts once only.",
    },
    Verdict.OWN_WRITE: {
        "es": "La regla no actuó porque este cambio lo hizo Postventa.",
        "en": "The rule did not act because Postventa itself made this change.",
    },
    Verdict.TOO_OLD: {
        "es": (
            "La regla no actuó: se supo demasiado tarde, o pasó antes de conectar la tienda "
            "(ocurrió el {at}, se supo el {seen})."
        ),
        "en": (
            "The rule did not act: it was learned too late, or it happened before the shop was "
            "connected (it happened on {at} and was learned on {seen})."
        ),
    },
    Verdict.TEST_ORDER: {
        "es": "La regla no actuó porque es un pedido de prueba.",
        "en": "The rule did not act because this is a test order.",
    },
    Verdict.FAULT: {
        "es": "La regla no se pudo preguntar por un fallo de Postventa; está en el registro.",
        "en": "The rule could not be asked: a fault of Postventa, which is in the log.",
    },
    "not_happened": {
        "es": "Todavía no ha pasado lo que espera la regla («{happened}»).",
        "en": "What the rule waits for has not happened yet (“{happened}”).",
    },
    "disabled": {
        "es": "La regla está apagada, y por eso no actuó cuando {happened}.",
        "en": "The rule is switched off, so it did not act when {happened}.",
    },
    "younger": {
        "es": "La regla es más nueva: se creó el {made}, y {happened} el {at}.",
        "en": "The rule is younger: it was made on {made}, and {happened} on {at}.",
    },
    "not_asked": {
        "es": (
            "No consta que se preguntara a la regla cuando {happened}: entonces estaba apagada, "
            "o el registro ya se borró por antigüedad."
        ),
        "en": (
            "Nothing says that the rule was asked when {happened}: it was switched off then, or "
            "the record was too old to be kept."
        ),
    },
    "erased": {
        "es": "El pedido se guarda sin su comprador, que pidió el borrado: ninguna regla actúa.",
        "en": "The order is kept without its buyer, who asked for erasure: no rule acts on it.",
    },
    "removed": {
        "es": "La regla ya no está en uso.",
        "en": "The rule is out of use.",
    },
    "now_holds": {
        "es": "Si se preguntara ahora, sus condiciones se cumplirían.",
        "en": "Asked now, its conditions would hold.",
    },
    "now_fails": {
        "es": "Si se preguntara ahora, tampoco se cumplirían.",
        "en": "Asked now, its conditions would not hold either.",
    },
}
NEXT: Final[Mapping[str, Texts]] = {
    "happens": {
        "es": "Puede cambiar en cuanto pase («{happened}»).",
        "en": "It can change as soon as it happens (“{happened}”).",
    },
    "enable": {
        "es": "Puede cambiar si enciendes la regla: actúa con lo que pase desde entonces.",
        "en": "It can change when you switch the rule on: it acts on what happens from then.",
    },
    "time": {
        "es": "Desde el {at} se puede cumplir «{label}», para lo que pase a partir de entonces.",
        "en": "From {at} “{label}” can hold, for what happens from then on.",
    },
    "never": {
        "es": "Para este pedido ya está decidido: lo mismo no se pregunta dos veces.",
        "en": "For this order it is decided: the same thing is not asked twice.",
    },
    "person": {
        "es": "Cambia cuando una persona lo resuelva: `postventa dead-letters retry`.",
        "en": "It changes when a person deals with it: `postventa dead-letters retry`.",
    },
    "start": {
        "es": "Puede cambiar cuando los efectos vuelvan a ponerse en marcha.",
        "en": "It can change when effects are started again.",
    },
    "connect": {
        "es": "Puede cambiar cuando la tienda vuelva a estar conectada.",
        "en": "It can change when the shop is connected again.",
    },
    "due": {"es": "Lo próximo pasa el {at}.", "en": "The next thing happens on {at}."},
    "done": {"es": "No queda nada por hacer.", "en": "Nothing is left to do."},
}
PER: Final[Mapping[str, Texts]] = {
    "order": {"es": "por este pedido", "en": "for this order"},
    "parcel": {"es": "por este paquete", "en": "for this parcel"},
    "refund": {"es": "por esta devolución", "en": "for this refund"},
    "buyer": {"es": "por este comprador", "en": "for this buyer"},
    "other": {"es": "por el pedido {number}", "en": "for order {number}"},
}
_CHANNELS: Final[Mapping[str, Texts]] = {"email": {"es": "correo", "en": "e-mail"}}
_KINDS: Final[Mapping[str, Texts]] = {
    "coupons": {"es": "cupones", "en": "codes"},
    "messages": {"es": "mensajes", "en": "messages"},
}


def time_words(at: datetime, timezone: str, language: str) -> str:
    """Write a time in the shop's zone, like `22 de noviembre de 2026 a las 13:00`."""
    between = "a las" if language == "es" else "at"
    return f"{date_text(at, timezone, language)} {between} {at.astimezone(zone_of(timezone)):%H:%M}"


def sentence(name: str, language: str, **values: str) -> str:
    """Give a sentence with its values, its first letter a capital."""
    text = (SENTENCES.get(name) or NEXT[name])[language].format(**values)
    return text[:1].upper() + text[1:]


def happened_words(kind: str, language: str) -> str:
    """Say what happened."""
    known = HAPPENED.get(kind)
    return known[language] if known else kind


def label_of(name: str, language: str) -> str:
    """Name a field as people read it."""
    known = field_of(name)
    if known is None:
        return name
    if name.startswith("order.meta."):
        return name
    # What follows is an example for those who write rules.
    return re.split(", como |, like ", known.es if language == "es" else known.en)[0]


def condition_words(
    field: str, op: str, value: Any, seen: Any, language: str, *, turned: bool
) -> str:
    """Say what a condition asks for and what the order has.

    Args: turned: it stands inside of a `not`.
    """
    flag = _FLAGS.get((op, bool(value)))
    operator = _OPERATORS.get(op)
    if flag is not None:
        wanted = flag[language]
    elif operator is not None:
        wanted = operator[language].format(value_words(value, language))
    else:
        wanted = f"{op} {value_words(value, language)}"
    asks = _ASKS[turned][language].format(wanted)
    told = _NOTHING[language]
    if seen is not None and seen not in ("", [], ()):
        told = _SEEN[language].format(value_words(seen, language))
    return f"{label_of(field, language)}: {asks}; {told}"


def value_words(value: Any, language: str) -> str:
    """Write a value for people."""
    if isinstance(value, bool):
        return _TRUTH[value][language]
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


def reason_words(reason: str, language: str) -> str:
    """Say an effect's stored reason in a language; one that is not known is quoted."""
    for pattern, words in _REASONS:
        found = pattern.fullmatch(reason)
        if found is not None:
            return words(found, language)
    return f"«{reason}»" if language == "es" else reason


def _fixed(spanish: str, english: str) -> Callable[[re.Match[str], str], str]:
    def words(found: re.Match[str], language: str) -> str:
        text = spanish if language == "es" else english
        return text.format(*(group or "" for group in found.groups()))

    return words


def _of_channel(spanish: str, english: str) -> Callable[[re.Match[str], str], str]:
    def words(found: re.Match[str], language: str) -> str:
        channel = _CHANNELS.get(found[1], {}).get(language, found[1])
        return (spanish if language == "es" else english).format(channel)

    return words


def _inner(spanish: str, english: str) -> Callable[[re.Match[str], str], str]:
    """Say a reason that holds another one as its last part."""

    def words(found: re.Match[str], language: str) -> str:
        *first, last = found.groups()
        text = spanish if language == "es" else english
        return text.format(*first, reason_words(last, language) if last else "").rstrip(" :.")

    return words


def _stopped(found: re.Match[str], language: str) -> str:
    said = happened_words(found[1], language)
    return f"antes de que tocara, {said}" if language == "es" else f"before its time {said}"


def _used_up(found: re.Match[str], language: str) -> str:
    kind = _KINDS.get(found[1], {}).get(language, found[1])
    if language == "es":
        return f"los {kind} de esta hora están agotados ({found[2]})"
    return f"the {kind} of this hour are used up ({found[2]})"


_REASONS: Final = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (
            r"stopped: order\.refunded in full",
            _fixed("se devolvió todo el dinero", "all of the money went back"),
        ),
        (r"stopped: (\S+)", _stopped),
        (
            r"the order has no e-mail address",
            _fixed("el pedido no tiene correo", "the order has no e-mail address"),
        ),
        (
            r"the order's e-mail address is not a valid one",
            _fixed("el correo del pedido no es válido", "the order's e-mail address is not valid"),
        ),
        (
            r"the order has no phone number, which (\S+) needs",
            _of_channel(
                "el pedido no tiene teléfono, que hace falta para {}",
                "the order has no phone number, which {} needs",
            ),
        ),
        (
            r"the buyer said no to offers by (\S+)",
            _of_channel(
                "el comprador dijo que no quiere ofertas por {}",
                "the buyer said no to offers by {}",
            ),
        ),
        (
            r"the buyer has not agreed to offers by (\S+)",
            _of_channel(
                "el comprador no ha aceptado recibir ofertas por {}",
                "the buyer has not agreed to offers by {}",
            ),
        ),
        (
            r"the code is for one buyer, and the order names none",
            _fixed(
                "el cupón es para un comprador y el pedido no dice quién es",
                "the code is for one buyer, and the order names none",
            ),
        ),
        (
            r"step (\d+) was not done: ?(.*)",
            _inner("el paso {} no se hizo: {}", "step {} was not done: {}"),
        ),
        (
            r"too late: .*",
            _fixed("se le pasó el plazo", "its time was over before it could be done"),
        ),
        (r"the shop was removed", _fixed("se quitó la tienda", "the shop was removed")),
        (
            r"the rule's version is not stored any more",
            _fixed("esa versión de la regla ya no existe", "that version of the rule is gone"),
        ),
        (
            r"waits for its hours",
            _fixed("espera al horario de envío", "it waits for the sending hours"),
        ),
        (
            r"waits for the next hour: the shop's (\w+) of this hour are used up \((\d+),.*",
            _used_up,
        ),
        (r"effects are stopped", _fixed("los efectos están parados", "effects are stopped")),
        (
            r"the text cannot be made: (.*)",
            _fixed("el texto no se puede componer: «{}»", "the text cannot be made: {}"),
        ),
        (
            r"no channel '(\S+)' is set up.*",
            _of_channel("no hay ningún canal para {}", "no channel for {} is set up"),
        ),
        (
            r"its outcome is unknown: (.*)",
            _inner("no se sabe si llegó: {}", "its outcome is unknown: {}"),
        ),
        (
            r"it may have been sent(?:: (.*)|, and offers go out at most once)",
            _inner("puede que ya se enviara: {}", "it may have been sent already: {}"),
        ),
        (
            r"begun (\d+) times and never brought to an end",
            _fixed("se empezó {} veces y nunca terminó", "it was begun {} times and never ended"),
        ),
        (
            r"tried (\d+) times[.;:] ?(.*)",
            _inner("se intentó {} veces: {}", "it was tried {} times: {}"),
        ),
        ("canceled by a person", _fixed("la canceló una persona", "a person canceled it")),
        (r"needs a person: (.*)", _inner("{}", "{}")),
    )
)
