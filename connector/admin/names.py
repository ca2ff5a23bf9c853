"""What may be a user's name, and its comparable form."""

import unicodedata
from typing import Final

from connector.errors import ConfigurationError

_MOST: Final = 120


def normal_name(text: str) -> str:
    """Bring a name into its comparable form: composed, without case, no spaces at the ends."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def new_name(text: str) -> str:
    """Read the name of a new user.

    Raises: ConfigurationError: it cannot be one.
    """
    name = normal_name(text)
    if not name or len(name) > _MOST or not name.isprintable() or any(map(str.isspace, name)):
        raise ConfigurationError(
            f"A user's name has 1 to {_MOST} letters and no spaces; a mail address is a good one."
        )
    return name
