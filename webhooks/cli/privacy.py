"""Commands about the data of people: export, erase, requests of the platforms."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.base import (
    Failed,
    Refused,
    json_option,
    opened,
    print_json,
    print_table,
    shop_option,
)

if TYPE_CHECKING:
    from connector.flows.privacy import Subject
    from connector.storage.privacy import PrivacyRequest


@click.group()
def privacy() -> None:
    """Export or erase what is stored of a buyer; see what platforms ask for."""


_email = click.option("--email", help="Mail address of the buyer.")
_phone = click.option("--phone", help="Telephone, for buyers who gave no mail address.")
_customer = click.option("--customer", help="The shop's number of the buyer's account.")
_order = click.option("--order", "orders", multiple=True, help="One of their orders; repeatable.")


@privacy.command("list")
@shop_option()
@json_option
def list_requests(shop_id: str | None, as_json: bool) -> None:
    """List what platforms asked for, the first deadline first.

    An export is ready when it is listed: write it with `postventa privacy export NUMBER`,
    give it to the owner of the shop, then run `postventa privacy done NUMBER`.
    """
    from connector.model.order import ShopId

    with opened() as app, app.storage.reading() as tx:
        found = tx.privacy_requests(None if shop_id is None else ShopId(shop_id))
    lines = [request_line(one) for one in found]
    if as_json:
        print_json(lines)
        return
    print_table(
        ("number", "shop", "what", "asked by", "until", "state", "done"),
        [
            tuple(
                line[name]
                for name in ("id", "shop", "kind", "source", "due_at", "state", "done_at")
            )
            for line in lines
        ],
        empty="Nobody has asked for anything.",
    )


@privacy.command()
@click.argument("request_id", type=int, required=False)
@shop_option()
@_email
@_phone
@_customer
@_order
@click.option("--out", default="-", help="File to write; by default stdout.")
def export(
    request_id: int | None,
    shop_id: str | None,
    email: str | None,
    phone: str | None,
    customer: str | None,
    orders: tuple[str, ...],
    out: str,
) -> None:
    """Write everything that is stored of a buyer as JSON, for the owner of the shop.

    Give the number of a request, or --shop and who it is.
    """
    import json

    from connector.flows.privacy import export_buyer
    from webhooks.shops import find_shop

    with opened() as app:
        if request_id is not None:
            with app.storage.reading() as tx:
                request = tx.privacy_request(request_id)
            if request is None or request.export is None:
                raise Refused(
                    f"Request {request_id} has no export (any more): see `postventa privacy list`."
                )
            text = json.dumps(json.loads(request.export.reveal()), ensure_ascii=False, indent=2)
        else:
            subject = _subject(email, phone, customer, orders)
            shop = find_shop(app, _needed(shop_id))
            made = export_buyer(app.engine, shop, subject)
            text = json.dumps(made, ensure_ascii=False, indent=2)
    _write(out, text)


@privacy.command()
@shop_option(required=True)
@_email
@_phone
@_customer
@_order
@click.option("--whole-shop", is_flag=True, help="Everything of the shop, not one buyer.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase(
    shop_id: str,
    email: str | None,
    phone: str | None,
    customer: str | None,
    orders: tuple[str, ...],
    whole_shop: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase a buyer from a shop for good; their orders stay without a name.

    Amounts, goods and dates stay for the books. What waits for these orders is not done
    any more. The shop itself is not changed: erase the buyer there as well.
    """
    with opened() as app:
        if whole_shop:
            done = _erase_shop(app, shop_id, yes=yes or as_json)
        else:
            from connector.flows.privacy import erase_buyer
            from webhooks.shops import find_shop

            subject = _subject(email, phone, customer, orders)
            shop = find_shop(app, shop_id)
            if not yes and not as_json:
                click.confirm(f"Erase this buyer from {shop.name} for good?", abort=True, err=True)
            done = {"shop": shop_id, "erased": erase_buyer(app.engine, shop, subject)}
    if as_json:
        print_json(done)
    else:
        told = ", ".join(f"{number} {name}" for name, number in done["erased"].items() if number)
        click.echo(f"Erased: {told or 'nothing was stored'}.")


@privacy.command()
@click.argument("request_id", type=int)
def done(request_id: int) -> None:
    """Say that the export of a request was handed over; it is deleted here."""
    from dataclasses import replace

    with opened() as app:
        with app.storage.transaction() as tx:
            request = tx.privacy_request(request_id)
            if request is None:
                raise Refused(f"There is no request {request_id}: see `postventa privacy list`.")
            if request.kind != "export":
                raise Refused(f"Request {request_id} is no export; it ends by itself.")
            tx.change_privacy_request(
                replace(
                    request,
                    state="done",
                    done_at=request.done_at or app.clock.now(),
                    subject=None,
                    export=None,
                )
            )
        app.storage.scrub()
    click.echo(f"Request {request_id} is done; its export is deleted.")


def request_line(request: "PrivacyRequest") -> dict[str, Any]:
    """Give one request as `privacy list --json` prints it; it names nobody."""
    from webhooks.exports import time_text

    return {
        "id": request.id,
        "shop": str(request.shop_id),
        "kind": str(request.kind),
        "source": request.source,
        "received_at": time_text(request.received_at),
        "due_at": time_text(request.due_at),
        "state": request.state,
        "done_at": time_text(request.done_at),
        "export_ready": request.export is not None,
        "result": dict(request.result),
    }


def _erase_shop(app: Any, shop_id: str, *, yes: bool) -> dict[str, Any]:
    from connector.flows.privacy_requests import (
        TERM,
        begin_shop_erasure,
        finish_erasures,
    )
    from connector.model.order import ShopId
    from connector.storage.privacy import PrivacyKind, PrivacyRequest

    with app.storage.reading() as tx:
        shop = tx.shop(ShopId(shop_id))
    if shop is None:
        raise Refused(f"No shop has the id {shop_id[:40]!r}.")
    if not yes:
        click.confirm(
            f"Erase everything of {shop.name or shop_id}, its orders and rules too?",
            abort=True,
            err=True,
        )
    now = app.clock.now()
    request = PrivacyRequest(
        0, shop.id, PrivacyKind.ERASE_SHOP, "command", now.isoformat(), now, now + TERM
    )
    if begin_shop_erasure(app.engine, shop.id, request) is None:
        raise Failed("The shop is being erased already.")
    finish_erasures(app.engine)
    return {"shop": shop_id, "erased": {"shop": 1}}


def _subject(
    email: str | None, phone: str | None, customer: str | None, orders: tuple[str, ...]
) -> "Subject":
    from connector.flows.privacy import Subject
    from connector.model.order import OrderRef

    subject = Subject(email, phone, customer, tuple(OrderRef(one) for one in orders))
    if not subject:
        raise Refused("Say who: --email, --phone, --customer or --order.")
    return subject


def _needed(shop_id: str | None) -> str:
    if shop_id is None:
        raise Refused("Give the number of a request, or --shop and who it is.")
    return shop_id


def _write(out: str, text: str) -> None:
    if out == "-":
        sys.stdout.write(text + "\n")
        return
    try:
        # For its owner alone: it is what the law protects.
        handle = os.open(Path(out), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as err:
        raise Failed(f"{out} cannot be written: {err.strerror or err}.") from err
    click.echo(f"Written to {out}. Send it on a safe way, then delete the file.", err=True)
