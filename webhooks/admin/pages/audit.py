"""The log of what people did; for owners of all shops."""

from typing import Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from connector.storage.access import Role
from webhooks.admin.access import application, needs_everywhere

pages = Blueprint("audit", __name__)

PAGE: Final = 100
_DIGITS: Final = 18


@pages.get("/audit")
@needs_everywhere(Role.OWNER)
def audit() -> ResponseReturnValue:
    """Show acts, newest first."""
    asked = request.args.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= _DIGITS else None
    with application().storage.reading() as tx:
        rows = tx.audit(before=before, limit=PAGE + 1)
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    return render_template("admin/audit.html", rows=rows, before=rows[-1].id if more else None)
