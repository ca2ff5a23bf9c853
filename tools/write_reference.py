"""Write the generated pages of docs/reference from the code they describe."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT))

import click  # noqa: E402 - the path comes first

from adapters.catalogue import load_channel, load_shop, names  # noqa: E402
from connector.errors import InboundRejected  # noqa: E402
from connector.flows.occurrences import STATE_OF_KIND  # noqa: E402
from connector.model.event import OccurrenceKind  # noqa: E402
from connector.ports import AdapterInfo, Capability  # noqa: E402
from connector.rules.fields import field_list  # noqa: E402
from connector.settings import SETTINGS  # noqa: E402
from webhooks.app import create_app  # noqa: E402
from webhooks.cli.main import main  # noqa: E402

NOTICE: Final = (
    "<!-- Written by tools/write_reference.py: change the code and run `make reference`. -->"
)

OCCURRENCES: Final = {
    OccurrenceKind.ORDER_CREATED: "The order is in the shop. Baskets that nobody ordered are none.",
    OccurrenceKind.ORDER_PAID: (
        "The order was paid, or the shop accepted it as if it were: on account, cash on delivery."
    ),
    OccurrenceKind.ORDER_ON_HOLD: "The shop set it on hold: it waits for money or for a person.",
    OccurrenceKind.ORDER_FAILED: "The payment failed or was refused.",
    OccurrenceKind.ORDER_COMPLETED: "The shop calls it finished: on Shopify, fulfilled and paid.",
    OccurrenceKind.ORDER_CANCELED: "It was canceled.",
    OccurrenceKind.ORDER_REFUNDED: "Money went back, all of it or a part; once for each refund.",
    OccurrenceKind.ORDER_DELETED: "It is in the shop's trash, or the shop has it no more.",
    OccurrenceKind.PARCEL_SHIPPED: "A parcel left: it has a tracking number or a day of shipping.",
    OccurrenceKind.PARCEL_IN_TRANSIT: "The carrier has it.",
    OccurrenceKind.PARCEL_OUT_FOR_DELIVERY: "It is on the van.",
    OccurrenceKind.PARCEL_READY_FOR_PICKUP: "It waits in a shop or locker.",
    OccurrenceKind.PARCEL_DELIVERED: "It arrived.",
    OccurrenceKind.PARCEL_DELIVERY_FAILED: "The carrier came and could not hand it over.",
    OccurrenceKind.PARCEL_EXCEPTION: "Something is wrong with it: damaged, held, sent back.",
}

CAPABILITIES: Final = {
    Capability.NOTE: "Write a note on an order (`note`)",
    Capability.NOTE_TO_BUYER: "Send the note to the buyer by the shop's own mail (`to_buyer`)",
    Capability.TAG: "Put labels on an order and take them off (`tag`)",
    Capability.META: "Keep extra fields on an order",
    Capability.STATUS: "Set the state of an order (`status`)",
    Capability.DISCOUNT_CODE: "Make a discount code (`coupon`)",
    Capability.DISCOUNT_FREE_SHIPPING: "Make a code for free shipping (`coupon`)",
    Capability.WEBHOOKS: "Make and check its webhooks by itself",
    Capability.COUNT_ORDERS: "Count orders, to compare with what we hold",
    Capability.HTML: "Send messages as HTML",
}


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ").strip()


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return [*lines, ""]


def _page(title: str, lead: str, *blocks: list[str]) -> str:
    lines = [f"# {title}", "", NOTICE, "", lead, ""]
    for block in blocks:
        lines += block
    return "\n".join(lines).rstrip() + "\n"


def walk(command: click.Command, path: str = "postventa") -> Iterable[tuple[str, click.Command]]:
    """Give every command that does something, with its full name."""
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from walk(command.commands[name], f"{path} {name}")
    else:
        yield path, command


def _parameters(command: click.Command) -> list[str]:
    rows: list[tuple[str, str]] = []
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            names = ", ".join(f"`{name}`" for name in parameter.opts)
            kind = "" if parameter.is_flag else f" *{_kind(parameter)}*"
            notes = [parameter.help or ""]
            if parameter.required:
                notes.append("Required.")
            if parameter.show_default:
                notes.append(f"Default: `{parameter.default}`.")
            rows.append((names + kind, " ".join(notes)))
    return _table(("Option", "Meaning"), rows) if rows else []


def _kind(parameter: click.Parameter) -> str:
    if isinstance(parameter.type, click.Choice):
        return " or ".join(str(choice) for choice in parameter.type.choices)
    return parameter.type.name.removesuffix(" range")


def commands() -> str:
    """Describe every command."""
    blocks = []
    for name, command in walk(main):
        usage = " ".join(
            [
                name,
                *click.Context(command, info_name=name).command.collect_usage_pieces(
                    click.Context(command)
                ),
            ]
        )
        text = " ".join((command.help or "").split())
        blocks.append([f"## {name}", "", text, "", f"`{usage}`", "", *_parameters(command)])
    return _page(
        "Commands",
        "Every command knows `--help`. Errors go to stderr; the exit code is 0 when all went well, "
        "2 when what was typed cannot be used, and 1 when it was tried and did not work. "
        "[Output](output.md) describes what `--json` writes, [bad input](bad-input.md) every "
        "refusal. Settings come from the environment: see [settings](settings.md).",
        *blocks,
    )


def settings() -> str:
    """Describe every setting."""
    rows = [
        (f"`{setting.variable}`", setting.help, f"`{setting.default}`" if setting.default else "")
        for setting in SETTINGS
    ]
    return _page(
        "Settings",
        "Settings are environment variables. A name that begins with `POSTVENTA_` and is not "
        "listed "
        "here is refused at the start (names of the pretend shops, `POSTVENTA_SANDBOX_…`, are "
        "passed over).",
        _table(("Variable", "Meaning", "Default"), rows),
    )


def fields() -> str:
    """Describe every field of conditions."""
    rows = [
        (
            f"`{line['name']}`",
            line["type"],
            " ".join(f"`{operator}`" for operator in line["operators"]),
            line["help"]["en"] + (f": {', '.join(line['choices'])}" if line.get("choices") else ""),
            line["help"]["es"],
        )
        for line in field_list()
    ]
    return _page(
        "Fields of conditions",
        "What a condition may ask for, with its type and the operators that fit. "
        "`postventa rules fields --json` gives the same list.",
        _table(("Field", "Type", "Operators", "Meaning", "Significado"), rows),
    )


def occurrences() -> str:
    """Describe everything that can happen."""
    rows = [(f"`{kind}`", _discriminator(kind), OCCURRENCES[kind]) for kind in OccurrenceKind]
    return _page(
        "Occurrences",
        "What can happen to an order: what rules wait for (`trigger`) and what ends them "
        "(`stop_if`). Each happens once for an order and its *what*, however often the shop says "
        "so.",
        _table(("Kind", "Once for each", "Meaning"), rows),
    )


def _discriminator(kind: OccurrenceKind) -> str:
    if kind in {OccurrenceKind.ORDER_CREATED, OccurrenceKind.ORDER_PAID} or kind in STATE_OF_KIND:
        return "order"
    return "refund" if kind is OccurrenceKind.ORDER_REFUNDED else "parcel"


def routes() -> str:
    """Describe every address of the server and every refusal of its hooks."""
    nothing: Any = None
    web = create_app(nothing, nothing)
    rows = []
    for rule in sorted(web.url_map.iter_rules(), key=lambda rule: rule.rule):
        methods = " ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        text = (web.view_functions[rule.endpoint].__doc__ or "").strip()
        rows.append((f"`{methods} {rule.rule}`", text))
    refusals = sorted(
        ((kind.status, kind.__name__, (kind.__doc__ or "").strip()) for kind in _rejections()),
    )
    return _page(
        "Addresses of the server",
        "Shops send to `POST /hooks/woocommerce/<token>` (each shop has its own token) and "
        "`POST /hooks/shopify`. An answer of 200 means that the delivery is on disk, was there "
        "already, or was a ping. 503 with `Retry-After` means that it could not be stored. There "
        "is never a redirect, and never a 5xx for what a body says.",
        _table(("Address", "What it does"), rows),
        ["## Refusals of the hooks", ""],
        _table(("Status", "Name", "Meaning"), refusals),
    )


def _rejections() -> list[type[InboundRejected]]:
    return list(InboundRejected.__subclasses__())


def capabilities() -> str:
    """Describe what each platform and channel can do."""
    infos: list[AdapterInfo] = [load_shop(name).info for name in names("shops")]
    infos += [load_channel(name).info for name in names("channels")]
    rows = [
        (
            f"`{capability}`",
            CAPABILITIES[capability],
            *("yes" if capability in info.capabilities else "" for info in infos),
        )
        for capability in Capability
    ]
    needs = [
        (
            info.title,
            info.api_version,
            ", ".join(f"`{item.name}`" for item in info.settings if item.required),
            ", ".join(f"`{item.name}`" for item in info.settings if not item.required),
            ", ".join(f"`{status}`" for status in info.statuses),
        )
        for info in infos
    ]
    return _page(
        "What each platform can do",
        "A rule that needs what its shop cannot do is refused when it is saved, with what to do "
        "instead.",
        _table(("Capability", "Meaning", *(info.title for info in infos)), rows),
        ["## What each needs", ""],
        _table(("Adapter", "API version", "Needs", "Takes", "States it can set"), needs),
    )


PAGES: Final[dict[str, Callable[[], str]]] = {
    "commands.md": commands,
    "settings.md": settings,
    "fields.md": fields,
    "occurrences.md": occurrences,
    "routes.md": routes,
    "capabilities.md": capabilities,
}


def write() -> None:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    write()
