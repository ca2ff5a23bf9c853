"""The zip of the WordPress plugin: the same bytes from the same files, everywhere.

Translations are compiled from `.po` to the `.mo` that WordPress reads; the zip holds the
folder `postventa/` with sorted names, one date and one set of rights.
"""

import ast
import io
import re
import struct
import zipfile
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent / "wordpress_plugin"
_FOLDER: Final = "postventa"
_DATE: Final = (2026, 1, 1, 0, 0, 0)
_MO_MAGIC: Final = 0x950412DE
# Byte offset of the first table: seven numbers of four bytes stand before it.
_MO_HEAD: Final = 28


def version() -> str:
    """Read the version from the plugin's header."""
    text = (SOURCE / "postventa.php").read_text(encoding="utf-8")
    found = re.search(r"^ \* Version: (\S+)$", text, re.MULTILINE)
    if found is None:
        raise ValueError("the header of postventa.php has no version")
    return found[1]


def read_po(text: str) -> dict[str, str]:
    """Read msgid and msgstr of a `.po` file; other lines are comments."""
    found: dict[str, str] = {}
    parts: dict[str, str] = {"msgid": "", "msgstr": ""}
    now = ""
    for line in [*text.splitlines(), 'msgid ""']:
        if line.startswith("msgid ") and now == "msgstr":
            found[parts["msgid"]] = parts["msgstr"]
            parts = {"msgid": "", "msgstr": ""}
        for name in parts:
            if line.startswith(f"{name} "):
                now = name
                parts[name] += ast.literal_eval(line.removeprefix(f"{name} "))
        if line.startswith('"'):
            parts[now] += ast.literal_eval(line)
    return found


def write_mo(texts: dict[str, str]) -> bytes:
    """Write texts in the form of GNU gettext's `.mo`, sorted, without a hash table."""
    pairs = sorted((key.encode(), value.encode()) for key, value in texts.items() if value)
    at = _MO_HEAD + 16 * len(pairs)
    tables: list[bytes] = []
    data = b""
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<II", len(pair[column]), at + len(data)))
            data += pair[column] + b"\0"
    starts = struct.pack(
        "<IIIIIII", _MO_MAGIC, 0, len(pairs), _MO_HEAD, _MO_HEAD + 8 * len(pairs), 0, at
    )
    return starts + b"".join(tables) + data


def files() -> dict[str, bytes]:
    """Give what the zip holds: names below the folder, and contents."""
    found = {
        path.relative_to(SOURCE).as_posix(): path.read_bytes()
        for path in SOURCE.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    for name in [name for name in found if name.endswith(".po")]:
        texts = read_po(found[name].decode("utf-8"))
        found[name.removesuffix(".po") + ".mo"] = write_mo(texts)
    return found


def zip_name() -> str:
    """Name the zip, with the version."""
    return f"postventa-woocommerce-{version()}.zip"


def plugin_zip() -> bytes:
    """Build the zip."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in sorted(files().items()):
            entry = zipfile.ZipInfo(f"{_FOLDER}/{name}", _DATE)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return held.getvalue()
