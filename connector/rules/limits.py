"""What a shop can do, as far as rules need to know."""

from dataclasses import dataclass

from connector.ports import Capability


@dataclass(frozen=True, slots=True)
class ShopLimits:
    """What a rule of a shop may ask for; what it lacks is refused when saved.

    Attributes:
        platform: like the adapter's name.
        statuses: the platform's own words for order states.
        currency: of the shop; empty when not known yet.
        channels: ways to send messages; templates: names of message templates; None
            takes any.
    """

    platform: str
    capabilities: frozenset[Capability]
    statuses: tuple[str, ...] = ()
    currency: str = ""
    channels: frozenset[str] | None = None
    templates: frozenset[str] | None = None
