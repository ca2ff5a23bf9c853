"""A mail server that stops talking: where it does decides what may be repeated."""

import socket

import pytest

from adapters.channels.smtp.adapter import SmtpChannel
from connector.errors import OutcomeUnknown, Unreachable
from connector.secret import Secret
from tests.adapters.channels.mail_server import talking
from tests.contracts.channel import message


@pytest.mark.parametrize(
    ("silent_at", "error"),
    [(b"", Unreachable), (b"RCPT", Unreachable), (b"DATA", Unreachable), (b".", OutcomeUnknown)],
)
def test_a_server_that_falls_silent(silent_at: bytes, error: type[Exception]) -> None:
    """Waiting has an end; only silence after the whole text leaves its fate unknown."""

    def talk(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        if silent_at:
            connection.sendall(b"220 hello\r\n")
        in_text = False
        for line in lines:
            at_end = line == b".\r\n"
            if line.upper().startswith(silent_at) and (at_end or not in_text):
                break
            if not in_text or at_end:
                in_text = line.upper().startswith(b"DATA")
                connection.sendall(b"354 go on\r\n" if in_text else b"250 OK\r\n")
        while lines.readline():
            pass

    with talking(talk) as port:
        url = Secret(f"smtp://127.0.0.1:{port}")
        channel = SmtpChannel({"from": "tienda@shop.example", "timeout_s": "2"}, {"url": url})
        with pytest.raises(error) as caught:
            channel.send(message())

    assert type(caught.value) is error
