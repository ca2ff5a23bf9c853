"""The templates that come with Postventa, in Spanish and English."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

from connector.errors import MessageInvalid
from connector.model.message import MessageClass

LANGUAGES = ("es", "en")


@dataclass(frozen=True, slots=True)
class Template:
    """One message in one language, still to be rendered."""

    name: str
    language: str
    message_class: MessageClass
    subject: str
    body: str


def template_names() -> tuple[str, ...]:
    """Give the names of all templates."""
    folder = resources.files(__package__).joinpath("defaults", LANGUAGES[0])
    return tuple(
        sorted(
            entry.name.removesuffix(".liquid")
            for entry in folder.iterdir()
            if entry.name.endswith(".liquid")
        )
    )


@cache
def load_template(name: str, language: str) -> Template:
    """Read one template.

    Args: language: `es` or `en`.
    Raises: MessageInvalid: there is none of this name.
    """
    if name not in template_names():
        raise MessageInvalid(
            f"there is no template {name!r}; there are: {', '.join(template_names())}"
        )
    file = resources.files(__package__).joinpath("defaults", language, f"{name}.liquid")
    return read_template(name, language, file.read_text(encoding="utf-8"))


def read_template(name: str, language: str, source: str) -> Template:
    """Split a template into its head (`class`, `subject`) and its body.

    Raises: MessageInvalid: the head is not complete.
    """
    head, found, body = source.partition("\n---\n")
    values = dict(line.split(": ", maxsplit=1) for line in head.splitlines() if ": " in line)
    if not found or set(values) != {"class", "subject"}:
        raise MessageInvalid(
            f"template {name!r} needs the lines `class:` and `subject:`, then `---`"
        )
    try:
        message_class = MessageClass(values["class"])
    except ValueError as err:
        raise MessageInvalid(
            f"template {name!r}: class is `service`, `feedback` or `marketing`"
        ) from err
    return Template(name, language, message_class, values["subject"], body.strip() + "\n")
