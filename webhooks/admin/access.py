"""Who is this, and may they: visitors, the doors they come by, and the guard of every page.

A page declares what it needs, by a decorator under its route: `public`, `signed_in`,
`needs(role)` (its address names the shop) or `needs_everywhere(role)`. The guard runs before
every page; one that declares nothing is not shown.

A new way to come in is a function in `DOORS`. Inside the backend of a shop no cookie is
sent, so the session's secret name travels in the page: in a header of htmx's requests and
in a hidden field of forms.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeVar

from flask import Request, abort, current_app, g, request

from connector.admin.sessions import (
    digest_of,
    is_to_be_noted,
    live_session,
    open_session,
)
from connector.model.order import ShopId
from connector.storage.access import (
    EVERYWHERE,
    AuditEntry,
    Door,
    Role,
    SessionRecord,
    Stage,
    UserState,
)
from connector.storage.port import Transaction
from connector.storage.records import ShopRecord
from webhooks.wiring import Application

SESSION_HEADER: Final = "X-Postventa-Session"
SESSION_FIELD: Final = "session"
_EXTENSION: Final = "postventa"

View = TypeVar("View", bound=Callable[..., Any])


class Scope(Enum):
    """For what a page needs a role."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    SHOP = "shop"
    EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a page asks of its visitor.

    Attributes:
        foreign: it is posted to by other sites, which prove themselves in their own way.
    """

    scope: Scope
    role: Role = Role.VIEWER
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in.

    Attributes:
        actor: what the log calls them.
        roles: shop id, or EVERYWHERE, to role.
        session: the secret name of the session. framed: it travels in pages, since they
            stand in a frame of a shop's backend.
    """

    actor: str
    door: Door
    roles: Mapping[str, Role]
    session: str = field(repr=False)
    locale: str = ""
    user_id: str | None = None
    framed: bool = False

    def role_in(self, shop_id: str) -> Role | None:
        """Tell the role in a shop: the larger of the two that may be given."""
        given = [self.roles[one] for one in (shop_id, EVERYWHERE) if one in self.roles]
        return max(given, key=list(Role).index, default=None)

    def may(self, role: Role, shop_id: str) -> bool:
        """Tell whether they may do in a shop what a role may."""
        held = self.role_in(shop_id)
        return held is not None and held.covers(role)

    def may_everywhere(self, role: Role) -> bool:
        """Tell whether they may do what a role may in all shops."""
        held = self.roles.get(EVERYWHERE)
        return held is not None and held.covers(role)

    @property
    def digest(self) -> str:
        """Give the form in which the session is kept."""
        return digest_of(self.session)


def public(view: View) -> View:
    """Declare a page that everybody may see."""
    return _declared(view, Needs(Scope.PUBLIC))


def public_for_others(view: View) -> View:
    """Declare a page that other sites post to; it checks them itself."""
    return _declared(view, Needs(Scope.PUBLIC, foreign=True))


def signed_in(view: View) -> View:
    """Declare a page for whoever is signed in, about themselves or all their shops."""
    return _declared(view, Needs(Scope.SIGNED_IN))


def needs(role: Role) -> Callable[[View], View]:
    """Declare a page about the shop of its `shop_id`, for those with this role in it."""
    return lambda view: _declared(view, Needs(Scope.SHOP, role))


def needs_everywhere(role: Role) -> Callable[[View], View]:
    """Declare a page for those who have this role in all shops."""
    return lambda view: _declared(view, Needs(Scope.EVERYWHERE, role))


def _declared(view: View, wanted: Needs) -> View:
    view.needs = wanted  # type: ignore[attr-defined]  # a mark of ours
    return view


def needs_of(view: Callable[..., Any]) -> Needs | None:
    """Tell what a page declared."""
    return getattr(view, "needs", None)


def remember_application(flask_app: Any, app: Application) -> None:
    """Let pages find what they work on."""
    flask_app.extensions[_EXTENSION] = app


def application() -> Application:
    """Give what the pages work on."""
    found: Application = current_app.extensions[_EXTENSION]
    return found


def visitor() -> Visitor:
    """Give who is signed in; only for pages that need somebody."""
    found: Visitor | None = g.get("visitor")
    if found is None:
        abort(401)
    return found


