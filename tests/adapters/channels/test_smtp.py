"""The SMTP channel against a real mail server with faults."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from adapters.channels.smtp.adapter import SmtpChannel
from connector.errors import (
    AuthRejected,
    InvalidRequest,
    MessageInvalid,
    OutcomeUnknown,
    PermanentFailure,
    TemporaryFailure,
    Unreachable,
)
from connector.model.message import MessageClass
from connector.secret import Secret
from tests.adapters.channels.mail_server import (
    Mailbox,
    login,
    make_certificate,
    server_side,
    serving,
    talking,
)
from tests.contracts.channel import PASSWORD, Arrived, ChannelContract, message

SENDER = "tienda@shop.example"


def channel_at(
    port: int, *, options: str = "", user: str = "", scheme: str = "smtp"
) -> SmtpChannel:
    """Build the channel for a server on loopback."""
    url = f"{scheme}://{user}127.0.0.1:{port}{options}"
    return SmtpChannel({"from": SENDER, "timeout_s": "20"}, {"url": Secret(url)})


@pytest.fixture
def mailbox() -> Mailbox:
    """Give an empty mailbox."""
    return Mailbox()


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    """Give the port of a mail server that takes everything."""
    with serving(mailbox) as number:
        yield number


class TestSmtpChannel(ChannelContract):
    # The pretend mail server logs what it hears.
    loggers_of_the_other_side = frozenset({"mail.log", "mail.debug"})

    @pytest.fixture
    def channel(self, mailbox: Mailbox) -> Iterator[SmtpChannel]:
        self.mailbox = mailbox
        with serving(mailbox, authenticator=login, auth_require_tls=False) as port:
            yield channel_at(port, user=f"shop:{quote(PASSWORD, safe='')}@")

    def arrived(self) -> list[Arrived]:
        found = []
        for mail, envelope in zip(self.mailbox.mails(), self.mailbox.envelopes, strict=True):
            (to,) = mail["To"].addresses
            assert envelope.rcpt_tos == [to.addr_spec]
            assert all(len(line) <= 998 for line in mail.as_bytes().split(b"\r\n"))
            found.append(
                Arrived(to.addr_spec, to.display_name, mail["Subject"], mail["Message-ID"])
            )
        return found

    @contextmanager
    def outcome(self, name: str) -> Iterator[str]:
        self.mailbox.fault = name
        yield "ana@buyer.example"


def test_a_mail_has_both_forms_and_its_headers(mailbox: Mailbox, port: int) -> None:
    """One mail holds text and HTML, the shop as sender, and where to answer."""
    result = channel_at(port).send(message())

    (mail,) = mailbox.mails()
    (sender,) = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("La Huerta", SENDER)
    assert mail["Reply-To"] == "hola@shop.example"
    assert mail["Message-ID"] == "<0123456789abcdef0123456789abcdef@shop.example>"
    assert result.ref == mail["Message-ID"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "es"
    assert mail["List-Unsubscribe"] is None
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert text.get_content().splitlines()[0] == "Hola, Ana:"
    assert html is not None
    assert html.get_content().startswith("<p>Hola, Ana:")
    assert dict(result.detail) == {"answer": "250 2.0.0 Ok: queued as 4F7"}
    assert mailbox.envelopes[0].original_content.isascii()


def test_a_text_without_html_is_one_part(mailbox: Mailbox, port: int) -> None:
    """A message without HTML is a plain mail, its lines of dots unharmed."""
    channel_at(port).send(message(html="", text="uno\n.\n..dos\nñ\n"))

    (mail,) = mailbox.mails()
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == ["uno", ".", "..dos", "ñ"]


@pytest.mark.parametrize(
    ("unsubscribe", "header", "post"),
    [
        (
            "mailto:hola@shop.example?subject=BAJA%20" + "a" * 60,
            "<mailto:hola@shop.example?subject=BAJA%20" + "a" * 60 + ">",
            None,
        ),
        (
            "https://post.example/u/" + "b" * 120,
            "<https://post.example/u/" + "b" * 120 + ">",
            "List-Unsubscribe=One-Click",
        ),
        (
            "",
            "<mailto:hola@shop.example?subject=unsubscribe%200123456789abcdef0123456789abcdef>",
            None,
        ),
    ],
)
def test_an_offer_says_how_to_stop_it(
    mailbox: Mailbox, port: int, unsubscribe: str, header: str, post: str | None
) -> None:
    """Marketing carries List-Unsubscribe in one unbroken piece, one click where it can."""
    channel_at(port).send(
        message(
            message_class=MessageClass.MARKETING, basis="consent checkout", unsubscribe=unsubscribe
        )
    )

    (mail,) = mailbox.mails()
    raw = mailbox.envelopes[0].original_content
    assert f"List-Unsubscribe: {header}\r\n".encode() in raw
    assert mail["List-Unsubscribe-Post"] == post


@pytest.mark.parametrize(
    ("fault", "error", "operation"),
    [
        ("sender_refused", InvalidRequest, "MAIL"),
        ("login_wanted", AuthRejected, "MAIL"),
        ("drop_before", Unreachable, "MAIL"),
        ("spam", InvalidRequest, "DATA"),
        ("full", TemporaryFailure, "DATA"),
        ("lost", OutcomeUnknown, "DATA"),
    ],
)
def test_each_step_has_its_errors(
    mailbox: Mailbox, port: int, fault: str, error: type[Exception], operation: str
) -> None:
    """Where the talk breaks decides whether the mail may be sent again."""
    mailbox.fault = fault
    with pytest.raises(error) as caught:
        channel_at(port).send(message())

    assert type(caught.value) is error
    assert caught.value.operation == operation
    assert "shop.example" not in str(caught.value)


def test_nobody_listens() -> None:
    """A refused connection means that nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="cannot be reached"):
        channel_at(port).send(message())


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (b"", Unreachable),
        (b"421 4.3.2 closing down\r\n", TemporaryFailure),
        (b"554 5.7.1 your address is listed\r\n", InvalidRequest),
        (b"HTTP/1.0 400 Bad Request\r\n", Unreachable),
    ],
)
def test_strange_greetings(greeting: bytes, error: type[Exception]) -> None:
    """A server that hangs up, is closing down or is none at all gets no mail."""
    with (
        talking(lambda connection: connection.sendall(greeting)) as port,
        pytest.raises(error) as caught,
    ):
        channel_at(port).send(message())

    assert caught.value.operation == "connect"


