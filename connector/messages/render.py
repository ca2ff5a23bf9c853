"""Check and render the texts that rules and templates hold."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from liquid import BoundTemplate, Node, RenderContext, Token
from liquid.builtin.expressions import LoopExpression, Path
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from connector.errors import MessageInvalid
from connector.messages import _liquid
from connector.messages.clean import clean_text
from connector.messages.markup import to_html, to_text
from connector.messages.placeholders import ITEM_FIELDS, names
from connector.messages.samples import sample_context

# What a name stands for inside a text: fields of an item, or anything at all.
_ITEM: Final = "item"
_ANY: Final = "any"
_OF_LISTS: Final = frozenset({"size", "first", "last"})


@dataclass(frozen=True, slots=True)
class Body:
    """One text in its two forms; `html` is a fragment."""

    text: str
    html: str


def check(source: str) -> list[str]:
    """Find what is wrong with a text before it is saved.

    Returns: one sentence a problem, with its line where known; empty when it is fine.
    """
    if len(source) > _liquid.MAX_SOURCE:
        return [f"the text is longer than {_liquid.MAX_SOURCE // 1024} KiB"]
    try:
        template = _compiled(source, markup=False)
    except MessageInvalid as err:
        return [str(err)]
    problems = _Names(source).problems(template)
    if problems:
        return problems
    for language in ("es", "en"):
        try:
            render_text(source, sample_context(language))
        except MessageInvalid as err:
            return [str(err)]
    return []


# Asked for every order about the same few texts of rules.
@lru_cache(maxsize=256)
@lru_cache(maxsize=512)
def uses(source: str, root: str) -> bool:
    """Tell whether a text names something of a root, like `coupon`.

    Raises: MessageInvalid: it is no readable text.
    """
    return root in _compiled(source, markup=False).analyze().globals


def render_text(source: str, context: Mapping[str, Any]) -> str:
    """Render a plain text: nothing is escaped, control marks are taken out.

    Raises: MessageInvalid: it names what is not there, fails, or costs too much.
    """
    return clean_text(_rendered(source, context, markup=False))


def render_body(source: str, context: Mapping[str, Any]) -> Body:
    """Render light markup into plain text and HTML; values are never markup.

    Raises: MessageInvalid: see render_text.
    """
    marked = _rendered(source, context, markup=True)
    return Body(text=to_text(marked), html=to_html(marked))


def _rendered(source: str, context: Mapping[str, Any], *, markup: bool) -> str:
    template = _compiled(source, markup=markup)
    try:
        return template.render(context)
    except LiquidError as err:
        raise MessageInvalid(_sentence(err, source)) from err
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as err:
        # A filter that was given the wrong thing.
        raise MessageInvalid(f"the text cannot be rendered: {err}") from err


@lru_cache(maxsize=512)
def _compiled(source: str, *, markup: bool) -> BoundTemplate:
    if len(source) > _liquid.MAX_SOURCE:
        raise MessageInvalid(f"the text is longer than {_liquid.MAX_SOURCE // 1024} KiB")
    environment = _liquid.MARKUP if markup else _liquid.PLAIN
    try:
        return environment.from_string(clean_text(source))
    except LiquidError as err:
        raise MessageInvalid(_sentence(err, source)) from err
    except RecursionError as err:
        raise MessageInvalid("the text is nested too deeply") from err


def _sentence(err: LiquidError, source: str) -> str:
    text = str(err.message or "the text cannot be read")
    if text.endswith("is undefined"):
        name = text.removesuffix("is undefined").strip(" '")
        text = (
            f"`{name}` has no value here; put it inside {{% if {name} %}} … {{% endif %}} "
            f'or write {{{{ {name} | default: "…" }}}}'
        )
    return _at(err.token, source) + text


def _at(token: Token | None, source: str) -> str:
    """Name the line; what has no place, like a missing end, belongs to the last one."""
    found = token is not None and token.start_index >= 0
    index = token.start_index if token is not None and found else len(source.rstrip())
    return f"line {source.count(chr(10), 0, index) + 1}: "


class _Names:
    """Looks at every name and filter of one text."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: list[str] = []

    def problems(self, template: BoundTemplate) -> list[str]:
        for name, spans in template.analyze().filters.items():
            if name not in _liquid.FILTERS:
                line = self._source.count("\n", 0, spans[0].index) + 1
                hint = _suggestion(name, _liquid.FILTERS)
                self._found.append(f"line {line}: unknown filter `{name}`{hint}")
        self._visit(template.nodes, {}, RenderContext(template))
        return list(dict.fromkeys(self._found))

    def _visit(self, nodes: Iterable[Node], scope: dict[str, str], static: RenderContext) -> None:
        for node in nodes:
            inner = scope
            for expression in node.expressions():
                self._expression(expression, scope)
                if isinstance(expression, LoopExpression):
                    inner = {**scope, "forloop": _ANY, expression.identifier: _ANY}
                    if str(expression.iterable) == "order.items":
                        inner[expression.identifier] = _ITEM
            for made in node.template_scope():
                scope[str(made)] = _ANY
            self._visit(node.children(static), inner, static)

    def _expression(self, expression: Expression, scope: Mapping[str, str]) -> None:
        if isinstance(expression, Path):
            self._path(expression, scope)
        elif isinstance(expression, Blank | Empty):
            self._found.append(
                "do not compare with `blank` or `empty`: what is not known is not there, so "
                "ask with {% if name %}"
            )
        for child in expression.children():
            self._expression(child, scope)

    def _path(self, path: Path, scope: Mapping[str, str]) -> None:
        written = str(path)
        parts = written.split(".")
        kind = scope.get(parts[0])
        if kind == _ANY:
            return
        if kind == _ITEM:
            known = len(parts) == 1 or (len(parts) == 2 and parts[1] in ITEM_FIELDS)  # noqa: PLR2004 - item.field
            allowed = [f"{parts[0]}.{name}" for name in ITEM_FIELDS]
        else:
            known = _is_known(written)
            allowed = [*sorted(names()), *(name for name in scope if scope[name] != _ANY)]
        if not known:
            self._found.append(
                f"{_at(path.token, self._source)}unknown placeholder `{written}`"
                f"{_suggestion(written, allowed)}"
            )


def _is_known(written: str) -> bool:
    if written in names() or any(name.startswith(f"{written}.") for name in names()):
        return True
    base, _, last = written.rpartition(".")
    return base == "order.items" and last in _OF_LISTS


def _suggestion(name: str, allowed: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean `{near[0]}`?" if near else ""
