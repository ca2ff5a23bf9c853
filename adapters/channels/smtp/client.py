"""Talk SMTP, and say exactly how far a mail came when it fails."""

import base64
import smtplib
import ssl
from typing import Final, NoReturn

from adapters._redact import redact
from adapters.channels.smtp.server import MailServer
from connector.errors import (
    AdapterError,
    AuthRejected,
    InvalidRequest,
    OutcomeUnknown,
    PermanentFailure,
    TemporaryFailure,
    Unreachable,
)

TIMEOUT_S: Final = 30.0
_EXCERPT: Final = 200
_GO_ON: Final = 354
_OK: Final = range(200, 300)
_TEMPORARY: Final = range(400, 500)
# The server wants a login, or refuses the one given. Source: RFC 4954 section 6.
_AUTH_CODES: Final = frozenset({530, 534, 535, 538})


def deliver(server: MailServer, to: str, mail: bytes, *, timeout_s: float = TIMEOUT_S) -> str:
    """Hand one mail to the server.

    Args: to: the envelope's address. mail: the whole mail, lines ending in CR LF.
    Returns: what the server answered, redacted.
    Raises: AdapterError: see each step; OutcomeUnknown only after the text has begun to leave.
    """
    connection = _connected(server, timeout_s)
    try:
        _begin(connection, server, to)
        return _hand_over(connection, server, mail)
    finally:
        _leave(connection)


def _connected(server: MailServer, timeout_s: float) -> smtplib.SMTP:
    # The name in EHLO: asking DNS for our own could take half a minute.
    name = server.sender.rpartition("@")[2]
    connection: smtplib.SMTP | None = None
    try:
        if server.implicit_tls:
            connection = smtplib.SMTP_SSL(
                local_hostname=name, timeout=timeout_s, context=server.context
            )
        else:
            connection = smtplib.SMTP(local_hostname=name, timeout=timeout_s)
        # STARTTLS checks the certificate against the name the library remembers here.
        connection._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001 - set by its constructor only
        code, answer = connection.connect(server.host, server.port)
    except (OSError, smtplib.SMTPException) as err:
        if connection is not None:
            connection.close()
        raise Unreachable(
            f"the mail server cannot be reached: {_kind(err)}", platform="smtp", operation="connect"
        ) from err
    if code < 0:
        connection.close()
        raise Unreachable(
            "what answers there is no mail server", platform="smtp", operation="connect"
        )
    if code not in _OK:
        connection.close()
        raise _refusal(server, "connect", code, answer, "the mail server takes no connection")
    return connection


def _begin(connection: smtplib.SMTP, server: MailServer, to: str) -> None:
    """Go up to the point where the text may be sent; nothing has happened so far."""
    step = "EHLO"
    try:
        connection.ehlo_or_helo_if_needed()
        if not server.implicit_tls:
            step = "STARTTLS"
            _encrypt(connection, server)
        if server.user:
            step = "AUTH"
            _log_in(connection, server)
        step = "MAIL"
        _expect(server, step, connection.mail(server.sender), "the mail server refuses our sender")
        step = "RCPT"
        _expect(server, step, connection.rcpt(to), "the mail server refuses this recipient")
        step = "DATA"
        code, answer = connection.docmd("DATA")
    except smtplib.SMTPNotSupportedError as err:
        raise AuthRejected(
            "the mail server offers no login that we can use", platform="smtp", operation=step
        ) from err
    except smtplib.SMTPResponseException as err:
        raise _refusal(
            server, step, err.smtp_code, err.smtp_error, "the mail server refuses"
        ) from None  # the library's error repeats addresses
    except (OSError, smtplib.SMTPException) as err:
        _lost_before(step, err)
    if code != _GO_ON:
        raise _refusal(server, step, code, answer, "the mail server does not take the text")


def _encrypt(connection: smtplib.SMTP, server: MailServer) -> None:
    if server.tls == "never":
        return
    if connection.has_extn("starttls"):
        connection.starttls(context=server.context)
        connection.ehlo()
    elif server.tls == "required":
        raise PermanentFailure(
            "the mail server offers no encryption; use smtps://, or add tls=never to the URL "
            "when the way to it is safe",
            platform="smtp",
            operation="STARTTLS",
        )


def _log_in(connection: smtplib.SMTP, server: MailServer) -> None:
    user, password = server.user, server.password.reveal()
    if (user + password).isascii():
        connection.login(user, password)
        return
    # The library writes ASCII only; PLAIN is UTF-8. Source: RFC 4616 section 2.
    connection.ehlo_or_helo_if_needed()
    if "PLAIN" not in connection.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError
    secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode("ascii")
    code, answer = connection.docmd("AUTH", f"PLAIN {secret}")
    if code not in _OK:
        raise smtplib.SMTPAuthenticationError(code, answer)


def _hand_over(connection: smtplib.SMTP, server: MailServer, mail: bytes) -> str:
    """Send the text. From here on a lost connection tells nothing about its fate."""
    stuffed = b"\r\n".join(
        b"." + line if line.startswith(b".") else line for line in mail.rstrip().split(b"\r\n")
    )
    try:
        connection.send(stuffed + b"\r\n.\r\n")
        code, answer = connection.getreply()
    except (OSError, smtplib.SMTPException) as err:
        raise OutcomeUnknown(
            f"the mail server was lost before it answered: {_kind(err)}",
            platform="smtp",
            operation="DATA",
        ) from err
    _expect(server, "DATA", (code, answer), "the mail server refuses the mail")
    return f"{code} {_plain(server, answer)}"


def _expect(server: MailServer, step: str, reply: tuple[int, bytes], words: str) -> None:
    if reply[0] not in _OK:
        raise _refusal(server, step, reply[0], reply[1], words)


def _refusal(
    server: MailServer, step: str, code: int, answer: bytes | str, words: str
) -> AdapterError:
    excerpt = _plain(server, answer)
    kind: type[AdapterError] = InvalidRequest
    if code in _AUTH_CODES or (step == "AUTH" and code not in _TEMPORARY):
        kind, words = AuthRejected, "the mail server refuses our login; check POSTVENTA_SMTP_URL"
    elif code in _TEMPORARY or code < 0:
        kind = TemporaryFailure
    return kind(
        f"{words}: {code} {excerpt}".strip(),
        platform="smtp",
        operation=step,
        status=code if code > 0 else None,
        excerpt=excerpt,
    )


def _lost_before(step: str, err: Exception) -> NoReturn:
    raise Unreachable(
        f"the mail server was lost before the mail left: {_kind(err)}",
        platform="smtp",
        operation=step,
    ) from err


def _kind(err: Exception) -> str:
    """Name an error without its text, which may repeat addresses."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {err.verify_message}"
    if isinstance(err, OSError) and err.strerror:
        return err.strerror
    return type(err).__name__


def _plain(server: MailServer, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    line = " ".join(text.split())
    return redact(line, [server.password] if server.password else [])[:_EXCERPT]


def _leave(connection: smtplib.SMTP) -> None:
    try:
        connection.quit()
    except (OSError, smtplib.SMTPException):
        # The mail's fate is known by now; a rude good-bye changes nothing.
        connection.close()
