"""Write the zip of the WordPress plugin into `build/plugin`, or into the folder that is named."""

from __future__ import annotations

import sys
from pathlib import Path

from adapters.shops.woocommerce.plugin_zip import plugin_zip, zip_name

TARGET = Path(__file__).resolve().parent.parent / "build/plugin"


def build(target: Path = TARGET) -> Path:
    """Write the zip and give its path."""
    target.mkdir(parents=True, exist_ok=True)
    path = target / zip_name()
    path.write_bytes(plugin_zip())
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{build(*map(Path, sys.argv[1:2]))}\n")
