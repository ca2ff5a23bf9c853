"""Who may sign in and what they may do; for owners of all shops."""

import secrets
from typing import Any, Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from connector.admin.names import new_name
from connector.admin.passwords import check_new, hashed
from connector.errors import ConfigurationError, Conflict
from connector.storage.access import EVERYWHERE, Role, UserRecord, UserState
from connector.storage.port import Transaction
from webhooks.admin.access import application, needs_everywhere, visitor, write_down
from webhooks.admin.forms import go_on, typed

pages = Blueprint("users", __name__)

_PAGE: Final = "admin.users.users"


@pages.get("/users")
@needs_everywhere(Role.OWNER)
def users() -> ResponseReturnValue:
    """List the users."""
    return _list()


@pages.post("/users")
@needs_everywhere(Role.OWNER)
def add() -> ResponseReturnValue:
    """Add a user."""
    name, password = typed(request, "name"), request.form.get("password", "")
    app = application()
    try:
        name = new_name(name)
        check_new(password, name)
        shop_id, role = _shop(), _role() or Role.VIEWER
        user = new_user(name, password, app.clock.now(), shop_id, role)
        with app.storage.transaction() as tx:
            tx.add_user(user)
            write_down(tx, "user.added", user=name, role=str(role), shop=shop_id)
    except (ConfigurationError, Conflict) as err:
        return _list(error=str(err), typed_name=name), 422
    return go_on(_PAGE, "user_added")


@pages.post("/users/<user_id>")
@needs_everywhere(Role.OWNER)
def change(user_id: str) -> ResponseReturnValue:
    """Give or take a role, switch a user on or off, take away the second factor."""
    act = typed(request, "act")
    shop_id = _shop() if act == "role" else None
    app = application()
    with app.storage.transaction() as tx:
        user = tx.user(user_id)
        if user is None:
            return go_on(_PAGE, "nothing_done")
        said = _change(tx, user, act, shop_id or EVERYWHERE)
        if said != "nothing_done" and not _owners(tx):
            # Somebody must be left who can undo it.
            raise _NoOwnerLeft
        if said != "nothing_done":
            detail: dict[str, Any] = (
                {} if shop_id is None else {"role": str(_role() or ""), "shop": shop_id}
            )
            write_down(tx, f"user.{act}", user=user.name, **detail)
    return go_on(_PAGE, said)


@pages.errorhandler(ConfigurationError)
def _not_done(err: ConfigurationError) -> ResponseReturnValue:
    del err
    return go_on(_PAGE, "last_owner")


class _NoOwnerLeftError(ConfigurationError):
    """The last owner of all shops would be gone."""


_NoOwnerLeft: Final = _NoOwnerLeftError("the last owner")


def _change(tx: Transaction, user: UserRecord, act: str, shop_id: str) -> str:
    if act == "role":
        tx.set_role(user.id, shop_id, _role())
    elif act == "disable":
        tx.update_user(user.id, state=UserState.DISABLED)
        tx.end_sessions(user.id)
    elif act == "enable":
        tx.update_user(user.id, state=UserState.ACTIVE)
    elif act == "totp_off":
        tx.set_totp(user.id, None, [])
        tx.end_sessions(user.id, but=visitor().digest)
    else:
        return "nothing_done"
    return "saved"


def _owners(tx: Transaction) -> int:
    return sum(
        one.state is UserState.ACTIVE and one.roles.get(EVERYWHERE) is Role.OWNER
        for one in tx.users()
    )


def new_user(name: str, password: str, now: Any, shop_id: str, role: Role) -> UserRecord:
    """Make a user whose name and password were looked at."""
    return UserRecord(
        id="u" + secrets.token_hex(8),
        name=name,
        password_hash=hashed(password),
        created_at=now,
        roles={shop_id: role},
    )


def _role() -> Role | None:
    text = typed(request, "role")
    return Role(text) if text in set(Role) else None


def _shop() -> str:
    """Read which shop a role is for: one that is connected, or all.

    Raises: ConfigurationError: neither; nothing is guessed here.
    """
    text = typed(request, "shop")
    with application().storage.reading() as tx:
        if text != EVERYWHERE and all(one.id != text for one in tx.shops()):
            raise ConfigurationError("No such shop is connected.")
    return text


def _list(**values: Any) -> str:
    with application().storage.reading() as tx:
        rows, shops = tx.users(), tx.shops()
    names = {EVERYWHERE: "", **{str(one.id): one.name for one in shops}}
    return render_template("admin/users.html", rows=rows, all_shops=shops, names=names, **values)
