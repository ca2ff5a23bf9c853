"""The plugin's files: PHP that is sound, texts in Spanish, one zip whoever builds it."""

import gettext
import io
import json
import os
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from adapters.shops.woocommerce.plugin_zip import SOURCE, read_po, version
from connector.secret import Secret
from tests.wordpress.site import ROOT, php, run
from tools.build_plugin import build
from webhooks.install.handover import Purpose, canonical, make_token

PHP_FILES = sorted(SOURCE.rglob("*.php"))
TEXT = re.compile(
    r"(?:__|_e|esc_html__|esc_html_e|esc_attr__|esc_attr_e)\(\s*'((?:[^'\\]|\\.)*)',\s*'(\w+)'"
)
# Of PHP 8: the plugin runs on 7.4 as well.
TOO_NEW = re.compile(
    r"\?->|\bmatch\s*\(|\bstr_(contains|starts_with|ends_with)\(|\benum\s+\w|\breadonly\b|"
    r"\bfn\s*\([^)]*\)\s*:\s*\w+\||#\[|function\s+\w*\([^)]*\w\|\w"
)


def source(path: Path) -> str:
    """Read a file."""
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PHP_FILES, ids=lambda path: path.name)
def test_each_file_is_php(path: Path) -> None:
    """PHP reads it, nobody can call it directly, and nothing in it needs PHP 8."""
    assert "No syntax errors" in run([php(), "-l", str(path)])
    text = source(path)
    assert re.search(r"defined\( '(ABSPATH|WP_UNINSTALL_PLUGIN)' \) \|\| exit;", text)
    assert TOO_NEW.search(text) is None


def test_phpunit_is_content() -> None:
    """Tokens, sealing and the agreement hold what their tests say."""
    found = shutil.which("phpunit")
    assert found is not None, "PHPUnit is missing: run `bash tools/setup_php.sh`"
    folder = ROOT / "tests/wordpress/php"
    told = run(
        [
            *(found, "--no-configuration", "--do-not-cache-result"),
            *("--bootstrap", str(folder / "bootstrap.php"), str(folder)),
        ],
        {**os.environ, "POSTVENTA_PLUGIN": str(SOURCE)},
    )
    assert re.search(r"OK \(\d+ tests", told), told


@pytest.mark.parametrize(
    "claims",
    [
        {"uid": 7, "login": "ana", "aud": "https://a.example/b?c=d&e"},
        {"z": "ñ€😀\u2028\u2029\x7f\x00\x1f\b\f\n\r\t\"\\/<>&'", "a": -1, "A": 10**15},
        {"": "", "0": "x", "10": 1, "9": 2},
    ],
)
def test_both_sides_sign_the_same(claims: dict[str, Any]) -> None:
    """The plugin's token and the connector's are the same letters."""
    code = (
        "define('ABSPATH','/');require $argv[1];$c=json_decode($argv[2],true);"
        "echo Postventa_Token::make('key','call',$c);"
    )
    path = SOURCE / "includes/class-postventa-token.php"
    made = run([php(), "-r", code, "--", str(path), json.dumps(claims)])
    assert made == make_token(Secret("key"), Purpose.CALL, claims)
    assert canonical(claims).isascii()


def test_every_text_is_translated() -> None:
    """Each text of the plugin has a Spanish one with the same places for values."""
    texts = set()
    for path in PHP_FILES:
        for text, domain in TEXT.findall(source(path)):
            assert domain == "postventa"
            texts.add(text)
    spanish = read_po(source(SOURCE / "languages/postventa-es_ES.po"))
    assert "Language: es_ES" in spanish.pop("")
    assert set(spanish) == texts
    for text, translated in spanish.items():
        assert re.findall(r"%\w", text) == re.findall(r"%\w", translated)
        assert translated


def test_every_build_gives_the_same_zip(tmp_path: Path) -> None:
    """Two builds are equal to the byte; the zip holds what WordPress needs, and no tests."""
    first, second = build(tmp_path / "1"), build(tmp_path / "2")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = set(archive.namelist())
        translations = gettext.GNUTranslations(
            io.BytesIO(archive.read("postventa/languages/postventa-es_ES.mo"))
        )
    assert {
        f"postventa/{name}"
        for name in ("postventa.php", "uninstall.php", "readme.txt", "LICENSE.txt")
    } <= names
    assert all(name.startswith("postventa/") for name in names)
    assert translations.gettext("Disconnect") == "Desconectar"


def test_the_header_and_the_readme_agree() -> None:
    """Version, licence and what is required are the same in both; nothing is loaded from afar."""
    header, readme = source(SOURCE / "postventa.php"), source(SOURCE / "readme.txt")
    assert f"Stable tag: {version()}" in readme
    assert f"define( 'POSTVENTA_VERSION', '{version()}' );" in header
    for line in ("License: GPL-2.0-or-later", "Requires PHP: 7.4", "Requires at least: 6.2"):
        assert line in header
        assert line in readme
    assert "custom_order_tables" in header
    for path in [*PHP_FILES, *SOURCE.glob("assets/*")]:
        for address in re.findall(r"https?://[^\s'\"<]+", source(path)):
            assert re.match(r"https://(www\.gnu\.org|postventa\.example\.com|\[)", address), address
