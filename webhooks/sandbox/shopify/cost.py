"""Count the points of a query, and keep the bucket they are taken from.

Source: rate limits page of the GraphQL Admin API, checked 2026-11-22: one
point an object, two and its items a connection, ten a mutation; at most 1000
points a query; a bucket that refills every second.
"""

from __future__ import annotations

import time
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

MAX_QUERY: Final = 1000
MUTATION: Final = 10
CONNECTION: Final = 2
WRAPPERS: Final = frozenset({"edges", "nodes"})


class Counter:
    """Count what one operation asks for, before it is run."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]
    ) -> None:
        """Keep what is needed to follow fragments and variables."""
        self.schema = schema
        self.variables = variables
        self.fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def requested(self, operation: OperationDefinitionNode) -> int:
        """Count the points of an operation if every page is full."""
        defaults = {
            item.variable.name.value: item.default_value
            for item in operation.variable_definitions or ()
        }
        for name, default in defaults.items():
            if name not in self.variables and isinstance(default, IntValueNode):
                self.variables[name] = int(default.value)
        writes = operation.operation is OperationType.MUTATION
        root = self.schema.mutation_type if writes else self.schema.query_type
        if root is None:
            return 0
        return self._inside(operation.selection_set, root) + (MUTATION if writes else 0)

    def _inside(self, selections: SelectionSetNode | None, parent: Any) -> int:
        total = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                total += self._field(node, parent)
            elif isinstance(node, InlineFragmentNode):
                name = node.type_condition.name.value if node.type_condition else parent.name
                total += self._inside(node.selection_set, self.schema.type_map[name])
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                kind = self.schema.type_map[fragment.type_condition.name.value]
                total += self._inside(fragment.selection_set, kind)
        return total

    def _field(self, node: FieldNode, parent: Any) -> int:
        definition = getattr(parent, "fields", {}).get(node.name.value)
        if definition is None or not is_composite_type(get_named_type(definition.type)):
            return 0
        kind = get_named_type(definition.type)
        if kind.name == "PageInfo" or kind.name.endswith("UserError"):
            return 0
        inner = self._inside(node.selection_set, kind)
        if node.name.value in WRAPPERS or kind.name.endswith("Payload"):
            return inner if kind.name.endswith(("Edge", "Payload")) else inner + 1
        size = self._size(node)
        if kind.name.endswith("Connection"):
            return CONNECTION + (1 if size is None else size) * inner
        return (1 if size is None else size) * (inner + 1)

    def _size(self, node: FieldNode) -> int | None:
        for argument in node.arguments or ():
            if argument.name.value not in {"first", "last"}:
                continue
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                value = self.variables.get(argument.value.name.value)
                return value if isinstance(value, int) else None
        return None


def actual(data: Any, *, writes: bool) -> int:
    """Count the points of what was really answered."""
    return _objects(data) - 1 + (MUTATION if writes else 0) if data else 0


def _objects(value: Any) -> int:
    if isinstance(value, list):
        return sum(_objects(item) for item in value)
    if not isinstance(value, dict):
        return 0
    own = CONNECTION if "nodes" in value or "edges" in value else 1
    return own + sum(_objects(item) for key, item in value.items() if key != "pageInfo")


class Bucket:
    """The points an app has left in one shop."""

    def __init__(self, maximum: float = 2000.0, restore_per_s: float = 100.0) -> None:
        """Start full."""
        self.maximum = maximum
        self.restore_per_s = restore_per_s
        self.level = maximum
        self._at = time.monotonic()

    def resize(self, maximum: float, restore_per_s: float) -> None:
        """Give the app another plan; the bucket is full again."""
        self.maximum, self.restore_per_s, self.level = maximum, restore_per_s, maximum

    def take(self, points: float) -> bool:
        """Take points if they are there."""
        self._refill()
        if points > self.level:
            return False
        self.level -= points
        return True

    def give_back(self, points: float) -> None:
        """Return points that were asked for but not used."""
        self.level = min(self.maximum, self.level + points)

    def status(self) -> dict[str, float]:
        """Show the throttleStatus of an answer."""
        self._refill()
        return {
            "maximumAvailable": float(self.maximum),
            "currentlyAvailable": float(int(self.level)),
            "restoreRate": float(self.restore_per_s),
        }

    def _refill(self) -> None:
        now = time.monotonic()
        self.level = min(self.maximum, self.level + (now - self._at) * self.restore_per_s)
        self._at = now
