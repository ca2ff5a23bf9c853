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


@connect.command()
@click.option("--shop", required=True, help="Domain of the shop, like x.myshopify.com.")
@click.option("--client-id", required=True, help="Client id of your app.")
@click.option(
    "--client-secret",
    prompt=True,
    hide_input=True,
    help="Client secret of your app; asked for when not given.",
)
@click.option("--name", default="", help="How you call the shop; its own name when not given.")
@click.option("--contact", default="", help="Mail address or telephone for buyers.")
@click.option("--api-url", help="Another place of the API; only for tests and the sandbox.")
@json_option
def shopify(
    shop: str,
    client_id: str,
    client_secret: str,
    name: str,
    contact: str,
    api_url: str | None,
    as_json: bool,
) -> None:
    """Connect a Shopify shop by installing your app in it.

    For shops of another Shopify organization than the app's; a shop of your own needs only
    `postventa shops add shopify`. Register the two printed addresses with the app first:
    see docs/howto/shopify-app.md.
    """
    from webhooks.install.shopify import app_url, callback_url, make_link

    with opened() as app:
        link = make_link(
            app,
            shop=shop,
            client_id=client_id,
            client_secret=client_secret,
            name=name,
            contact=contact,
            api_url=api_url,
        )
        base = app.base_url()
    line = {
        "link": link,
        "app_url": app_url(base, client_id),
        "redirect_url": callback_url(base, client_id),
    }
    if as_json:
        print_json(line)
        return
    click.echo("Open this in a browser, signed in to the shop as its owner (24 hours):\n")
    click.echo(f"  {line['link']}\n")
    click.echo("The app's settings in the Dev Dashboard need these addresses:\n")
    click.echo(f"  App URL       {line['app_url']}")
    click.echo(f"  Redirect URL  {line['redirect_url']}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
