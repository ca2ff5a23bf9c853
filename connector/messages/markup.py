"""The light markup of message bodies, as plain text and as HTML.

A blank line ends a paragraph. `## ` begins a heading, `- ` an item, `> ` a line of a
panel, and `| left | right |` a row of two columns. `**bold**` and `[text](address)`
work inside a line. Values of an order come shielded, so they are never markup.
"""

import re
from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Final

from connector.messages._liquid import unshield

_BOLD: Final = re.compile(r"\*\*([^*\n]+)\*\*")
_LINK: Final = re.compile(r"\[([^\]\n]+)\]\(([^)\n]+)\)")
_SAFE_ADDRESS: Final = re.compile(r"(?:https?://|mailto:)[^\s<>\"'\\]+", re.ASCII | re.IGNORECASE)
_ROW_CELLS: Final = 2

_STYLES: Final = {
    "p": "margin:0 0 16px",
    "h2": "margin:24px 0 8px;font-size:17px;line-height:1.35",
    "ul": "margin:0 0 16px;padding:0 0 0 20px",
    "li": "margin:0 0 4px",
    "panel": "margin:0 0 16px;padding:14px 16px;border:1px solid #d8d8d4;border-radius:10px;"
    "background:#f6f6f3",
    "table": "width:100%;border-collapse:collapse;margin:0 0 16px",
    "left": "padding:8px 12px 8px 0;border-bottom:1px solid #e4e4e0;vertical-align:top",
    "right": "padding:8px 0;border-bottom:1px solid #e4e4e0;vertical-align:top;text-align:right;"
    "white-space:nowrap",
}
LINK_STYLE: Final = "color:#0b57d0;text-decoration:underline"


def to_text(marked: str) -> str:
    """Write the markup as plain text, its signs taken out."""
    parts = []
    for kind, lines in _blocks(marked):
        joined = "\n".join(_text_line(kind, line) for line in lines)
        parts.append(joined)
    return unshield("\n\n".join(parts)) + "\n"


def to_html(marked: str) -> str:
    """Write the markup as an HTML fragment; everything in it is escaped."""
    return "\n".join(_HTML[kind](lines) for kind, lines in _blocks(marked))


def _blocks(marked: str) -> Iterator[tuple[str, list[str]]]:
    """Split into blocks of one kind: `p`, `h2`, `ul`, `panel` or `rows`."""
    lines = [line.strip() for line in marked.split("\n")]
    for (kind, _), group in groupby(_numbered(lines), key=lambda item: (item[0], item[1])):
        yield kind, [line for _, _, line in group]


def _numbered(lines: Iterable[str]) -> Iterator[tuple[str, int, str]]:
    """Give each line its kind; a number parts paragraphs and headings.

    Lines between items or rows may be blank: a loop leaves them there.
    """
    count = 0
    for line in lines:
        kind, rest = _kind_of(line)
        if not kind or kind == "h2":
            count += 1
        if kind:
            yield kind, count if kind in {"p", "h2"} else 0, rest


def _kind_of(line: str) -> tuple[str, str]:
    for sign, kind in (("## ", "h2"), ("- ", "ul"), ("> ", "panel"), ("|", "rows")):
        if line.startswith(sign):
            return kind, line.removeprefix(sign).strip()
    return ("p", line) if line else ("", "")


def _cells(line: str) -> tuple[str, str]:
    cells = [cell.strip() for cell in line.strip("|").split("|", maxsplit=1)]
    left, right = (cells + [""] * _ROW_CELLS)[:_ROW_CELLS]
    return left, right


def _text_line(kind: str, line: str) -> str:
    plain = _LINK.sub(_text_link, _BOLD.sub(r"\1", line))
    if kind == "ul":
        return f"- {plain}"
    if kind == "panel":
        return f"    {plain}"
    if kind == "rows":
        left, right = _cells(plain)
        return f"  {left}: {right}" if right else f"  {left}"
    return plain


def _text_link(found: re.Match[str]) -> str:
    words, address = found[1], unshield(found[2])
    if not _SAFE_ADDRESS.fullmatch(address):
        return words
    bare = address.removeprefix("mailto:")
    return bare if words in {address, bare} else f"{words}: {bare}"


def _inline(line: str) -> str:
    """Escape a line and write its bold parts and links."""
    pieces: list[str] = []
    last = 0
    for link in _LINK.finditer(line):
        pieces.extend((_bold(line[last : link.start()]), _html_link(link)))
        last = link.end()
    pieces.append(_bold(line[last:]))
    return "".join(pieces)


def _bold(text: str) -> str:
    pieces: list[str] = []
    last = 0
    for bold in _BOLD.finditer(text):
        pieces.append(escape(unshield(text[last : bold.start()])))
        pieces.append(f"<strong>{escape(unshield(bold[1]))}</strong>")
        last = bold.end()
    pieces.append(escape(unshield(text[last:])))
    return "".join(pieces)


def _html_link(link: re.Match[str]) -> str:
    words = _bold(link[1])
    address = unshield(link[2])
    if not _SAFE_ADDRESS.fullmatch(address):
        return words
    return f'<a class="pv-link" href="{escape(address)}" style="{LINK_STYLE}">{words}</a>'


def _paragraph(lines: list[str]) -> str:
    return f'<p style="{_STYLES["p"]}">{"<br>".join(map(_inline, lines))}</p>'


def _heading(lines: list[str]) -> str:
    return f'<h2 style="{_STYLES["h2"]}">{" ".join(map(_inline, lines))}</h2>'


def _list(lines: list[str]) -> str:
    items = "".join(f'<li style="{_STYLES["li"]}">{_inline(line)}</li>' for line in lines)
    return f'<ul style="{_STYLES["ul"]}">{items}</ul>'


def _panel(lines: list[str]) -> str:
    inner = "<br>".join(map(_inline, lines))
    return f'<div class="pv-panel" style="{_STYLES["panel"]}">{inner}</div>'


def _rows(lines: list[str]) -> str:
    rows = []
    for line in lines:
        left, right = map(_inline, _cells(line))
        rows.append(
            f'<tr><td class="pv-line" style="{_STYLES["left"]}">{left}</td>'
            f'<td class="pv-line" style="{_STYLES["right"]}">{right}</td></tr>'
        )
    return (
        '<table role="presentation" cellpadding="0" cellspacing="0" '
        f'style="{_STYLES["table"]}">{"".join(rows)}</table>'
    )


_HTML: Final = {
    "p": _paragraph,
    "h2": _heading,
    "ul": _list,
    "panel": _panel,
    "rows": _rows,
}
