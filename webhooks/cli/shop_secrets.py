"""The command that changes what signs a shop's webhooks."""

import click

from webhooks.cli.base import Failed, json_option, opened, pairs, print_json

_MOST_HOURS = 30 * 24


@click.command("rotate-secret")
@click.argument("shop_id")
@click.option(
    "--overlap-hours",
    type=click.IntRange(1, _MOST_HOURS),
    default=24,
    show_default=True,
    help="How long deliveries signed with the old secret are still taken.",
)
@click.option("--client-secret", help="Shopify: the new client secret of the app.")
@json_option
def rotate_secret(
    shop_id: str, overlap_hours: int, client_secret: str | None, as_json: bool
) -> None:
    """Give the webhooks of the shop SHOP_ID a new secret.

    WooCommerce: one is made and set at our webhooks in the shop. Shopify: rotate the
    client secret in the Dev Dashboard and give it with --client-secret. Deliveries
    signed with the old or the new secret are taken until the overlap is over.
    """
    from datetime import timedelta

    from connector.errors import AdapterError
    from webhooks.secret_rotation import rotate_secret as rotate

    with opened() as app:
        try:
            done = rotate(
                app,
                shop_id,
                overlap=timedelta(hours=overlap_hours),
                client_secret=client_secret,
            )
        except AdapterError as err:
            raise Failed(
                f"The shop did not take it ({str(err).strip().rstrip('.')}). Nothing is refused "
                "meanwhile: both secrets are good. Run the same command again."
            ) from err
    if as_json:
        print_json(done)
        return
    click.echo(
        f"{done['name']} ({done['id']}) has a new secret. What was signed with the old one is "
        f"taken until {done['old_valid_until']}."
    )
    click.echo(f"Webhooks: {pairs(done['webhooks']) or 'none'}")
    if "webhook_secret" in done:
        click.echo(f"New secret: {done['webhook_secret']}")
    if done["todo"]:
        click.echo(done["todo"])
