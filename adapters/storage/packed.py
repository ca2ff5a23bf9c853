"""All evaluations of one occurrence as one compressed value.

Two hundred rules asked about one order are two hundred answers. As rows of their own
they cost more than everything else that a delivery causes; packed they are one row.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from adapters.storage.columns import to_json
from connector.model.effect import ConditionSeen, Evaluation

# Compressing less than this saves nothing.
_SMALL: Final = 512
_encoder: Final = msgspec.json.Encoder(order="deterministic")
_FIELDS: Final = ("path", "field", "op", "value", "seen", "held")


def pack(evaluations: Sequence[Evaluation]) -> bytes:
    """Write the answers of all rules asked about one occurrence."""
    # A condition writes itself as the list of _FIELDS.
    rows = [
        (item.rule_id, item.rule_version, item.verdict, item.conditions) for item in evaluations
    ]
    try:
        text = _encoder.encode(rows)
    except (UnicodeEncodeError, TypeError):
        # Half of a letter, or a value of another kind: the slower way takes it all.
        text = to_json([(*row, [_listed(seen) for seen in seens]) for *row, seens in rows]).encode()
    return text if len(text) < _SMALL else zlib.compress(text, 1)


def unpack(body: bytes) -> Iterator[dict[str, Any]]:
    """Read the answers back, one row a rule."""
    text = body if body.startswith(b"[") else zlib.decompress(body)
    for rule_id, version, verdict, conditions in json.loads(text):
        yield {
            "rule": rule_id,
            "version": version,
            "verdict": verdict,
            "conditions": [dict(zip(_FIELDS, seen, strict=True)) for seen in conditions],
        }


def _listed(condition: ConditionSeen) -> list[Any]:
    return [getattr(condition, name) for name in _FIELDS]
