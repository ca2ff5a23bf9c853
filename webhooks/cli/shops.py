"""Commands about shops: connect, list, check, remove."""

from typing import Any

import click

from webhooks.cli.base import (
    Failed,
    Refused,
    json_option,
    opened,
    pairs,
    print_json,
    print_table,
)


@click.group()
def shops() -> None:
    """Connect, list, check and remove shops."""


@shops.group()
def add() -> None:
    """Connect a shop: its key is tried, then its webhooks are made."""


_name = click.option("--name", required=True, help="How you call the shop.")
_contact = click.option(
    "--contact", default="", help="Mail address or telephone that buyers may turn to."
)
_register = click.option(
    "--no-register",
    is_flag=True,
    help="Do not make webhooks in the shop; you make them there by hand.",
)


@add.command()
@_name
@click.option("--url", required=True, help="Address of the shop, like https://shop.example.com.")
@click.option("--consumer-key", required=True, help="REST API key with read and write rights.")
@click.option("--consumer-secret", required=True, help="The secret that belongs to the key.")
@click.option("--webhook-secret", help="Signs the webhooks; made here when not given.")
@_contact
@_register
@json_option
def woocommerce(
    name: str,
    url: str,
    consumer_key: str,
    consumer_secret: str,
    webhook_secret: str | None,
    contact: str,
    no_register: bool,
    as_json: bool,
) -> None:
    """Connect a WooCommerce shop.

    Make the key in WooCommerce > Settings > Advanced > REST API, with read and write
    rights.
    """
    from connector.errors import AdapterError
    from webhooks.shops import connect_woocommerce

    with opened() as app:
        try:
            done = connect_woocommerce(
                app,
                name,
                url,
                consumer_key,
                consumer_secret,
                webhook_secret,
                register=not no_register,
                contact=contact,
            )
        except AdapterError as err:
            raise _not_connected(err) from err
    _show(done, as_json=as_json)


@add.command()
@_name
@click.option("--shop", required=True, help="Domain of the shop, like x.myshopify.com.")
@click.option("--client-id", required=True, help="Client id of your app.")
@click.option("--client-secret", required=True, help="Client secret of your app.")
@click.option("--access-token", help="A fixed Admin API token; without it one is asked for.")
@click.option("--api-url", help="Another place of the API; only for tests and the sandbox.")
@_contact
@_register
@json_option
def shopify(
    name: str,
    shop: str,
    client_id: str,
    client_secret: str,
    access_token: str | None,
    api_url: str | None,
    contact: str,
    no_register: bool,
    as_json: bool,
) -> None:
    """Connect a Shopify shop through an app of yours that is installed in it.

    Make the app in Shopify's Dev Dashboard with the scopes write_orders, read_products,
    read_customers, read_fulfillments and write_discounts, and install it in the shop.
    Its client id and secret stand in the app's settings.
    """
    from connector.errors import AdapterError
    from webhooks.shops import connect_shopify

    with opened() as app:
        try:
            done = connect_shopify(
                app,
                name,
                shop,
                client_id,
                client_secret,
                access_token,
                api_url,
                register=not no_register,
                contact=contact,
            )
        except AdapterError as err:
            raise _not_connected(err) from err
    _show(done, as_json=as_json)


@shops.command("list")
@json_option
def list_shops(as_json: bool) -> None:
    """List the connected shops with the addresses for their webhooks."""
    from webhooks.exports import shop_line
    from webhooks.urls import hook_address

    with opened() as app:
        with app.storage.reading() as tx:
            records = tx.shops()
        base_url = app.settings.base_url
    lines = [
        shop_line(shop, hook_address(base_url, shop.platform, shop.hook_token)) for shop in records
    ]
    if as_json:
        print_json(lines)
        return
    print_table(
        ("id", "name", "platform", "address", "state", "last delivery", "webhook address"),
        [
            (
                line["id"],
                line["name"],
                line["platform"],
                line["address"],
                line["state"],
                line["last_delivery_at"],
                line["webhook_url"],
            )
            for line in lines
        ],
        empty="No shop is connected yet: see `postventa shops add --help`.",
    )


@shops.command()
@click.argument("shop_id")
@click.option("--mend", is_flag=True, help="Make missing webhooks, switch on those that are off.")
@json_option
def check(shop_id: str, mend: bool, as_json: bool) -> None:
    """Try the key of the shop SHOP_ID and look at its webhooks."""
    from webhooks.shops import check_shop

    with opened() as app:
        done = check_shop(app, shop_id, mend=mend)
    _show(done, as_json=as_json)


@shops.command()
@click.argument("shop_id")
@click.option("--consumer-key", help="WooCommerce: the new key.")
@click.option("--consumer-secret", help="WooCommerce: the secret that belongs to it.")
@click.option("--client-id", help="Shopify: the new client id.")
@click.option("--client-secret", help="Shopify: the new client secret.")
@click.option("--access-token", help="Shopify: the new fixed token.")
@json_option
def keys(shop_id: str, as_json: bool, **given: str | None) -> None:
    """Give the shop SHOP_ID new keys; they are tried before they are stored.

    Its orders, rules and webhook address stay as they are.
    """
    from connector.errors import AdapterError
    from webhooks.shop_keys import change_keys

    with opened() as app:
        try:
            done = change_keys(app, shop_id, given)
        except AdapterError as err:
            raise _not_connected(err) from err
    _show(done, as_json=as_json)


@shops.command()
@click.argument("shop_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove(shop_id: str, yes: bool, as_json: bool) -> None:
    """Disconnect the shop SHOP_ID: delete its webhooks and forget its keys.

    Its orders and what was done for them stay readable.
    """
    from webhooks.shops import find_shop, remove_shop

    with opened() as app:
        name = find_shop(app, shop_id).name
        if not yes and not as_json:
            click.confirm(f"Disconnect {name} ({shop_id})?", abort=True, err=True)
        shop, deleted, left = remove_shop(app, shop_id)
    if as_json:
        print_json({"id": str(shop.id), "removed": True, "webhooks_deleted": deleted, "left": left})
        return
    click.echo(f"{shop.name} ({shop.id}) is disconnected; {deleted} webhooks were deleted.")
    if left:
        click.echo(left, err=True)


def _not_connected(err: Exception) -> click.ClickException:
    from connector.errors import AuthRejected, Conflict, PermanentFailure, TemporaryFailure

    text = str(err).strip().rstrip(".")
    if isinstance(err, Conflict):
        return Refused(text)
    if isinstance(err, AuthRejected):
        return Refused(
            f"The shop refuses the key: {text}. Check that key and secret are copied whole and "
            "that the key has read and write rights. Nothing was stored."
        )
    if isinstance(err, PermanentFailure):
        return Refused(f"{text}. Nothing was stored.")
    if isinstance(err, TemporaryFailure):
        return Failed(
            f"The shop cannot be reached: {text}. Check the address and that the shop is "
            "online. Nothing was stored."
        )
    return Failed(f"{text}. Nothing was stored.")


def _show(line: dict[str, Any], *, as_json: bool) -> None:
    """Print a connected shop; end with 1 when something has to be mended."""
    if as_json:
        print_json(line)
    else:
        names = ("id", "name", "address", "state", "webhook_url", "webhook_secret")
        rows = [(name.replace("_", " "), line[name]) for name in names if name in line]
        print_table(("", ""), [*rows, ("webhooks", pairs(line["webhooks"]) or "none")])
    if not line["ok"]:
        raise Failed("\n".join(line["problems"]))
    for problem in line["problems"]:
        click.echo(problem, err=True)
