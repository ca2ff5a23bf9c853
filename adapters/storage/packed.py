"""Why two hundred rules acted on an order, or why not, as one short row.

What was asked is the same for every order until a rule changes, so it is stored once;
of an order only what it had in the fields asked for, and a letter for each answer.
"""

import json
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from adapters.storage.columns import to_json
from connector.model.effect import Evaluation, Verdict

# Compressing less than this saves nothing.
_SMALL: Final = 1024
_LETTERS: Final = {
    Verdict.MATCHED: "m",
    Verdict.NOT_MATCHED: "n",
    Verdict.ONCE_ALREADY: "a",
    Verdict.OWN_WRITE: "o",
    Verdict.TOO_OLD: "t",
    Verdict.TEST_ORDER: "s",
    Verdict.FAULT: "f",
}
_VERDICTS: Final = {letter: verdict for verdict, letter in _LETTERS.items()}
# Rules that were asked for what the order had; the others were not even asked.
_ASKED: Final = frozenset("mna")
_KEPT: Final = 64


def pack(evaluation: Evaluation) -> bytes:
    """Write what one occurrence was judged by."""
    answers = "".join(["1" if held else "0" for held in evaluation.answers])
    verdicts = "".join([_LETTERS[verdict] for verdict in evaluation.verdicts])
    text = to_json((evaluation.seen, answers, verdicts)).encode()
    return text if len(text) < _SMALL else zlib.compress(text, 1)


def pack_asked(text: bytes) -> bytes:
    """Write what a set of rules asks for."""
    return zlib.compress(text)


def unpack(asked: bytes, body: bytes) -> Iterator[dict[str, Any]]:
    """Read the answers back, one row a rule."""
    tests, rules = _asked(bytes(asked))
    text = body if body.startswith(b"[") else zlib.decompress(body)
    seen, answers, verdicts = json.loads(text)
    for (rule_id, version, leaves), letter in zip(rules, verdicts, strict=True):
        yield {
            "rule": rule_id,
            "version": version,
            "verdict": _VERDICTS[letter].value,
            "conditions": [
                _condition(path, tests[place], seen, held=answers[place] == "1")
                for path, place in (leaves if letter in _ASKED else ())
            ],
        }


def unpack_seen(body: bytes) -> dict[str, Any]:
    """Read back what the order had in each field asked for; nothing when none was."""
    text = body if body.startswith(b"[") else zlib.decompress(body)
    seen: dict[str, Any] = json.loads(text)[0]
    return seen


def _condition(path: str, test: Any, seen: dict[str, Any], *, held: bool) -> dict[str, Any]:
    name, op, value = test
    return {
        "path": path,
        "field": name,
        "op": op,
        "value": value,
        "seen": seen.get(name),
        "held": held,
    }


@lru_cache(_KEPT)
def _asked(body: bytes) -> Any:
    return json.loads(zlib.decompress(body))
