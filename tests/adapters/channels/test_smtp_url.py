"""The URL of the mail server: what it says, and how mistakes in it are told."""

import pytest

from adapters.channels.smtp.adapter import SmtpChannel
from connector.errors import ConfigurationError
from connector.secret import Secret

SENDER = "tienda@shop.example"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://host", "smtp://"),
        ("smtp://", "smtp://"),
        ("smtp://u:canary@host:notaport", "cannot be read"),
        ("smtp://u:canary@host?form=a@b.example", "unknown option 'form'"),
        ("smtp://u:canary@host?tls=maybe", "required, offered, never"),
        ("smtp://u:canary@host?ca=no-such-file.pem", "`ca`"),
        ("smtp://u:canary@host", "POSTVENTA_MAIL_FROM"),
        ("", "POSTVENTA_SMTP_URL"),
    ],
)
def test_a_wrong_url_is_explained_without_it(url: str, words: str) -> None:
    """A bad setting is refused at the start, and its password is not repeated."""
    settings = {} if "POSTVENTA_MAIL_FROM" in words else {"from": SENDER}
    with pytest.raises(ConfigurationError) as caught:
        SmtpChannel(settings, {"url": Secret(url)})

    assert words in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "mail_from", "sender"),
    [
        ("smtp://host?from=a@one.example", "", "a@one.example"),
        ("smtp://host?from=a@one.example", "Shop <b@two.example>", "b@two.example"),
        ("smtp://c%40three.example:x@host", "", "c@three.example"),
    ],
)
def test_where_the_sender_comes_from(url: str, mail_from: str, sender: str) -> None:
    """The setting wins over the URL's option, and that over the user's name."""
    channel = SmtpChannel({"from": mail_from}, {"url": Secret(url)})

    assert channel._server.sender == sender


def test_a_password_needs_encryption_on_other_machines() -> None:
    """A password for another machine goes over an encrypted line only."""
    away = SmtpChannel({"from": SENDER}, {"url": Secret("smtp://u:p@mail.example")})
    here = SmtpChannel({"from": SENDER}, {"url": Secret("smtp://u:p@localhost")})

    assert (away._server.tls, here._server.tls) == ("required", "offered")