def test_a_wrong_password_is_told_without_it(mailbox: Mailbox) -> None:
    """A refused login names the setting and never the password."""
    with (
        serving(mailbox, authenticator=login, auth_require_tls=False) as port,
        pytest.raises(AuthRejected, match="POSTVENTA_SMTP_URL") as caught,
    ):
        channel_at(port, user="shop:wr0ng-secret@").send(message())

    assert "wr0ng-secret" not in str(caught.value)
    assert mailbox.envelopes == []


def test_a_server_without_login(port: int) -> None:
    """A login that the server does not offer is a refusal, not a crash."""
    with pytest.raises(AuthRejected, match="offers no login"):
        channel_at(port, user="shop:secret@").send(message())


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Give a certificate that nobody vouches for."""
    return make_certificate(tmp_path)


def test_encryption_is_used_when_offered(mailbox: Mailbox, certificate: Path) -> None:
    """STARTTLS that a server offers is taken."""
    with serving(mailbox, tls_context=server_side(certificate)) as port:
        channel_at(port, options=f"?ca={certificate}").send(message())

    assert mailbox.encrypted == [True]


def test_encryption_from_the_first_byte(mailbox: Mailbox, certificate: Path) -> None:
    """A smtps address speaks TLS before anything else."""
    with serving(mailbox, ssl_context=server_side(certificate)) as port:
        channel_at(port, scheme="smtps", options=f"?ca={certificate}").send(message())

    assert len(mailbox.mails()) == 1


def test_a_foreign_certificate_stops_the_mail(mailbox: Mailbox, certificate: Path) -> None:
    """A certificate that nobody vouches for is no encryption."""
    with (
        serving(mailbox, tls_context=server_side(certificate)) as port,
        pytest.raises(Unreachable, match="certificate"),
    ):
        channel_at(port).send(message())

    assert mailbox.envelopes == []


def test_required_encryption_that_is_not_offered(mailbox: Mailbox, port: int) -> None:
    """With tls=required a mail never goes in the clear."""
    with pytest.raises(PermanentFailure, match="no encryption"):
        channel_at(port, options="?tls=required").send(message())

    assert mailbox.envelopes == []


def test_encryption_may_be_declined(mailbox: Mailbox, certificate: Path) -> None:
    """With tls=never an offered STARTTLS is left alone."""
    with serving(mailbox, tls_context=server_side(certificate)) as port:
        channel_at(port, options="?tls=never").send(message())

    assert mailbox.encrypted == [False]


def test_an_international_domain_is_written_in_ascii(mailbox: Mailbox, port: int) -> None:
    """A domain with other letters is reached by its xn-- name."""
    channel_at(port).send(message(to="ana@señal.example"))

    assert mailbox.envelopes[0].rcpt_tos == ["ana@xn--seal-hqa.example"]


def test_a_first_part_that_servers_do_not_take(mailbox: Mailbox, port: int) -> None:
    """An address whose first part is not plain ASCII is refused with its reason."""
    with pytest.raises(MessageInvalid, match="letters"):
        channel_at(port).send(message(to="peñ@buyer.example"))

    assert mailbox.envelopes == []
