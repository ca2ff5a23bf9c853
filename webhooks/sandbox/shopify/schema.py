"""Load the published Admin GraphQL schema and its access scopes.

The schema is not part of the repository: `tools/fetch_npm_data.py` brings it.
Building it takes a third of a second, so nothing of it is cached on disk.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema, build_client_schema

API_VERSION: Final = "2026-10"
FILE_NAME: Final = f"shopify-admin-{API_VERSION}.json.gz"
FOLDER: Final = ".npm-data"
GID: Final = re.compile(r"gid://shopify/([A-Za-z]+)/(\d+)(\?.*)?")


class SchemaMissing(Exception):
    """The published schema is not there: run tools/fetch_npm_data.py."""


@dataclass(frozen=True, slots=True)
class Published:
    """The schema, and which scopes open which type or mutation.

    Args:
        scopes: type name, or (type name, field name), to the scopes of which one is enough.
    """

    schema: GraphQLSchema
    scopes: Mapping[str | tuple[str, str], tuple[str, ...]]


def data_folder() -> Path:
    """Find the folder with the published schemas.

    Raises: SchemaMissing: it is neither beside the code nor in the work folder.
    """
    for root in (Path(__file__).resolve().parents[3], Path.cwd()):
        if (root / FOLDER / FILE_NAME).exists():
            return root / FOLDER
    raise SchemaMissing(SchemaMissing.__doc__)


@lru_cache(maxsize=1)
def published() -> Published:
    """Load the published schema once.

    Raises: SchemaMissing: the file has not been fetched.
    """
    with gzip.open(data_folder() / FILE_NAME) as file:
        found = json.load(file)
    # assume_valid: graphql-core refuses six of the platform's own deprecations otherwise.
    schema = build_client_schema(found["data"], assume_valid=True)
    _strict(schema, "DateTime", _date_time)
    for name in ("Decimal", "Money"):
        _strict(schema, name, _decimal)
    scopes: dict[str | tuple[str, str], tuple[str, ...]] = {}
    for item in found["offline_scopes"]["items"]:
        name = item["typeName"]
        key = name if item["type"] == "type" else (name, item["fieldName"])
        scopes[key] = tuple(item["offlineScopes"])
    return Published(schema, scopes)


def gid(kind: str, number: int) -> str:
    """Write a global id."""
    return f"gid://shopify/{kind}/{number}"


def number_of(text: str, *kinds: str) -> int:
    """Read the number out of a global id of one of the kinds.

    Raises: GraphQLError: the id is malformed or of another kind, as the platform says it.
    """
    found = GID.fullmatch(text)
    if found is None or (kinds and found[1] not in kinds):
        raise GraphQLError(f"Invalid global id '{text}'", extensions={"code": "INVALID_ID"})
    return int(found[2])


def kind_of(text: str) -> str:
    """Read the type name out of a global id."""
    number_of(text)
    return text.removeprefix("gid://shopify/").split("/")[0]


def _strict(schema: GraphQLSchema, name: str, parse: Any) -> None:
    scalar = schema.type_map[name]
    if isinstance(scalar, GraphQLScalarType):
        # An introspection says nothing about how scalars are read.
        scalar.parse_value = parse  # type: ignore[method-assign] # meant to be set
        for literal in ("parse_literal", "parse_const_literal"):
            if literal in vars(scalar):
                delattr(scalar, literal)


def _date_time(value: Any) -> str:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError) as err:
        raise GraphQLError(f"invalid DateTime '{value}'") from err
    return str(value)


def _decimal(value: Any) -> str:
    try:
        number = Decimal(str(value))
    except InvalidOperation as err:
        raise GraphQLError(f"invalid decimal '{value}'") from err
    return str(number)
