"""Take out of foreign text what could disturb a page, a mail or a reader."""

import re
from typing import Final

# Control characters, marks that turn the reading direction, and the private letters
# that the markup uses as stand-ins. The joiners of emoji stay.
_NOT_PRINTED: Final = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\u00ad\ufeff\ufff9-\uffff\ue000-\uf8ff\ud800-\udfff]"
)
_LINE_ENDS: Final = re.compile("\r\n|[\r\u2028\u2029]")
_SPACES: Final = re.compile("[ \\t\\n]+")


def clean_text(text: str) -> str:
    """Drop control and direction marks; keep lines and tabs."""
    return _NOT_PRINTED.sub("", _LINE_ENDS.sub("\n", text))


def clean_line(text: str, limit: int = 300) -> str:
    """Make one line of a text, cut with an ellipsis.

    Args: limit: characters, the ellipsis included.
    """
    line = _SPACES.sub(" ", clean_text(text)).strip(" ")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
