"""Read the message action of a rule."""

from collections.abc import Mapping
from typing import Final

from connector.model.message import MessageClass
from connector.rules.context import Context, names_coupon
from connector.rules.nodes import Node
from connector.rules.problems import unknown
from connector.rules.reading import choice_of, keys_of, local_text_of, text_of
from connector.rules.rule import LocalText, MessageAction

_KEYS: Final = ("template", "channel", "class", "subject", "body")
_LETTERS: Final = {"subject": 200, "body": 20_000}


def read_message(node: Node, context: Context) -> MessageAction:
    """Read a message: from a template, or from texts of the rule's own."""
    problems = context.problems
    found = keys_of(node, problems, "message", _KEYS, ("class",))
    message_class = MessageClass.SERVICE
    if "class" in found:
        message_class = MessageClass(choice_of(found["class"], problems, "class", MessageClass))
    channel = _channel(node, found, context)
    template = _template(found, context)
    texts = {key: _text(key, found[key], context) for key in _LETTERS if key in found}
    if template is None and len(texts) < len(_LETTERS):
        problems.add(node.line, 'message needs a "template", or "subject" and "body"')
    if message_class is MessageClass.SERVICE and any(map(names_coupon, texts.values())):
        problems.add(
            node.line, "a message that hands out a coupon is an offer: write class: marketing"
        )
    return MessageAction(message_class, channel, template, texts.get("subject"), texts.get("body"))


def _channel(node: Node, found: Mapping[str, Node], context: Context) -> str:
    written = found.get("channel")
    channel = "email"
    if written is not None:
        channel = text_of(written, context.problems, "channel", most=40)
    known = context.shop.channels if context.shop is not None else None
    if channel and known is not None and channel not in known:
        line = node.line if written is None else written.line
        context.problems.add(line, unknown("channel", channel, sorted(known)))
    return channel


def _template(found: Mapping[str, Node], context: Context) -> str | None:
    written = found.get("template")
    if written is None:
        return None
    template = text_of(written, context.problems, "template", most=60)
    known = context.shop.templates if context.shop is not None else None
    if template and known is not None and template not in known:
        context.problems.add(written.line, unknown("template", template, sorted(known)))
    return template


def _text(key: str, node: Node, context: Context) -> LocalText:
    what = f"{key} of message"
    text = local_text_of(node, context.problems, what, most=_LETTERS[key])
    context.liquid(node, text, what)
    if key == "subject" and any("\n" in source for source in (text.es, text.en)):
        context.problems.add(node.line, f"{what} must be one line")
    return text
