"""The texts of the pages: one file a language, the same keys in each."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = ("es", "en")
_FOLDER: Final = Path(__file__).parent


class Words:
    """The texts of one language.

    Args: code: `es` or `en`.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self._texts = catalog(code)

    def __call__(self, key: str, **values: Any) -> str:
        """Give a text with its values filled in."""
        return self._texts[key].format_map(values)

    def of(self, group: str, name: Any) -> str:
        """Give the word for a name of a closed list; the name itself when it is new."""
        return self._texts.get(f"{group}.{str(name).replace('.', '_')}", str(name))

    def has(self, key: str) -> bool:
        """Tell whether there is such a text."""
        return key in self._texts


@cache
def catalog(code: str) -> Mapping[str, str]:
    """Read a language: `table.key` to text."""
    data = tomllib.loads((_FOLDER / f"{code}.toml").read_text(encoding="utf-8"))
    return {f"{group}.{key}": text for group, texts in data.items() for key, text in texts.items()}


@cache
def words_of(code: str) -> Words:
    """Give the texts of a language; Spanish for one that we do not have."""
    return Words(code if code in LANGUAGES else LANGUAGES[0])


def known_language(text: str | None) -> str:
    """Read a locale like `en-GB`; empty when it is of no language of ours."""
    code = (text or "").replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES else ""
