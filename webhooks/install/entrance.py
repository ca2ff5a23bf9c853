"""Let people in whom a shop's WordPress has signed in; they come into a frame of wp-admin."""

from typing import Final

from flask import Blueprint, current_app, g, request
from flask.typing import ResponseReturnValue
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from connector.storage.access import Door, Role
from webhooks.admin.access import (
    SESSION_HEADER,
    application,
    let_in,
    public_for_others,
    write_down,
)
from webhooks.install.handover import HandedOver, HandoverRefused, enter, frame_origin
from webhooks.install.pages import page
from webhooks.install.wording import language_of, text

ENTER: Final = "/admin/wordpress/enter"

pages = Blueprint("wordpress", __name__)


@pages.post("/wordpress/enter")
@public_for_others
def enter_admin() -> ResponseReturnValue:
    """Take a hand-over from a shop's WordPress and show the page it is for."""
    # The form comes from wp-admin, so no word of ours is in it: the token is the proof.
    app = application()
    try:
        person = enter(app, request.form.get("token", ""), app.base_url() + ENTER)
    except HandoverRefused as err:
        return _refused(err)
    known = let_in(
        app,
        Door.WORDPRESS,
        actor=f"{person.login} (WordPress)",
        shop_id=person.shop.id,
        role=Role(person.role),
        locale=person.locale.replace("_", "-"),
    )
    return _page_for(person, known.session)


def _page_for(person: HandedOver, session: str) -> Response:
    """Show the wanted page in this very answer: a redirect would lose the session.

    An order that is not known yet leads to the first page.
    """
    first = f"/admin/shops/{person.shop.id}/"
    for path in dict.fromkeys((person.page or first, first)):
        builder = EnvironBuilder(
            path,
            method="GET",
            base_url=request.host_url,
            headers=[
                (SESSION_HEADER, session),
                ("User-Agent", request.headers.get("User-Agent", "")),
                ("Accept-Language", request.headers.get("Accept-Language", "")),
            ],
            environ_overrides={"REMOTE_ADDR": request.remote_addr or ""},
        )
        answer = Response.from_app(current_app, builder.get_environ(), buffered=True)
        if answer.status_code == 200:  # noqa: PLR2004 - it is there
            break
    # Its own headers hold; ours would be those of a page for nobody.
    g.content_policy = answer.headers.get("Content-Security-Policy")
    g.frame_ancestors = (frame_origin(person.shop),)
    return answer


def _refused(err: HandoverRefused) -> ResponseReturnValue:
    app = application()
    if err.shop is not None:
        with app.storage.transaction() as tx:
            write_down(
                tx,
                "sign_in.refused",
                door=Door.WORDPRESS,
                shop_id=err.shop.id,
                reason=str(err.reason),
            )
    language = language_of(request.headers.get("Accept-Language", ""))
    # Nothing on this page can be clicked, so any frame may show it.
    g.frame_ancestors = (frame_origin(err.shop),) if err.shop else ("*",)
    answer = page(
        language,
        text(language, "handover", "title"),
        [text(language, "handover", err.reason)],
        failed=True,
        frame=g.frame_ancestors[0],
    )
    g.content_policy = answer.headers["Content-Security-Policy"]
    return answer, 403
