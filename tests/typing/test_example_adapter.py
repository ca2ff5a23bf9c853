"""The ports as a type checker sees them: the example fits, one without a verb does not."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from connector.ports import ChannelAdapter, ShopAdapter

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(__file__).with_name("example_adapter.py")


def verbs(port: type) -> list[str]:
    """List the verbs of a port."""
    return [name for name, what in vars(port).items() if callable(what) and name[0] != "_"]


SHOP = [("ExampleShop", verb) for verb in verbs(ShopAdapter)]
MISSING = [*SHOP, ("ExampleChannel", "send"), ("ExampleShop", "info"), ("ExampleChannel", "info")]


def without(class_name: str, member: str) -> str:
    """Write the example anew without one member."""
    tree = ast.parse(EXAMPLE.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            kept = [
                part
                for part in node.body
                if getattr(part, "name", "") != member
                and not (isinstance(part, ast.AnnAssign) and ast.unparse(part.target) == member)
            ]
            assert len(kept) == len(node.body) - 1
            node.body = kept
    return ast.unparse(tree)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run mypy once over the example and all its mutilated copies; sort what it says."""
    folder = tmp_path_factory.mktemp("typing")
    paths = [EXAMPLE]
    for class_name, member in MISSING:
        path = folder / f"{class_name.lower()}_without_{member}.py"
        path.write_text(without(class_name, member), encoding="utf-8")
        paths.append(path)
    forgets = EXAMPLE.read_text(encoding="utf-8").replace(" | SetMeta()", "")
    paths.append(folder / "forgets_a_write.py")
    paths[-1].write_text(forgets, encoding="utf-8")
    ended = subprocess.run(  # noqa: S603 - the type checker of this very environment
        [
            *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary"),
            *("--cache-dir", folder / "cache", *paths),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    said = {path.stem: "" for path in paths}
    for line in ended.stdout.splitlines():
        said[Path(line.split(":")[0]).stem] += line.split(": ", 1)[1] + "\n"
    return said


def test_example_fits(complaints: dict[str, str]) -> None:
    """The smallest adapters type-check strictly against the ports."""
    assert complaints["example_adapter"] == ""


@pytest.mark.parametrize(("class_name", "member"), MISSING)
def test_missing_member_is_seen(class_name: str, member: str, complaints: dict[str, str]) -> None:
    """An adapter that misses any one member of its port does not type-check."""
    said = complaints[f"{class_name.lower()}_without_{member}"]
    assert f'"{class_name}" is missing following' in said or f'has no attribute "{member}"' in said


def test_forgotten_write_is_seen(complaints: dict[str, str]) -> None:
    """An adapter that forgets one kind of write does not type-check."""
    assert "assert_never" in complaints["forgets_a_write"]
    assert "SetMeta" in complaints["forgets_a_write"]


def test_ports_have_the_verbs_of_the_style_page() -> None:
    """The verbs that others build on are still there."""
    assert set(verbs(ShopAdapter)) >= {
        *("verify", "key", "lane", "parse", "fetch_order", "orders_changed_since"),
        *("find", "write", "register_webhooks", "check_webhooks", "remove_webhooks"),
    }
    assert verbs(ChannelAdapter) == ["send"]
