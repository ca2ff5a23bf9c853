"""The tables after the story: every order, effect, note, tag, code and message by name."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from webhooks.demo.expect import SHOPIFY, WOO, Check, Seen
from webhooks.demo.record import balance, number_of, our_notes, people_of, tags_of
from webhooks.demo.stage import Stage
from webhooks.exports import export_lines

_COLORS: Final = {"done": "green", "skipped": "yellow", "dead": "bold red"}
_SHORT: Final = {WOO: "Woo", SHOPIFY: "Shopify"}

Line = Mapping[str, Any]
Label = dict[tuple[str, str], str]


def show_tables(out: Console, stage: Stage, seen: Seen) -> None:
    """Show what Postventa knows, then what the shops and the outbox hold."""
    names = {str(stage.woo_id): _SHORT[WOO], str(stage.shopify_id): _SHORT[SHOPIFY]}
    orders = list(export_lines(stage.app, "orders"))
    label = {
        (line["shop"], line["ref"]): f"{names[line['shop']]} #{line['number'].lstrip('#')}"
        for line in orders
    }
    for table in (
        _orders(orders, label),
        _occurrences(export_lines(stage.app, "occurrences"), label),
        _effects(export_lines(stage.app, "effects"), label),
        _silent(export_lines(stage.app, "evaluations"), label),
        _notes(seen),
        _codes(seen),
        _mails(export_lines(stage.app, "messages"), label),
    ):
        out.print(table)
        out.print()
    sums = balance(seen.effects)
    out.print(
        Text.assemble(
            ("Effects: ", "bold"),
            f"{seen.planned} planned = {sums['done']} done + {sums['skipped']} skipped + "
            f"{sums['waiting']} waiting + {sums['person']} need a person",
        )
    )


def _table(title: str, *columns: str, caption: str = "") -> Table:
    """Make a table; a column whose name starts with `!` is never broken."""
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        caption=caption or None,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for name in columns:
        table.add_column(
            name.lstrip("!>"),
            no_wrap=name.startswith("!"),
            justify="right" if ">" in name[:2] else "left",
            overflow="fold",
        )
    return table


def _row(table: Table, *cells: object) -> None:
    # Texts of people are no markup.
    table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells))


def _money(minor: int, currency: str) -> str:
    return f"{minor / 100:.2f} {currency}" if minor else ""


def _orders(lines: Iterable[Line], label: Label) -> Table:
    table = _table("Orders", "!Order", "Buyer", "!State", "In the shop", "!>Total", "!>Paid back")
    for line in lines:
        _row(
            table,
            label[line["shop"], line["ref"]],
            line["buyer"]["name"],
            line["state"],
            line["platform_state"],
            _money(line["total_minor"], line["currency"]),
            _money(line["refunded_minor"], line["currency"]),
        )
    return table


def _occurrences(lines: Iterable[Line], label: Label) -> Table:
    kinds: dict[str, list[str]] = {name: [] for name in label.values()}
    for line in lines:
        name = label.get((line["shop"], line["order"]))
        if name is not None:
            kinds[name].append(line["kind"])
    table = _table("What happened to each order", "!Order", "Occurrences")
    for name, found in kinds.items():
        _row(table, name, ", ".join(found))
    return table


def _effects(lines: Iterable[Line], label: Label) -> Table:
    table = _table("Effects", "!Order", "!Rule", "!Kind", "!State", "!Result", "Reason")
    for line in lines:
        _row(
            table,
            label.get((line["shop"], line["order"]), line["order"]),
            line["rule"],
            line["kind"],
            Text(line["state"], style=_COLORS.get(line["state"], "cyan")),
            _result(line["kind"], line["result"]),
            line["reason"],
        )
    return table


def _result(kind: str, result: Line) -> str:
    """Say what came of an effect: the code, the address, or the shop's id of what was made."""
    if kind == "coupon":
        return str(result.get("code") or result.get("ref") or "")
    if kind == "message":
        return str(result.get("to") or "")
    return str(result.get("ref") or "").rsplit("/", maxsplit=1)[-1]


def _silent(lines: Iterable[Line], label: Label) -> Table:
    table = _table("Rules that were asked and did not act", "!Order", "!Rule", "Why not")
    for line in lines:
        if line["verdict"] == "matched":
            continue
        _row(
            table,
            label.get((line["shop"], line["order"]), line["order"]),
            line["rule"],
            _why(line) or line["verdict"].replace("_", " "),
        )
    return table


def _why(line: Line) -> str:
    return "; ".join(
        f"{seen['field']} is {_plain(seen['seen'])}, the rule asks for "
        f"{'not ' if _negated(seen) else ''}{seen['op']} {_plain(seen['value'])}"
        for seen in line["conditions"]
        # Below a `not` the rule fails where the condition itself held.
        if seen["held"] == _negated(seen)
    )


def _negated(seen: Line) -> bool:
    return str(seen["path"]).split(".").count("not") % 2 == 1


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _notes(seen: Seen) -> Table:
    table = _table("In the shops: notes and tags", "!Order", "Buyer", "Our notes", "Tags")
    for name, shop in seen.shops.items():
        for order in shop["orders"]:
            _row(
                table,
                f"{_SHORT[name]} {number_of(order)}",
                order["buyer"],
                "\n".join(our_notes(order)) or "none",
                ", ".join(tags_of(order)) or "none",
            )
    return table


def _codes(seen: Seen) -> Table:
    table = _table(
        "In the shops: discount codes", "!Code", "!Shop", "!For", "!Worth", "!Ends", "!>Uses"
    )
    for name, shop in seen.shops.items():
        for code in shop["coupons"]:
            _row(
                table,
                code["code"],
                _SHORT[name],
                ", ".join(people_of(code)) or "everybody",
                f"{Decimal(str(code['amount'])).normalize():f} % off",
                str(code["date_expires"])[:10],
                f"{code['usage_count']} of {code['usage_limit']}",
            )
    return table


def _mails(lines: Iterable[Line], label: Label) -> Table:
    table = _table(
        "Messages (kept, not sent: no mail server is set up)",
        "!Order",
        "!To",
        "!Lang",
        "!Class",
        "Subject",
    )
    for line in lines:
        _row(
            table,
            label.get((line["shop"], line["order"]), line["order"]),
            line["to"],
            line["locale"],
            line["class"],
            line["subject"],
        )
    return table


def show_checks(out: Console, checks: Sequence[Check], missed: Sequence[str]) -> bool:
    """Show the check list; tell whether everything held."""
    out.print(Text("Check list, worked out by hand", style="bold"))
    for about, group in groupby(checks, key=lambda item: item.about):
        out.print(Text(about))
        grid = Table.grid(padding=(0, 1))
        for item in group:
            sign = Text("  ✓", style="green") if item.held else Text("  ✗", style="bold red")
            seen = "" if item.held else f" — found: {item.seen or 'nothing'}"
            grid.add_row(sign, Text.assemble(item.text, (seen, "bold red")))
        out.print(grid)
    failures = failures_of(checks, missed)
    out.print()
    if failures:
        out.print(Text(f"Missing: {len(failures)}", style="bold red"))
        for text in failures:
            out.print(Text(f"  ✗ {text}", style="red"))
        return False
    out.print(Text(f"All {len(checks)} expectations held.", style="bold green"))
    return True


def failures_of(checks: Sequence[Check], missed: Sequence[str]) -> list[str]:
    """List what is missing, one sentence each."""
    return [*missed, *(item.failure for item in checks if not item.held)]
