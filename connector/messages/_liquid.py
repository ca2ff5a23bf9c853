"""Liquid with the doors closed: few tags, few filters, and a budget."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TextIO

from liquid import BoundTemplate, Environment, FalsyStrictUndefined, RenderContext, Token
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import FilterArgumentError, FilterValueError, ResourceLimitError
from liquid.stringify import to_liquid_string

from connector.messages.clean import clean_text

MAX_SOURCE: Final = 64 * 1024
MAX_OUTPUT: Final = 256 * 1024
MAX_LOOPS: Final = 5_000
MAX_SECONDS: Final = 1.0
_MAX_NUMBER: Final = 10**15

TAGS: Final = frozenset(
    "# assign break capture case comment continue for if unless".split()  # noqa: SIM905 - reads better
)
_INNER_TAGS: Final = frozenset({"content", "illegal", "output"})
FILTERS: Final = frozenset(
    (  # noqa: SIM905 - reads better
        "abs append at_least at_most capitalize ceil default divided_by downcase first floor join "
        "last lstrip map minus modulo plus prepend remove remove_first replace replace_first round "
        "rstrip size slice split squish strip strip_newlines times truncate truncatewords upcase"
    ).split()
)


class _Context(RenderContext):
    """A context that stops when the text costs too much."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Time this thread worked, not time that passed: a busy machine is no fault of the text.
        self._stop_at = time.thread_time() + MAX_SECONDS

    def spend(self) -> None:
        """Stop when the time is used up."""
        if time.thread_time() > self._stop_at:
            raise ResourceLimitError("the text takes too long to render", token=None)

    def get(self, path: list[object], *, token: Token | None, default: object = ...) -> object:
        self.spend()
        if default is ...:
            return super().get(path, token=token)
        return super().get(path, token=token, default=default)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        self.spend()
        return super().filter(name, token)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.spend()
        super().raise_for_loop_limit(length)


class _Template(BoundTemplate):
    """A template that renders within the budget."""

    context_class = _Context


class _Undefined(FalsyStrictUndefined):
    """What is not there: false in a condition, `default` fills it, else an error."""

    __slots__ = ()
    force_liquid_default = True


def _written(value: object) -> str:
    """Write a value; a whole record has no text of its own."""
    record = isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, dict) for item in value)
    )
    if record:
        raise FilterValueError("this is a record, not a text: name one field of it", token=None)
    return to_liquid_string(value, autoescape=False)


class _CleanNode(OutputNode):
    """An output of which control and direction marks are taken away."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(clean_text(_written(self.expression.evaluate(context))))


class _CleanOutput(Output):
    node_class = _CleanNode


class _ShieldedNode(OutputNode):
    """An output that cannot be taken for markup."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(shield(_written(self.expression.evaluate(context))))


class _ShieldedOutput(Output):
    node_class = _ShieldedNode


# Signs that the markup reads have stand-ins in the private area of Unicode; cleaning
# takes such letters out of all foreign text, so nobody can smuggle one in.
_STAND_INS: Final = {ord(sign): 0xE000 + ord(sign) for sign in "*[]()|#>-"}
_SIGNS: Final = {stand_in: sign for sign, stand_in in _STAND_INS.items()}


def shield(text: str) -> str:
    """Make one line of a value, its markup signs replaced by stand-ins."""
    # A captured piece is shielded already: its stand-ins outlive the cleaning.
    cleaned = clean_text(text.translate(_SIGNS)).replace("\n", " ")
    return cleaned.translate(_STAND_INS)


def unshield(text: str) -> str:
    """Put the signs back in place of their stand-ins."""
    return text.translate(_SIGNS)


def _limited(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a filter so that it can neither take nor make something huge."""

    def wrapped(left: Any, *args: Any, **kwargs: Any) -> Any:
        sizes = [_size(value) for value in (left, *args, *kwargs.values())]
        if name.startswith("replace") and len(args) > 1:
            _bound(_replaced_size(str(left), str(args[0]), str(args[1])))
        if name == "join":
            separator = len(str(args[0])) if args else 1
            _bound(sum(_size(item) + separator for item in left) if _is_list(left) else 0)
        _bound(sum(sizes))
        result = function(left, *args, **kwargs)
        _bound(_size(result))
        return result

    # The engine reads these marks to know what else to hand over.
    for mark in ("with_context", "with_environment"):
        if getattr(function, mark, False):
            setattr(wrapped, mark, True)
    return wrapped


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _size(value: object) -> int:
    if isinstance(value, int | float) and not abs(value) < _MAX_NUMBER:
        raise FilterValueError("the number is too large", token=None)
    if isinstance(value, range) and len(value) > MAX_LOOPS:
        raise FilterArgumentError("the range is too long", token=None)
    return len(value) if isinstance(value, str | list | tuple | range) else 0


def _bound(size: int) -> None:
    if size > MAX_OUTPUT:
        raise ResourceLimitError("the text grows too long", token=None)


def _replaced_size(text: str, old: str, new: str) -> int:
    times = text.count(old) if old else len(text) + 1
    return len(text) + times * len(new)


class _Environment(Environment):
    """The closed environment; it has no loader, so no text can name a file."""

    template_class = _Template
    block_nesting_limit = 20
    loop_iteration_limit = MAX_LOOPS
    local_namespace_limit = MAX_OUTPUT
    output_stream_limit = MAX_OUTPUT

    def __init__(self, output: type[Output]) -> None:
        super().__init__(undefined=_Undefined, strict_filters=True, autoescape=False)
        self.add_tag(output)
        for name in set(self.tags) - TAGS - _INNER_TAGS:
            del self.tags[name]
        for name in list(self.filters):
            function = self.filters.pop(name)
            if name in FILTERS:
                self.filters[name] = _limited(name, function)


PLAIN: Final = _Environment(_CleanOutput)
MARKUP: Final = _Environment(_ShieldedOutput)
