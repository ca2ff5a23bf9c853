"""What the actions of a rule are checked against."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.errors import MessageInvalid
from connector.messages.render import check as check_template
from connector.messages.render import uses
from connector.model.money import exponent
from connector.ports import Capability
from connector.rules.limits import ShopLimits
from connector.rules.nodes import Node
from connector.rules.problems import Problems
from connector.rules.rule import LocalText

CheckText = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Context:
    """What the actions of one file are checked against; no shop means any."""

    problems: Problems
    shop: ShopLimits | None = None
    check_text: CheckText = check_template

    @property
    def places(self) -> int | None:
        """Tell how many decimals the shop's money has; None when not known."""
        return exponent(self.shop.currency) if self.shop and self.shop.currency else None

    def needs(self, line: int | None, capability: Capability, what: str, instead: str) -> None:
        """Note a problem when the shop lacks a capability."""
        if self.shop is not None and capability not in self.shop.capabilities:
            self.problems.add(line, f"a {self.shop.platform} shop cannot {what}: {instead}")

    def liquid(self, node: Node, text: LocalText, what: str) -> None:
        """Check the placeholders and the syntax of a text."""
        for source in dict.fromkeys((text.es, text.en)):
            for problem in self.check_text(source):
                self.problems.add(node.line, f"in {what}: {problem}")


def names_coupon(text: LocalText | None) -> bool:
    """Tell whether a text names the discount code; one that is broken does not."""
    if text is None:
        return False
    try:
        return any(uses(source, "coupon") for source in (text.es, text.en))
    except MessageInvalid:
        return False
