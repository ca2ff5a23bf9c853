"""One's own account: password, second factor, sessions."""

from hmac import compare_digest
from typing import Any, Final

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from connector.admin.passwords import check_new, hashed, matches
from connector.admin.second_factor import (
    new_recovery_codes,
    new_secret,
    recovery_digest,
    setup_link,
    step_of,
)
from connector.admin.tries import begin_try, forget
from connector.errors import ConfigurationError
from connector.secret import Secret
from connector.storage.access import UserRecord
from webhooks.admin.access import application, signed_in, visitor, write_down
from webhooks.admin.forms import go_on, typed

pages = Blueprint("account", __name__)

_PAGE: Final = "admin.account.account"
_SHORT: Final = 16


@pages.get("/account")
@signed_in
def account() -> ResponseReturnValue:
    """Show one's own account."""
    return _page()


@pages.post("/account/password")
@signed_in
def password() -> ResponseReturnValue:
    """Change one's password; all other sessions end."""
    user, app = _user(), application()
    new = request.form.get("new", "")
    if not _is_me(user):
        return _page(error="account.wrong_password"), 401
    try:
        check_new(new, user.name)
    except ConfigurationError as err:
        return _page(problem=str(err)), 422
    kept = hashed(new)
    with app.storage.transaction() as tx:
        tx.update_user(user.id, password_hash=kept)
        ended = tx.end_sessions(user.id, but=visitor().digest)
        write_down(tx, "password.changed", sessions_ended=ended)
    return go_on(_PAGE, "password_changed")


@pages.post("/account/totp")
@signed_in
def totp() -> ResponseReturnValue:
    """Show a new secret for the second factor; it counts once a code of it was typed."""
    user = _user()
    if not _is_me(user):
        return _page(error="account.wrong_password"), 401
    secret = new_secret()
    return _setup(user, secret)


@pages.post("/account/totp/confirm")
@signed_in
def confirm_totp() -> ResponseReturnValue:
    """Switch the second factor on; show the codes that stand in for it, this once."""
    user, app = _user(), application()
    secret = Secret(typed(request, "secret"))
    if not _is_me(user):
        return _page(error="account.wrong_password"), 401
    try:
        step = step_of(secret, typed(request, "code"), app.clock.now())
    except ValueError:
        step = None
    if step is None:
        return _setup(user, secret, error="login.wrong_code"), 422
    codes = new_recovery_codes()
    with app.storage.transaction() as tx:
        tx.set_totp(user.id, secret, [recovery_digest(code) for code in codes])
        tx.use_totp_step(user.id, step)
        tx.end_sessions(user.id, but=visitor().digest)
        write_down(tx, "second_factor.on")
    return render_template("admin/recovery.html", codes=codes)


@pages.post("/account/totp/off")
@signed_in
def totp_off() -> ResponseReturnValue:
    """Switch the second factor off."""
    user = _user()
    if not _is_me(user):
        return _page(error="account.wrong_password"), 401
    with application().storage.transaction() as tx:
        tx.set_totp(user.id, None, [])
        tx.end_sessions(user.id, but=visitor().digest)
        write_down(tx, "second_factor.off")
    return go_on(_PAGE, "saved")


@pages.post("/account/sessions")
@signed_in
def end_sessions() -> ResponseReturnValue:
    """End one other session, or all others."""
    user, wanted = _user(), typed(request, "which")
    with application().storage.transaction() as tx:
        if wanted == "others":
            ended = tx.end_sessions(user.id, but=visitor().digest)
        else:
            ended = sum(
                tx.end_session(one.digest)
                for one in tx.sessions_of(user.id)
                if one.digest[:_SHORT] == wanted
                and not compare_digest(one.digest, visitor().digest)
            )
        write_down(tx, "session.ended", sessions_ended=ended)
    return go_on(_PAGE, "sessions_ended")


def _user() -> UserRecord:
    """Give the user who is signed in; people of a shop's backend have no account here."""
    known = visitor()
    with application().storage.reading() as tx:
        user = None if known.user_id is None else tx.user(known.user_id)
    if user is None:
        abort(404)
    return user


def _is_me(user: UserRecord) -> bool:
    """Ask for the password once more: a screen that was left open is not enough."""
    app, address = application(), request.remote_addr or ""
    with app.storage.transaction() as tx:
        if begin_try(tx, user.name, address, app.clock.now()) is not None:
            return False
    right = matches(request.form.get("password", ""), user.password_hash)
    if right:
        with app.storage.transaction() as tx:
            forget(tx, user.name, address)
    return right


def _setup(user: UserRecord, secret: Secret, **values: Any) -> str:
    return render_template(
        "admin/totp_setup.html",
        secret=secret.reveal(),
        link=setup_link(secret, user.name),
        **values,
    )


def _page(**values: Any) -> str:
    user = _user()
    with application().storage.reading() as tx:
        sessions = tx.sessions_of(user.id)
    return render_template(
        "admin/account.html", user=user, sessions=sessions, short=_SHORT, **values
    )
