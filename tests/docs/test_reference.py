"""The documentation says what the code does, and links lead somewhere."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from adapters.catalogue import CATALOGUE
from connector.model.effect import EffectState, Verdict
from connector.model.event import OccurrenceKind
from connector.model.order import FulfillmentState, OrderState, PaymentState
from connector.ports import Capability
from connector.rules.fields import field_list
from connector.settings import SETTINGS
from connector.storage.records import DeliveryState
from tests.web.cli import Cli
from webhooks.cli.main import main
from webhooks.exports import WHAT

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def _writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "write_reference", ROOT / "tools" / "write_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WRITER = _writer()


def _texts() -> list[Path]:
    """List the files of the repository; of a copy without git all that are no caches."""
    if not (ROOT / ".git").exists():
        hidden = re.compile(r"(^|/)(\.(?!ci)[^/]*|data|build|__pycache__|[^/]+\.egg-info)/")
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
        return [ROOT / name for name in sorted(names) if not hidden.search(name)]
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the developer's git
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


TRACKED = _texts()
PAGES = [path for path in TRACKED if path.suffix == ".md"]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(WRITER.PAGES))
def test_generated_pages_are_up_to_date(name: str) -> None:
    """Writing a page again changes nothing; if it does, run `make reference`."""
    assert _page(name) == WRITER.PAGES[name]()


def test_every_command_is_documented() -> None:
    """Each command has its own heading and each of its options a row."""
    page = _page("commands.md")
    for name, command in WRITER.walk(main):
        assert f"## {name}\n" in page
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert f"`{parameter.opts[-1]}`" in page


def test_every_name_is_documented() -> None:
    """Each setting, field, occurrence and capability stands in its page."""
    settings, fields = _page("settings.md"), _page("fields.md")
    assert [one.variable for one in SETTINGS if f"`{one.variable}`" not in settings] == []
    assert [one["name"] for one in field_list() if f"`{one['name']}`" not in fields] == []
    occurrences, capabilities = _page("occurrences.md"), _page("capabilities.md")
    assert [kind for kind in OccurrenceKind if f"`{kind}`" not in occurrences] == []
    assert [one for one in Capability if f"`{one}`" not in capabilities] == []
    titles = [entry.load().info.title for entry in CATALOGUE if entry.kind in {"shops", "channels"}]
    assert [title for title in titles if title not in capabilities] == []


def test_every_state_is_documented() -> None:
    """Each word that an export can hold stands in the page about output."""
    page = _page("output.md")
    for words in (OrderState, PaymentState, FulfillmentState, EffectState, Verdict, DeliveryState):
        assert [word for word in words if word not in page] == []


def test_output_page_names_every_key(tmp_path: Path) -> None:
    """Each key of a status, an order line and the other lines stands in the page."""
    page = _page("output.md")
    status = Cli(tmp_path).data("status")
    example = re.search(r"## `status --json`\n\n```json\n(.*?)```", page, re.DOTALL)
    assert example is not None
    shown = json.loads(example[1])
    assert shown.keys() == status.keys()
    for part in ("storage", "inbox", "effects"):
        assert shown[part].keys() == status[part].keys()


def _keys_written(source: str) -> set[str]:
    return set(re.findall(r'^\s+"([a-z_]+)": ', source, re.MULTILINE))


def test_export_page_names_every_key() -> None:
    """Each key that the exports write stands in the page about output."""
    source = (ROOT / "webhooks" / "exports.py").read_text(encoding="utf-8")
    page = _page("output.md")
    written = _keys_written(source) - set(WHAT)
    assert [key for key in sorted(written) if f"`{key}`" not in page] == []


def test_bad_input_page_quotes_real_messages() -> None:
    """Each message that the page quotes stands in the code, word for word."""
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("connector", "adapters", "webhooks")
        for path in sorted((ROOT / folder).rglob("*.py"))
    )
    code = re.sub(r'"\s+f?"', "", code)
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in _page("bad-input.md").splitlines()
        if line.startswith("| ")
    ]
    quoted = [
        part
        for row in rows
        for text in re.findall(r"`([^`]+)`", row[1])
        for part in re.split("…|ID", text)
        if " " in part.strip()
    ]
    assert len(quoted) > 20
    assert [part for part in quoted if part.strip() not in code] == []


def _documents() -> list[Any]:
    return [pytest.param(path, id=_name(path)) for path in PAGES]


@pytest.mark.parametrize("path", _documents())
def test_links_lead_somewhere(path: Path) -> None:
    """Each relative link of a page leads to a file or folder that is there."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    missing = [
        target
        for target in targets
        if not re.match(r"[a-z]+:|#", target)
        and not (path.parent / target.partition("#")[0]).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("path", _documents())
def test_commands_in_pages_exist(path: Path) -> None:
    """Each `postventa …` that a page tells to run is a command, with options it has."""
    known = dict(WRITER.walk(main))
    groups = {"postventa"} | {
        " ".join(name.split()[:length]) for name in known for length in range(2, len(name.split()))
    }
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for found in re.findall(r"(?:`|\$ |^\s*)(postventa(?: [^`\n]+)?)", text, re.MULTILINE):
        words = found.split()
        name = words[0]
        for word in words[1:]:
            if f"{name} {word}" not in known and f"{name} {word}" not in groups:
                break
            name = f"{name} {word}"
        if len(words) > 1 and re.fullmatch(r"[a-z-]+", words[1]):
            assert name != "postventa", f"{_name(path)}: no such command: {found}"
        if name not in known:
            continue
        there = {opt for parameter in known[name].params for opt in parameter.opts} | {"--help"}
        used = {re.split("[=,.;:)]", word)[0] for word in words if word.startswith("--")}
        assert used <= there, f"{_name(path)}: {found}"


def test_comments_name_no_issue() -> None:
    """No comment of the code refers to an issue by its number."""
    pattern = re.compile(r"#\s.*(?:\bissue\s*#?\d+|\(#\d+\)|\bfixes\s+#\d+)", re.IGNORECASE)
    found = [
        f"{_name(path)}:{number}"
        for path in TRACKED
        if path.suffix == ".py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []
