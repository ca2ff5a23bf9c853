"""Come in and go out: password, second factor, language."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from connector.admin.names import normal_name
from connector.admin.passwords import hashed, is_outdated, matches
from connector.admin.second_factor import recovery_digest, step_of
from connector.admin.sessions import LIFE, csrf_token, digest_of, live_session, open_session
from connector.admin.tries import begin_try, forget
from connector.storage.access import Door, Stage, UserRecord, UserState
from connector.storage.port import Transaction
from webhooks.admin import access
from webhooks.admin.access import application, public, signed_in, visitor, write_down
from webhooks.admin.forms import BEFORE_FIELD, SEE_OTHER, local_path, typed
from webhooks.admin.language import LANGUAGES, known_language

pages = Blueprint("entrance", __name__)

_HOME: Final = "admin.home.start"


@pages.get("/login")
@public
def login() -> ResponseReturnValue:
    """Ask for name and password."""
    if g.visitor is not None:
        return redirect(_next(), SEE_OTHER)
    return _form("login")


@pages.post("/login")
@public
def try_login() -> ResponseReturnValue:
    """Look at name and password."""
    app = application()
    name, password = normal_name(typed(request, "name")), request.form.get("password", "")
    now, address = app.clock.now(), request.remote_addr or ""
    with app.storage.transaction() as tx:
        until = begin_try(tx, name, address, now)
    if until is not None:
        return _refused("login", until, now)
    with app.storage.reading() as tx:
        user = tx.user_by_name(name)
    active = user is not None and user.state is UserState.ACTIVE
    right = matches(password, user.password_hash if user and active else None)
    if user is None or not right:
        with app.storage.transaction() as tx:
            # What was typed is kept only where it is a name: it may be a password.
            write_down(tx, "sign_in.refused", actor=user.name if user else "")
        return _form("login", error="login.wrong", status=401)
    if is_outdated(user.password_hash):
        renewed = hashed(password)
        with app.storage.transaction() as tx:
            tx.update_user(user.id, password_hash=renewed)
    if user.totp is not None:
        return _enter(user, Stage.HALF, url_for("admin.entrance.totp", next=_next()))
    return _enter(user, Stage.OPEN, _next())


@pages.get("/totp")
@public
def totp() -> ResponseReturnValue:
    """Ask for the code of the second factor."""
    if _half() is None:
        return redirect(url_for("admin.entrance.login", next=_next()), SEE_OTHER)
    return _form("totp")


@pages.post("/totp")
@public
def try_totp() -> ResponseReturnValue:
    """Look at the code, or at a recovery code."""
    app = application()
    half = _half()
    if half is None:
        return redirect(url_for("admin.entrance.login", next=_next()), SEE_OTHER)
    now, address = app.clock.now(), request.remote_addr or ""
    code = typed(request, "code")
    with app.storage.transaction() as tx:
        user = tx.user(half.user_id)
        until = begin_try(tx, half.actor, address, now)
        if user is None or user.state is not UserState.ACTIVE or user.totp is None:
            return _form("login", error="login.wrong", status=401)
        right = until is None and _is_right(tx, user, code, now)
        if until is None and not right:
            write_down(tx, "second_factor.refused", actor=user.name)
    if until is not None:
        return _refused("totp", until, now)
    if not right:
        return _form("totp", error="login.wrong_code", status=401)
    return _enter(user, Stage.OPEN, _next())


@pages.post("/logout")
@signed_in
def logout() -> ResponseReturnValue:
    """End this session."""
    app = application()
    with app.storage.transaction() as tx:
        tx.end_session(visitor().digest)
        write_down(tx, "sign_out.done")
    answer = redirect(url_for("admin.entrance.login"), SEE_OTHER)
    answer.delete_cookie(access.cookie_name(app), path="/", secure=access.is_secure(app))
    return answer


@pages.post("/language")
@signed_in
def language() -> ResponseReturnValue:
    """Read the pages in another language from now on."""
    known, code = visitor(), known_language(typed(request, "language"))
    if code in LANGUAGES:
        with application().storage.transaction() as tx:
            tx.touch_session(known.digest, locale=code)
            if known.user_id is not None:
                tx.update_user(known.user_id, locale=code)
    return redirect(_next(), SEE_OTHER)


@dataclass(frozen=True, slots=True)
class _Half:
    """Somebody whose password was right."""

    user_id: str
    actor: str


def _half() -> _Half | None:
    app = application()
    name = request.cookies.get(_before_cookie(), "")
    if not name:
        return None
    with app.storage.reading() as tx:
        session = live_session(tx, name, app.clock.now())
    if session is None or session.stage is not Stage.HALF or session.user_id is None:
        return None
    return _Half(session.user_id, session.actor)


def _is_right(tx: Transaction, user: UserRecord, code: str, now: datetime) -> bool:
    assert user.totp is not None  # noqa: S101 - the caller has looked
    step = step_of(user.totp, code, now)
    if step is not None:
        # Each code counts once: who looked over a shoulder comes too late.
        return tx.use_totp_step(user.id, step)
    used = tx.use_recovery_code(user.id, recovery_digest(code))
    if used:
        write_down(tx, "second_factor.recovery_used", actor=user.name)
    return used


def _enter(user: UserRecord, stage: Stage, where: str) -> ResponseReturnValue:
    """Begin a session with a new name; one that the browser had is over."""
    app = application()
    address = request.remote_addr or ""
    old = [request.cookies.get(name) for name in (access.cookie_name(app), _before_cookie())]
    with app.storage.transaction() as tx:
        for name in old:
            if name:
                tx.end_session(digest_of(name))
        session = open_session(
            tx,
            door=Door.STANDALONE,
            actor=user.name,
            now=app.clock.now(),
            user_id=user.id,
            address=address,
            agent=request.headers.get("User-Agent", ""),
            stage=stage,
        )
        if stage is Stage.OPEN:
            forget(tx, user.name, address)
            write_down(tx, "sign_in.done", actor=user.name)
    answer = redirect(where, SEE_OTHER)
    if stage is Stage.OPEN:
        answer.delete_cookie(_before_cookie(), path="/", secure=access.is_secure(app))
        life = int(LIFE.total_seconds())
        _set_cookie(answer, access.cookie_name(app), session, life)
    else:
        _set_cookie(answer, _before_cookie(), session, None)
    return answer


def _form(page: str, *, error: str = "", status: int = 200, **values: Any) -> Response:
    """Show a form to somebody who is not signed in, with a word of its own in it."""
    before = request.cookies.get(_before_cookie(), "")
    fresh = not before
    before = before or secrets.token_urlsafe(32)
    g.before_word = csrf_token(before)
    answer = make_response(
        render_template(f"admin/{page}.html", error=error, next=_next(), **values), status
    )
    if fresh:
        _set_cookie(answer, _before_cookie(), before, None)
    return answer


def _refused(page: str, until: datetime, now: datetime) -> Response:
    seconds = max(int((until - now).total_seconds()) + 1, 1)
    minutes = -(-seconds // 60)
    answer = _form(page, error="login.wait", status=429, minutes=minutes)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _set_cookie(answer: Response, name: str, value: str, life_s: int | None) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=life_s,
        path="/",
        secure=access.is_secure(application()),
        httponly=True,
        samesite="Lax",
    )


def _before_cookie() -> str:
    return f"{access.cookie_name(application())}-{BEFORE_FIELD}"


def _next() -> str:
    asked = request.form.get("next") or request.args.get("next")
    return local_path(asked, url_for(_HOME))
