"""Every adapter is in the list, and every one passes its contract."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from adapters.catalogue import CATALOGUE, Entry, load_channel, load_shop, names
from connector.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
CONTRACTS = {
    "shops": "ShopContract",
    "channels": "ChannelContract",
    "bells": "BellContract",
    "storage": "StorageContract",
}


def folders(root: Path) -> set[tuple[str, str]]:
    """Find the adapters in a tree: the folders two levels down; the store is one by itself."""
    found = {
        (folder.parent.name, folder.name)
        for folder in (root / "adapters").glob("*/*/")
        if (folder / "__init__.py").exists() and folder.parent.name != "storage"
    }
    if (root / "adapters" / "storage" / "__init__.py").exists():
        found.add(("storage", "storage"))
    return found


def bases(file: Path) -> Iterator[str]:
    """Name the classes that the test classes of a file build on."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            for base in node.bases:
                yield base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")


def has_suite(root: Path, entry: Entry) -> bool:
    """Tell whether a test file of the adapter has a class that builds on its contract."""
    pattern = "test_*.py" if entry.kind == "storage" else f"test_{entry.name}*.py"
    files = (root / "tests" / "adapters" / entry.kind).glob(pattern)
    return any(CONTRACTS[entry.kind] in bases(file) for file in files)


def problems(root: Path, catalogue: Sequence[Entry]) -> list[str]:
    """Compare list, folders and suites."""
    listed = {(entry.kind, entry.name) for entry in catalogue}
    found = folders(root)
    texts = [f"{kind}/{name} is not listed" for kind, name in sorted(found - listed)]
    texts += [f"{kind}/{name} has no folder" for kind, name in sorted(listed - found)]
    texts += [
        f"{entry.kind}/{entry.name} has no suite"
        for entry in catalogue
        if not has_suite(root, entry)
    ]
    return texts


def test_every_adapter_is_listed_and_has_its_suite() -> None:
    """The list, the folders and the contract suites name the same adapters."""
    assert problems(ROOT, CATALOGUE) == []


def test_every_entry_loads() -> None:
    """Each line of the list leads to a class that says the same name of itself."""
    for entry in CATALOGUE:
        loaded = entry.load()
        assert isinstance(loaded, type)
        if entry.kind in {"shops", "channels"}:
            assert loaded.info.name == entry.name


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    """Who asks for an adapter that is not there is told which are."""
    with pytest.raises(ConfigurationError, match="woocommerce, shopify"):
        load_shop("magento")
    with pytest.raises(ConfigurationError, match="smtp, demo"):
        load_channel("pigeon")
    assert names("shops") == ("woocommerce", "shopify")


def tree(root: Path, *, suite: str) -> Path:
    """Make a small tree with one shop adapter."""
    folder = root / "adapters" / "shops" / "acme"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    tests = root / "tests" / "adapters" / "shops"
    tests.mkdir(parents=True)
    (tests / "test_acme.py").write_text(suite)
    return root


ACME = Entry("shops", "acme", "adapters.shops.acme.adapter", "AcmeAdapter")


@pytest.mark.parametrize(
    ("suite", "catalogue", "expected"),
    [
        ("class TestAcme(ShopContract): ...", [ACME], []),
        ("class TestAcme(ShopContract): ...", [], ["shops/acme is not listed"]),
        ("class TestAcme: ...", [ACME], ["shops/acme has no suite"]),
        ("class Helper(ShopContract): ...", [ACME], ["shops/acme has no suite"]),
        ("# class TestAcme(ShopContract)", [ACME], ["shops/acme has no suite"]),
        ("class TestAcme(ChannelContract): ...", [ACME], ["shops/acme has no suite"]),
    ],
)
def test_the_comparison_bites(
    tmp_path: Path, suite: str, catalogue: list[Entry], expected: list[str]
) -> None:
    """A folder that is not listed, or an adapter without its suite, is named."""
    assert problems(tree(tmp_path, suite=suite), catalogue) == expected


def test_a_line_without_folder_is_named(tmp_path: Path) -> None:
    """A line for an adapter that is not there is named, and so is its suite."""
    root = tree(tmp_path, suite="class TestAcme(ShopContract): ...")
    ghost = Entry("shops", "ghost", "adapters.shops.ghost", "Ghost")
    assert problems(root, [ACME, ghost]) == [
        "shops/ghost has no folder",
        "shops/ghost has no suite",
    ]
