"""Who buys in the demo, and what."""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Buyer:
    """One person; each has a phone of their own, since phones tell people apart."""

    first_name: str
    last_name: str
    email: str
    phone: str
    locale: str = "es-ES"
    city: str = "Girona"
    country: str = "ES"

    @property
    def name(self) -> str:
        """Give the full name."""
        return f"{self.first_name} {self.last_name}"

    def order(self, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Write an order of this buyer for the checkout of a pretend shop."""
        return {
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "phone": self.phone,
            "locale": self.locale,
            "city": self.city,
            "country": self.country,
            "lines": list(lines),
            **more,
        }


ANA: Final = Buyer("Ana", "Ruiz", "ana.ruiz@example.com", "+34600111001")
LUIS: Final = Buyer("Luis", "Ortega", "luis.ortega@example.com", "+34600111002", city="Sevilla")
EMILY: Final = Buyer(
    "Emily", "Carter", "emily.carter@example.com", "+447700900003", "en-GB", "Leeds", "GB"
)
MARTA: Final = Buyer("Marta", "Vidal", "marta.vidal@example.com", "+34600111004")
CARLOS: Final = Buyer("Carlos", "Peña", "carlos.pena@example.com", "+34600111005", city="Vigo")
SOFIA: Final = Buyer("Sofía", "Núñez", "sofia.nunez@example.com", "+34600111006", city="Cádiz")
NURIA: Final = Buyer("Nuria", "Soler", "nuria.soler@example.com", "+34600111007")
JAMES: Final = Buyer(
    "James", "Walsh", "james.walsh@example.com", "+353850000008", "en-IE", "Cork", "IE"
)

MUG: Final = {"sku": "TAZA-1", "name": "Taza de cerámica", "quantity": 2, "price": "14.90"}
PLATES: Final = {"sku": "PLATO-JGO", "name": "Juego de platos", "quantity": 1, "price": "39.00"}
TEA: Final = {"sku": "TE-VERDE", "name": "Té verde 100 g", "quantity": 3, "price": "8.50"}
TEAPOT: Final = {"sku": "TETERA-1", "name": "Teapot", "quantity": 1, "price": "32.00"}
