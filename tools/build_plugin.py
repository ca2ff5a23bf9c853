"""Build the zip of the WordPress plugin: the same bytes from the same files, everywhere.

Translations are compiled from `.po` to the `.mo` that WordPress reads; the zip holds the
folder `postventa/` with sorted names, one date and one set of rights.
"""

from __future__ import annotations

import ast
import re
import struct
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "adapters/shops/woocommerce/wordpress_plugin"
TARGET = ROOT / "build/plugin"
FOLDER = "postventa"
DATE = (2026, 1, 1, 0, 0, 0)
LEFT_OUT = frozenset({"README.md"})
MO_MAGIC = 0x950412DE


def version() -> str:
    """Read the version from the plugin's header."""
    text = (SOURCE / "postventa.php").read_text(encoding="utf-8")
    found = re.search(r"^ \* Version: (\S+)$", text, re.MULTILINE)
    if found is None:
        raise SystemExit("build_plugin: the header of postventa.php has no version")
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
    head = 28
    at = head + 16 * len(pairs)
    tables: list[bytes] = []
    data = b""
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<II", len(pair[column]), at + len(data)))
            data += pair[column] + b"\0"
    starts = struct.pack("<IIIIIII", MO_MAGIC, 0, len(pairs), head, head + 8 * len(pairs), 0, at)
    return starts + b"".join(tables) + data


def files() -> dict[str, bytes]:
    """Give what the zip holds: names below the folder, and contents."""
    found = {
        path.relative_to(SOURCE).as_posix(): path.read_bytes()
        for path in SOURCE.rglob("*")
        if path.is_file() and path.name not in LEFT_OUT and not path.name.startswith(".")
    }
    for name in [name for name in found if name.endswith(".po")]:
        texts = read_po(found[name].decode("utf-8"))
        found[name.removesuffix(".po") + ".mo"] = write_mo(texts)
    return found


def build(target: Path = TARGET) -> Path:
    """Write the zip and give its path."""
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"postventa-woocommerce-{version()}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in sorted(files().items()):
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}", DATE)
            entry.compress_type = zipfile.ZIP_STORED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{build().relative_to(ROOT)}\n")
