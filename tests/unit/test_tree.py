"""The tree: short modules, told packages, a whole wheel, and nothing of the outside."""

import ast
import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("connector", "adapters", "webhooks")
LIMIT, HARD_LIMIT = 300, 500
GRAB_BAGS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


@cache
def tracked() -> tuple[str, ...]:
    """List the files of the project, as git knows them or as they lie in an archive."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        listed = subprocess.run(  # noqa: S603 - reads the list of files
            [git, "-c", "safe.directory=*", "ls-files", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        names = listed.stdout.split("\0")
    else:
        made = {".venv", "node_modules", "build", "dist", "data", "__pycache__"}
        names = [
            path.relative_to(ROOT).as_posix()
            for path in ROOT.rglob("*")
            if not any(
                part in made or part.endswith((".egg-info", "_cache")) or part == ".npm-data"
                for part in path.relative_to(ROOT).parts
            )
        ]
    return tuple(sorted(name for name in names if name and (ROOT / name).is_file()))


def modules(*folders: str) -> list[str]:
    """List the Python modules below some folders."""
    starts = tuple(f"{folder}/" for folder in folders)
    return [name for name in tracked() if name.startswith(starts) and name.endswith(".py")]


def too_long(source: str) -> str:
    """Say what is wrong with the length of a module; empty when it is right."""
    lines = len(source.splitlines())
    if lines <= LIMIT:
        return ""
    if lines > HARD_LIMIT:
        return f"{lines} lines, {HARD_LIMIT} are the most"
    told = "Long because" in (ast.get_docstring(ast.parse(source)) or "")
    return "" if told else f"{lines} lines, and its docstring does not say: Long because ..."


def test_modules_are_short() -> None:
    """A module has 300 lines at most, or up to 500 with its reason in the docstring."""
    names = modules(*PACKAGES, "tools")
    assert len(names) > 100
    found = {name: too_long((ROOT / name).read_text(encoding="utf-8")) for name in names}
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.parametrize(
    ("lines", "docstring", "fits"),
    [
        (300, "Short.", True),
        (301, "Short.", False),
        (301, "Long because it is a table.", True),
        (500, "A thing.\n\nLong because it is a table.\n", True),
        (501, "Long because it is a table.", False),
    ],
)
def test_length_rule(lines: int, docstring: str, *, fits: bool) -> None:
    """The rule above counts lines and reads the first docstring, not a comment."""
    head = f'"""{docstring}"""\n'
    source = head + "# Long because\n" * (lines - head.count("\n"))
    assert (too_long(source) == "") is fits


def test_packages_say_what_they_are() -> None:
    """Every folder with modules is a package, and its docstring says what is in it."""
    folders = {str(Path(name).parent) for name in modules(*PACKAGES)}
    untold = []
    for folder in sorted(folders):
        start = ROOT / folder / "__init__.py"
        if not start.exists() or not ast.get_docstring(ast.parse(start.read_text("utf-8"))):
            untold.append(folder)
    assert untold == []


def test_packages_are_typed() -> None:
    """Each of the three packages tells type checkers that it has types."""
    assert all(f"{package}/py.typed" in tracked() for package in PACKAGES)


def test_no_grab_bags() -> None:
    """No module or folder has a name under which anything could be put."""
    found = [
        name
        for name in tracked()
        if not name.startswith("cassettes/")
        for part in Path(name).with_suffix("").parts
        if GRAB_BAGS & set(part.lower().strip("_").split("_"))
    ]
    assert found == []


def test_wheel_is_whole(tmp_path: Path) -> None:
    """The built wheel holds every file of the three packages, the command, and no more."""
    source = tmp_path / "source"
    wanted = {name for name in tracked() if name.split("/")[0] in PACKAGES}
    for name in wanted | {"pyproject.toml", "setup.cfg", "README.md", "LICENSE"}:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    built = subprocess.run(  # noqa: S603 - pip of this very environment
        [sys.executable, "-m", "pip", "wheel", *options, "--quiet", "-w", tmp_path / "out", source],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "out").glob("postventa-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        about = {name.split("/")[-1]: name for name in held if ".dist-info/" in name}
        entry_points = archive.read(about["entry_points.txt"]).decode()
        metadata = archive.read(about["METADATA"]).decode()
    assert sorted(wanted - held) == []
    assert sorted(name for name in held - wanted if ".dist-info/" not in name) == []
    # What a package without its data would lack first.
    suffixes = {Path(name).suffix for name in held}
    assert {".py", ".yaml", ".liquid", ".graphql"} <= suffixes
    assert "postventa = webhooks.cli.main:main" in entry_points
    assert "LICENSE" in about
    assert "\nLicense-Expression: Apache-2.0\n" in metadata


# Places on the machine of whoever writes this.
_PLACES = re.compile(r"/(?:work|root|tmp/brief)/")
# SHA-256, first 12 digits, of words that have no place here: products of others, hosts of
# packages. As digests, so that this file does not hold them either.
_WORDS = frozenset(
    "c857d09db23e c70eca6b0f88 7d3194f79e64 60965168ce76 053ea4804ef1 3ea125d0bff3 "  # noqa: SIM905 - reads better
    "5d72436256ad 57de4cf40144 6f7ac1823da8 add92b9cde2b 5d0c0ab127fd 0ac0192d441f "
    "cd88a6fb1423 7b8208d11b1b 2960ad205cb6 deabe057afdf ba20768a02ee".split()
)


def digest_of(word: str) -> str:
    """Give the form in which barred words are kept."""
    return hashlib.sha256(word.encode()).hexdigest()[:12]


def outside_of(text: str, barred: frozenset[str] = _WORDS) -> list[str]:
    """List what a text says about the outside: barred words, places of a machine."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    found = sorted(word for word in words if digest_of(word) in barred)
    return found + sorted(set(_PLACES.findall(text)))


def test_nothing_of_the_outside() -> None:
    """No file names a place on a machine, a barred product or a package host."""
    found = {}
    for name in tracked():
        body = (ROOT / name).read_bytes()
        if b"\0" not in body and (said := outside_of(f"{name}\n{body.decode(errors='replace')}")):
            found[name] = said
    assert found == {}


@pytest.mark.parametrize("folder", ["work", "root", "tmp/brief"])
def test_places_are_found(folder: str) -> None:
    """A path below one of these folders is found, a word like it is not."""
    place = f"/{folder}/"
    assert outside_of(f"see {place}main/x.py") == [place]
    assert outside_of(f"see {folder} and {folder}/x") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Made with Zyzzyva.", ["zyzzyva"]),
        ("https://zyzzyva.example/simple", ["zyzzyva"]),
        ("ZYZZYVA_2", ["zyzzyva"]),
        ("zyzzyvas, a cursor, some work", []),
    ],
)
def test_barred_words_are_found(text: str, found: list[str]) -> None:
    """A barred word is found in any case and inside an address, a longer word is not."""
    assert outside_of(text, frozenset({digest_of("zyzzyva")})) == found
