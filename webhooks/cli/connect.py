"""Commands that connect a shop by the shop's own page for granting access."""

import getpass

import click

from webhooks.cli.base import Refused, json_option, opened, print_json


@click.group()
def connect() -> None:
    """Give the address at which the owner of a shop lets Postventa in."""


@connect.command()
@click.option("--url", required=True, help="Address of the shop, like https://shop.example.com.")
@click.option("--name", default="", help="How you call the shop; its host when not given.")
@json_option
def woocommerce(url: str, name: str, as_json: bool) -> None:
    """Connect a WooCommerce shop without typing keys.

    Two ways are printed. Open the first address in a browser, signed in to the shop: it
    asks whether Postventa may have keys. Or put the second one into the Postventa plugin
    of the shop, which also brings these pages into wp-admin. The first is good for 30
    minutes, the second for a day; each once.
    """
    from webhooks.install.binding import InstallRefused
    from webhooks.install.woocommerce import begin, make_code
    from webhooks.install.wording import text

    with opened() as app:
        by = f"cli:{_user()}"
        try:
            begun = begin(app, url, by=by, name=name)
            code = make_code(app, by=by, url=url)
        except InstallRefused as err:
            told = (err.detail, text("en", "refused", err.reason))
            raise Refused(" ".join(part for part in told if part)) from err
    if as_json:
        print_json({"authorize_url": begun.authorize_url, "connector_address": code})
        return
    click.echo("Open this in a browser, signed in to the shop as its owner (30 minutes):\n")
    click.echo(f"  {begun.authorize_url}\n")
    click.echo("Or put this into WooCommerce > Postventa in the shop (24 hours):\n")
    click.echo(f"  {code}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
