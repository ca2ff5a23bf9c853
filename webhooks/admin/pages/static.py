"""The few files that pages load: one style sheet, one script."""

from pathlib import Path
from typing import Final

from flask import Blueprint, send_from_directory
from werkzeug.wrappers import Response

from webhooks.admin.access import public

FOLDER: Final = Path(__file__).parents[1] / "static"
# A file keeps its name: after an update its old form may be shown for so long.
_KEEP_S: Final = 3_600

pages = Blueprint("static", __name__)


@pages.get("/static/<path:name>")
@public
def file(name: str) -> Response:
    """Give a file."""
    answer = send_from_directory(FOLDER, name, max_age=_KEEP_S)
    answer.headers["Cache-Control"] = f"public, max-age={_KEEP_S}"
    return answer
