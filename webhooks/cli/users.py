"""Commands about users of the admin pages: add, list, passwords, roles, second factor."""

import secrets
import sys
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.base import Refused, json_option, opened, print_json, print_table

if TYPE_CHECKING:
    from connector.storage.access import UserRecord
    from connector.storage.port import Transaction
    from webhooks.wiring import Application

_ROLES = ("viewer", "editor", "owner")
_name = click.argument("name")
_shops = click.option(
    "--shop", "shop_ids", multiple=True, help="Id of a shop; may be repeated. Else: all shops."
)


@click.group()
def users() -> None:
    """Say who may sign in to the admin pages.

    Passwords are asked for, or read from stdin when it is no terminal; never given as
    an argument, where others on this machine could read them.
    """


@users.command()
@_name
@click.option("--role", type=click.Choice(_ROLES), default="viewer", help="What they may do.")
@_shops
@click.option("--lang", type=click.Choice(("es", "en")), default=None, help="Their language.")
@json_option
def add(name: str, role: str, shop_ids: tuple[str, ...], lang: str | None, as_json: bool) -> None:
    """Add the user NAME, like a mail address, with a password.

    Viewers see everything, editors also change rules and effects, owners also settings;
    owners of all shops manage users.
    """
    from connector.admin.names import new_name
    from connector.admin.passwords import check_new, hashed
    from connector.errors import Conflict
    from connector.storage.access import Role, UserRecord

    name = new_name(name)
    with opened() as app:
        places = _places(app, shop_ids)
        password = _new_password()
        check_new(password, name)
        user = UserRecord(
            id="u" + secrets.token_hex(8),
            name=name,
            password_hash=hashed(password),
            created_at=app.clock.now(),
            locale=lang or "",
            roles=dict.fromkeys(places, Role(role)),
        )
        try:
            with app.storage.transaction() as tx:
                tx.add_user(user)
                _write_down(app, tx, "user.added", user=name, role=role, shops=places)
        except Conflict as err:
            raise Refused(f"{err}.") from err
        address = app.settings.base_url
    if as_json:
        print_json(_line(user))
    else:
        click.echo(f"{name} may sign in at {address or 'this server'}/admin/ as {role}.")


@users.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """List the users with their roles."""
    with opened() as app, app.storage.reading() as tx:
        lines = [_line(user) for user in tx.users()]
    if as_json:
        print_json(lines)
        return
    print_table(
        ("name", "state", "second step", "roles"),
        [
            (
                line["name"],
                line["state"],
                "on" if line["totp"] else "off",
                ", ".join(f"{shop}: {role}" for shop, role in line["roles"].items()),
            )
            for line in lines
        ],
        empty="No user yet: see `postventa users add --help`.",
    )


@users.command()
@_name
def passwd(name: str) -> None:
    """Give the user NAME another password; their sessions end."""
    from connector.admin.passwords import check_new, hashed

    with opened() as app:
        user = _find(app, name)
        password = _new_password()
        check_new(password, user.name)
        kept = hashed(password)
        with app.storage.transaction() as tx:
            tx.update_user(user.id, password_hash=kept)
            ended = tx.end_sessions(user.id)
            _write_down(app, tx, "user.passwd", user=user.name)
    click.echo(f"{user.name} has another password; {ended} sessions were ended.")


@users.command()
@_name
@click.option("--undo", is_flag=True, help="Let them sign in again.")
def disable(name: str, undo: bool) -> None:
    """Keep the user NAME out; their sessions end at once."""
    from connector.storage.access import UserState

    with opened() as app:
        user = _find(app, name)
        with app.storage.transaction() as tx:
            tx.update_user(user.id, state=UserState.ACTIVE if undo else UserState.DISABLED)
            tx.end_sessions(user.id)
            _write_down(app, tx, "user.enable" if undo else "user.disable", user=user.name)
    click.echo(f"{user.name} {'may sign in again' if undo else 'is kept out'}.")


@users.command()
@_name
@click.option("--off", is_flag=True, required=True, help="Take the second step away.")
def totp(name: str, off: bool) -> None:
    """Take the second step away from the user NAME, who lost telephone and codes.

    They switch it on again themselves, under "My account".
    """
    del off
    with opened() as app:
        user = _find(app, name)
        with app.storage.transaction() as tx:
            tx.set_totp(user.id, None, [])
            tx.end_sessions(user.id)
            _write_down(app, tx, "user.totp_off", user=user.name)
    click.echo(f"{user.name} signs in with the password alone now.")


@users.command()
@_name
@click.argument("role", type=click.Choice((*_ROLES, "none")))
@_shops
def role(name: str, role: str, shop_ids: tuple[str, ...]) -> None:  # noqa: A002, RUF100 - the word of the page
    """Give the user NAME a ROLE in shops; `none` takes it away."""
    from connector.storage.access import Role

    with opened() as app:
        user = _find(app, name)
        places = _places(app, shop_ids)
        with app.storage.transaction() as tx:
            for place in places:
                tx.set_role(user.id, place, None if role == "none" else Role(role))
            _write_down(app, tx, "user.role", user=user.name, role=role, shops=places)
    click.echo(f"{user.name}: {role}, {', '.join(places)}.")


def _find(app: "Application", name: str) -> "UserRecord":
    from connector.admin.names import normal_name

    with app.storage.reading() as tx:
        user = tx.user_by_name(normal_name(name))
    if user is None:
        raise Refused(f"No user has the name {name[:120]!r}. See `postventa users list`.")
    return user


def _places(app: "Application", shop_ids: tuple[str, ...]) -> list[str]:
    from connector.storage.access import EVERYWHERE
    from webhooks.shops import find_shop

    return [str(find_shop(app, one).id) for one in shop_ids] or [EVERYWHERE]


def _new_password() -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


def _write_down(app: "Application", tx: "Transaction", act: str, **detail: Any) -> None:
    import getpass

    from connector.storage.access import AuditEntry, Door

    try:
        actor = getpass.getuser()
    except (OSError, KeyError):
        actor = ""
    tx.add_audit(AuditEntry(app.clock.now(), actor, Door.COMMAND, act, detail=detail))


def _line(user: "UserRecord") -> dict[str, Any]:
    return {
        "name": user.name,
        "state": str(user.state),
        "totp": user.totp is not None,
        "locale": user.locale,
        "roles": {shop: str(role) for shop, role in user.roles.items()},
    }
