"""What texts need to know of a shop."""

from typing import Protocol


class ShopWords(Protocol):
    """What texts need to know of a shop; the rules' view of a shop has it all."""

    @property
    def name(self) -> str:
        """Tell the shop's name."""
        ...

    @property
    def url(self) -> str:
        """Tell the shop's address on the web."""
        ...

    @property
    def contact(self) -> str:
        """Tell where buyers reach a person: an e-mail address or a number."""
        ...

    @property
    def currency(self) -> str:
        """Tell the shop's currency."""
        ...

    @property
    def timezone(self) -> str:
        """Tell the shop's zone, an IANA name."""
        ...

    @property
    def country(self) -> str:
        """Tell the shop's country, two letters."""
        ...

    @property
    def locale(self) -> str:
        """Tell the shop's language, like `es_ES`."""
        ...
