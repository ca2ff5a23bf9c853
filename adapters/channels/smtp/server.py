"""Which mail server to use, read from its URL."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from adapters._mail import mail_address
from connector.errors import ConfigurationError, MessageInvalid
from connector.secret import Secret

_PORTS: Final = {"smtp": 587, "smtps": 465}
_TLS: Final = ("required", "offered", "never")
_OPTIONS: Final = frozenset({"from", "tls", "ca"})
_NAME: Final = "POSTVENTA_SMTP_URL"
_SHAPE: Final = "smtp://user:password@host:587?from=shop@example.com"


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server and how to talk to it.

    Attributes:
        implicit_tls: encrypted from the first byte (`smtps`).
        tls: `required`, `offered` (used when there) or `never`; about STARTTLS.
        sender: the address in From, plain ASCII.
    """

    host: str
    port: int
    implicit_tls: bool
    tls: str
    user: str
    password: Secret
    sender: str
    context: ssl.SSLContext = field(repr=False)


def read_server(url: Secret, mail_from: str) -> MailServer:
    """Read the URL of a mail server.

    Args: mail_from: sender address; wins over `from` in the URL.
    Raises: ConfigurationError: what is wrong; the URL itself is not repeated.
    """
    try:
        parts = urlsplit(url.reveal())
        port = parts.port
        options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError as err:
        # The reason of the library would repeat the URL and its password.
        raise ConfigurationError(f"{_NAME} cannot be read; it looks like {_SHAPE}") from err
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigurationError(f"{_NAME} begins with smtp:// or smtps://, like {_SHAPE}")
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise ConfigurationError(
            f"{_NAME} has the unknown option {unknown[0]!r}; there are: from, tls, ca"
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        implicit_tls=parts.scheme == "smtps",
        tls=_tls(_first(options, "tls"), safe=not password or _is_here(parts.hostname)),
        user=user,
        password=Secret(password),
        sender=_sender(mail_from or _first(options, "from") or user),
        context=_context(_first(options, "ca")),
    )


def _first(options: Mapping[str, list[str]], name: str) -> str:
    return options.get(name, [""])[0]


def _tls(asked: str, *, safe: bool) -> str:
    if asked and asked not in _TLS:
        raise ConfigurationError(f"{_NAME}: tls is one of {', '.join(_TLS)}")
    # A password never goes over a foreign network in the clear unless someone says so.
    return asked or ("offered" if safe else "required")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sender(text: str) -> str:
    try:
        return mail_address(parseaddr(text)[1])
    except MessageInvalid as err:
        raise ConfigurationError(
            "Mails need a sender address: set POSTVENTA_MAIL_FROM, like shop@example.com"
        ) from err


def _context(authority: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority:
        try:
            context.load_verify_locations(authority)
        except (OSError, ssl.SSLError) as err:
            raise ConfigurationError(f"{_NAME}: the file of `ca` cannot be read") from err
    return context
