"""The texts of the install pages, in Spanish and English."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = ("es", "en")
_FOLDER: Final = Path(__file__).parent / "words"


@cache
def catalog(language: str) -> dict[str, Any]:
    """Read the texts of one language."""
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def text(language: str, *path: str) -> str:
    """Give one text; empty when there is none."""
    found: Any = catalog(language)
    for name in path:
        found = found.get(name, "") if isinstance(found, dict) else ""
    return found if isinstance(found, str) else ""


def language_of(wanted: str) -> str:
    """Choose a language from a locale or an Accept-Language header; English when unsure."""
    for part in wanted.lower().replace("_", "-").split(","):
        first = part.strip().partition(";")[0].partition("-")[0]
        if first in LANGUAGES:
            return first
    return "en"
