"""Cursor paging as the GraphQL API does it, by position in a sort order."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from graphql import GraphQLError, GraphQLResolveInfo

Item = TypeVar("Item")
Args: TypeAlias = dict[str, Any]
Info: TypeAlias = GraphQLResolveInfo[Any]
SortKey = Callable[[Item], tuple[Any, int]]
LIMIT = 250


def cursor_of(position: tuple[Any, int]) -> str:
    """Write a cursor: the sort value and the id of the last item."""
    return base64.b64encode(json.dumps(list(position)).encode()).decode()


def position_of(cursor: str) -> tuple[Any, int]:
    """Read a cursor.

    Raises: GraphQLError: it was not made by this shop.
    """
    try:
        value, number = json.loads(base64.b64decode(cursor, validate=True))
    except ValueError as err:
        raise GraphQLError("Invalid cursor for current pagination sort.") from err
    return value, number


def connection(
    info: Info,
    args: Args,
    items: Sequence[Item],
    key: SortKey[Item],
    node: Callable[[Item], Any],
) -> dict[str, Any]:
    """Cut one page out of the items.

    A bulk operation walks everything; any other query must say how many.

    Raises: GraphQLError: no page size, too large a page or a bad cursor.
    """
    first, last = args.get("first"), args.get("last")
    everything = bool(info.context.bulk)
    if first is None and last is None and not everything:
        raise GraphQLError(
            "you must provide one of first or last", extensions={"code": "BAD_REQUEST"}
        )
    for size in (first, last):
        if size is not None and not 0 <= size <= LIMIT and not everything:
            raise GraphQLError(f"first/last cannot exceed {LIMIT}")
    ordered = sorted(items, key=key, reverse=bool(args.get("reverse")))
    if args.get("after"):
        edge = position_of(args["after"])
        ordered = [i for i in ordered if _beyond(key(i), edge, bool(args.get("reverse")))]
    if args.get("before"):
        edge = position_of(args["before"])
        ordered = [i for i in ordered if _beyond(edge, key(i), bool(args.get("reverse")))]
    page = ordered
    if first is not None:
        page = ordered[:first]
    elif last is not None:
        page = ordered[max(0, len(ordered) - last) :]
    cursors = [cursor_of(key(item)) for item in page]
    nodes = [node(item) for item in page]
    return {
        "edges": [
            {"cursor": cursor, "node": one} for cursor, one in zip(cursors, nodes, strict=True)
        ],
        "nodes": nodes,
        "pageInfo": {
            "hasNextPage": len(page) < len(ordered) and last is None,
            "hasPreviousPage": bool(args.get("after")) or (last is not None and page != ordered),
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def listed(
    items: Sequence[Item], node: Callable[[Item], Any]
) -> Callable[[Info, Args], dict[str, Any]]:
    """Give a field that pages over items in the order they are in."""

    def resolve(info: Info, args: Args) -> dict[str, Any]:
        numbered = list(enumerate(items))
        return connection(info, args, numbered, lambda p: (p[0], p[0]), lambda p: node(p[1]))

    return resolve


def first_of(
    items: Sequence[Item], node: Callable[[Item], Any]
) -> Callable[[Info, Args], list[Any]]:
    """Give a plain list field that takes `first`."""

    def resolve(_info: Info, args: Args) -> list[Any]:
        return [node(item) for item in items[: args.get("first")]]

    return resolve


def _beyond(one: tuple[Any, int], edge: tuple[Any, int], backwards: bool) -> bool:
    return tuple(one) < tuple(edge) if backwards else tuple(one) > tuple(edge)
