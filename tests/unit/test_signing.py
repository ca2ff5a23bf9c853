"""Signatures: fixed vectors, rotation, and nothing that is not asked for."""

import ast
import base64
import binascii
import hashlib
from pathlib import Path

import pytest

from connector.secret import Secret
from connector.signing import matches, sign_base64

ROOT = Path(__file__).parents[2]
ALPHA, BETA = Secret("alpha"), Secret("beta")
BODY = b'{"id":1}'
# Each made by: printf <body> | openssl dgst -sha256 -hmac <secret> -binary | base64
BY_ALPHA = "+9c0AuvQYIC/WcC9MBB4CLjHNrpmmczludQY1LCrrew="
BY_BETA = "pOrEqTvGV93kZD0MydKEkD/ypzUck//26+XrPu3il9o="
BY_NOBODY = "OH4HrEMyI2Gyl0Nx9AtqhHOTI11vM8Vi/iDRBFu925g="
ODD = b"Se\xc3\xb1or \xe2\x82\xac \xff\x00"
VECTORS = [
    (BODY, "alpha", BY_ALPHA),
    (BODY, "beta", BY_BETA),
    (BODY, "clé-ñ", "sccHhUeBuA5CPJ1y8RG4h7yg+juietRHg2MbqumVRm8="),
    (
        b"Se\xc3\xb1or \xe2\x82\xac \xff\x00",
        "alpha",
        "X3ohZ+TdqWXfeEx4n4yVa58lK/kRD5YU4rrumymZC50=",
    ),
    (b"", "alpha", "Yz9A2rJMPKZmoZugu57l+8L4ktijdZ76wBAzKvLwToI="),
    # RFC 4231, test case 2: 5bdcc146 … 9d64ec3843.
    (b"what do ya want for nothing?", "Jefe", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="),
]


@pytest.mark.parametrize(("body", "secret", "signature"), VECTORS)
def test_vectors(body: bytes, secret: str, signature: str) -> None:
    """Any bytes are signed as openssl signs them, and the signature is known again."""
    assert sign_base64(body, Secret(secret)) == signature
    assert matches(body, signature, [Secret(secret)])


def test_rotation() -> None:
    """While two secrets are valid both are taken, in any place; a dropped one is not."""
    for secrets in ([ALPHA, BETA], [BETA, ALPHA], [Secret(""), BETA, ALPHA, ALPHA]):
        assert matches(BODY, BY_ALPHA, secrets)
        assert matches(BODY, BY_BETA, secrets)
    assert not matches(BODY, BY_ALPHA, [BETA])
    assert not matches(BODY, BY_BETA, [ALPHA])


def test_no_secret_at_all() -> None:
    """Without a secret nothing fits."""
    assert not matches(BODY, BY_ALPHA, [])
    assert not matches(BODY, "", [])


def test_empty_secret_never_fits() -> None:
    """What was signed with an empty secret is refused, since everybody can do that."""
    assert sign_base64(BODY, Secret("")) == BY_NOBODY
    assert not matches(BODY, BY_NOBODY, [Secret("")])
    assert not matches(BODY, BY_NOBODY, [Secret(""), ALPHA, Secret("")])


def test_any_changed_byte() -> None:
    """A body with one bit turned, a byte more or a byte less is refused."""
    for place in range(len(BODY)):
        changed = bytearray(BODY)
        changed[place] ^= 1
        assert not matches(bytes(changed), BY_ALPHA, [ALPHA])
    assert not matches(BODY + b"\n", BY_ALPHA, [ALPHA])
    assert not matches(BODY[:-1], BY_ALPHA, [ALPHA])


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "ñandú",
        "\udcff\udcfe",
        "\x00",
        BY_ALPHA + "ñ",
        BY_ALPHA + " ",
        BY_ALPHA[:-1],
        BY_ALPHA.lower(),
        BY_ALPHA.replace("+", "-").replace("/", "_"),
        BY_ALPHA + BY_ALPHA,
        "sha256=" + BY_ALPHA,
        # The same value in hexadecimal, and the SHA-1 that some other hooks use.
        "fbd73402ebd06080bf59c0bd30107808b8c736ba6699cce5b9d418d4b0abadec",
        "MvJYY+nnixP8PydyiKcGJB/UQmM=",
        # A hash anybody can make.
        base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
    ],
)
def test_other_texts_are_refused_quietly(signature: str) -> None:
    """Only the exact base64 text fits; what is not ASCII is refused, not an error."""
    assert not matches(BODY, signature, [ALPHA, BETA])


def test_hexadecimal_text_is_the_same_value() -> None:
    """The refused hexadecimal text is indeed this signature, so only its form is wrong."""
    value = binascii.unhexlify("fbd73402ebd06080bf59c0bd30107808b8c736ba6699cce5b9d418d4b0abadec")
    assert base64.b64encode(value).decode() == BY_ALPHA


WORDS = {"digest", "hexdigest", "signature", "signatures", "hmac", "signed", "mac", "sign"}


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call | ast.Await):
        return _name(node.func if isinstance(node, ast.Call) else node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_column(node: ast.expr) -> bool:
    """Tell whether this is a column of a table, like `sessions.c.digest`."""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "c"
    )


def _plain_compares(source: str) -> list[int]:
    """List the lines that compare something named like a signature by == or `in`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        plain = any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops)
        named = any(WORDS & set(_name(side).lower().split("_")) for side in sides)
        # Whether there is a signature at all may be asked plainly.
        empty = any(isinstance(side, ast.Constant) and not side.value for side in sides)
        # A row that is looked up by a hash is found by an index, not by us.
        column = any(_is_column(side) for side in sides)
        if plain and named and not empty and not column:
            found.append(node.lineno)
    return found


def test_signatures_are_compared_in_constant_time() -> None:
    """No module compares a signature or digest with == or `in`."""
    modules = [
        path
        for package in ("connector", "adapters", "webhooks")
        for path in sorted((ROOT / package).rglob("*.py"))
    ]
    assert len(modules) > 100
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules
        for line in _plain_compares(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("signature == expected", [1]),
        ("x = 1\nif given != mac.hexdigest(): pass", [2]),
        ("self.signature in known", [1]),
        ("sign_base64(body, secret) == given", [1]),
        ("a == b == body_digest", [1]),
        ("signature == ''", []),
        ("len(signature) == 44", []),
        ("hmac.compare_digest(signature, expected)", []),
        ("design == other", []),
    ],
)
def test_plain_compares_are_found(source: str, lines: list[int]) -> None:
    """The check above finds each way to compare plainly, and nothing else."""
    assert _plain_compares(source) == lines
