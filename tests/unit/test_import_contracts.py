"""The import contracts hold, and each of them breaks when it should."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("connector", "adapters", "webhooks")

# Contract, the module that sins, and what it imports.
SINS = [
    ("layers", "connector/model/money.py", "adapters.catalogue"),
    ("layers", "connector/signing.py", "webhooks.urls"),
    ("layers", "adapters/catalogue.py", "webhooks.logs"),
    ("pure-core", "connector/signing.py", "flask"),
    ("pure-core", "connector/rules/engine.py", "sqlalchemy"),
    ("pure-core", "connector/jobs/retry.py", "requests.adapters"),
    ("pure-core", "connector/storage/port.py", "sqlite3"),
    ("flask-at-the-edge", "adapters/shops/shopify/adapter.py", "flask"),
    ("adapters-apart", "adapters/shops/shopify/client.py", "adapters.shops.woocommerce.client"),
    ("adapters-apart", "adapters/channels/smtp/adapter.py", "adapters.channels.demo.adapter"),
    ("adapters-apart", "adapters/channels/demo/adapter.py", "adapters.shops.shopify.adapter"),
    ("honest-sandbox", "webhooks/sandbox/sender.py", "connector.signing"),
    ("honest-sandbox", "webhooks/sandbox/shopify/shop.py", "adapters.shops.shopify.webhook"),
    ("honest-sandbox", "webhooks/sandbox/woocommerce/auth.py", "connector.model.money"),
]


def contracts() -> list[str]:
    """List the contracts of setup.cfg."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    mark = "importlinter:contract:"
    return [name.removeprefix(mark) for name in config.sections() if name.startswith(mark)]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the modules of the three packages and the contracts."""
    folder = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    shutil.copyfile(ROOT / "setup.cfg", folder / "setup.cfg")
    return folder


def lint(tree: Path, *contract: str) -> subprocess.CompletedProcess[str]:
    """Run the linter over a tree."""
    only = [word for name in contract for word in ("--contract", name)]
    return subprocess.run(  # noqa: S603 - the linter of this very environment
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo", *only],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def planted(path: Path, line: str) -> Iterator[None]:
    """Add a line at the end of a module for a while."""
    before = path.read_bytes()
    path.write_bytes(before + f"\n{line}\n".encode())
    try:
        yield
    finally:
        path.write_bytes(before)


def test_all_contracts_hold(tree: Path) -> None:
    """Nothing in the packages breaks a contract."""
    ended = lint(tree)
    assert ended.returncode == 0, ended.stdout
    assert f"Contracts: {len(contracts())} kept, 0 broken." in ended.stdout


def test_every_contract_is_tried() -> None:
    """There are five contracts, and each has a sin below."""
    assert sorted({contract for contract, _, _ in SINS}) == sorted(contracts())
    assert len(contracts()) == 5


@pytest.mark.parametrize(("contract", "module", "imports"), SINS)
def test_contract_bites(contract: str, module: str, imports: str, tree: Path) -> None:
    """A forbidden import breaks the contract it belongs to, and the module is named."""
    with planted(tree / module, f"import {imports}"):
        ended = lint(tree, contract)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Contracts: 0 kept, 1 broken." in ended.stdout
    assert module.removesuffix(".py").replace("/", ".") in ended.stdout


def test_import_inside_a_function_counts(tree: Path) -> None:
    """An import that is hidden in a function breaks the contract as well."""
    with planted(tree / "connector/signing.py", "def late() -> None:\n    import flask"):
        assert lint(tree, "pure-core").returncode == 1
