"""The command `postventa` and its groups."""

import click

from webhooks.cli.base import Commands
from webhooks.cli.connect import connect
from webhooks.cli.data import export, replay, status
from webhooks.cli.privacy import privacy
from webhooks.cli.reconcile import reconcile
from webhooks.cli.repair import dead_letters, effects
from webhooks.cli.rules import rules
from webhooks.cli.rules_try import fields, playbook, simulate, test_rules
from webhooks.cli.run import doctor, migrate, serve, worker
from webhooks.cli.shop_secrets import rotate_secret
from webhooks.cli.shops import shops
from webhooks.cli.upkeep import prune, rebuild
from webhooks.cli.users import users
from webhooks.cli.why import why


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="postventa", prog_name="postventa")
def main() -> None:
    """Work after the sale: rules that act on the orders of your shops.

    Settings come from the environment: POSTVENTA_DATA_DIR, POSTVENTA_BASE_URL and so
    on; all are listed in docs/reference/settings.md. Start with `postventa doctor`.
    """


for trial in (fields, playbook, simulate, test_rules):
    rules.add_command(trial)

shops.add_command(rotate_secret)
shops.add_command(connect)

for command in (
    serve,
    worker,
    migrate,
    doctor,
    shops,
    rules,
    status,
    export,
    reconcile,
    replay,
    dead_letters,
    effects,
    privacy,
    prune,
    rebuild,
    users,
    why,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