def shop() -> ShopRecord:
    """Give the shop of the page; only for pages that need a role in it."""
    found: ShopRecord | None = g.get("shop")
    if found is None:
        abort(404)
    return found


def cookie_name(app: Application) -> str:
    """Name the cookie of sessions: bound to this very host where TLS allows it."""
    return "__Host-postventa" if is_secure(app) else "postventa"


def is_secure(app: Application) -> bool:
    """Tell whether people reach this server by TLS."""
    return app.settings.base_url.startswith("https://")


def from_cookie(app: Application, incoming: Request) -> Visitor | None:
    """Know a visitor by the cookie: the stand-alone console."""
    name = incoming.cookies.get(cookie_name(app), "")
    return _of_session(app, name, framed=False)


def from_page(app: Application, incoming: Request) -> Visitor | None:
    """Know a visitor by what a page in a frame sends along."""
    name = incoming.headers.get(SESSION_HEADER, "")
    if not name and incoming.method == "POST":
        name = incoming.form.get(SESSION_FIELD, "")
    return _of_session(app, name, framed=True)


DOORS: Final[list[Callable[[Application, Request], Visitor | None]]] = [from_page, from_cookie]
"""The ways a visitor is known by, asked in this order."""


def _of_session(app: Application, name: str, *, framed: bool) -> Visitor | None:
    if not name:
        return None
    now = app.clock.now()
    with app.storage.reading() as tx:
        session = live_session(tx, name, now)
        # A session of one door opens no other: what stands in pages is no cookie.
        if session is None or session.stage is not Stage.OPEN:
            return None
        if framed is (session.door is Door.STANDALONE):
            return None
        found = _visitor(tx, session, name, framed=framed)
    if found is not None and is_to_be_noted(session, now):
        with app.storage.transaction() as tx:
            tx.touch_session(session.digest, seen_at=now)
    return found


def _visitor(tx: Transaction, session: SessionRecord, name: str, *, framed: bool) -> Visitor | None:
    roles, locale = session.roles, session.locale
    if session.user_id is not None:
        # As they are now: a role that was taken away is gone at once.
        user = tx.user(session.user_id)
        if user is None or user.state is not UserState.ACTIVE:
            return None
        roles, locale = user.roles, session.locale or user.locale
    return Visitor(session.actor, session.door, roles, name, locale, session.user_id, framed=framed)


def let_in(
    app: Application,
    door: Door,
    *,
    actor: str,
    shop_id: ShopId,
    role: Role,
    locale: str = "",
) -> Visitor:
    """Begin a session for somebody whom a shop's backend sent; the caller has checked them.

    The visitor is known for the rest of this request: the caller answers with a page.
    """
    with app.storage.transaction() as tx:
        name = open_session(
            tx,
            door=door,
            actor=actor,
            now=app.clock.now(),
            roles={shop_id: role},
            locale=locale,
            address=request.remote_addr or "",
            agent=request.headers.get("User-Agent", ""),
        )
        write_down(tx, "sign_in.done", actor=actor, door=door, shop_id=shop_id)
        g.shop = tx.shop(shop_id)
    g.visitor = Visitor(actor, door, {shop_id: role}, name, locale, framed=True)
    entered: Visitor = g.visitor
    return entered


def write_down(
    tx: Transaction,
    act: str,
    *,
    actor: str | None = None,
    door: Door | None = None,
    shop_id: ShopId | None = None,
    **detail: Any,
) -> None:
    """Write an act into the log, with who and from where.

    Args: actor, door: when nobody is signed in yet. detail: plain values, no secrets.
    """
    known: Visitor | None = g.get("visitor")
    tx.add_audit(
        AuditEntry(
            at=application().clock.now(),
            actor=actor if actor is not None else (known.actor if known else ""),
            door=door or (known.door if known else Door.STANDALONE),
            act=act,
            address=request.remote_addr or "",
            shop_id=shop_id,
            detail=detail,
        )
    )


def find_visitor(app: Application) -> Visitor | None:
    """Ask all doors who this is."""
    return next((found for door in DOORS if (found := door(app, request)) is not None), None)


def shops_of(known: Visitor, tx: Transaction) -> list[ShopRecord]:
    """List the shops that a visitor may see."""
    return [one for one in tx.shops() if known.role_in(one.id) is not None]
