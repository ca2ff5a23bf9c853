"""Send messages as e-mail."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from adapters._mail import mail_address
from adapters.channels.smtp.client import TIMEOUT_S, deliver
from adapters.channels.smtp.mapping import message_id, to_mail
from adapters.channels.smtp.server import read_server
from connector.errors import ConfigurationError
from connector.model.message import Message, SendResult
from connector.ports import AdapterInfo, AdapterSetting, Capability
from connector.secret import Secret


class SmtpChannel:
    """E-mail through one mail server; a connection for each mail."""

    info: ClassVar[AdapterInfo] = AdapterInfo(
        kind="channel",
        name="smtp",
        title="E-mail (SMTP)",
        capabilities=frozenset({Capability.HTML}),
        settings=(
            AdapterSetting("from", "Sender address", required=False),
            AdapterSetting("timeout_s", "Seconds to wait for the mail server", required=False),
            AdapterSetting("url", "Mail server, like smtp://user:password@host:587", secret=True),
        ),
        docs="adapters/channels/smtp/README.md",
    )

    def __init__(self, settings: Mapping[str, str], secrets: Mapping[str, Secret]) -> None:
        url = secrets.get("url")
        if not url:
            raise ConfigurationError("POSTVENTA_SMTP_URL names no mail server")
        self._server = read_server(url, settings.get("from", ""))
        self._timeout_s = float(settings.get("timeout_s") or TIMEOUT_S)

    def send(self, message: Message) -> SendResult:
        """Hand the mail to the server.

        Raises:
            MessageInvalid: no basis for its class, or an address it cannot use.
            InvalidRequest: the server refuses the recipient or the mail for good.
            AuthRejected: it refuses our login.
            TemporaryFailure: it cannot take it now; nothing was sent.
            Unreachable: there was no connection, or it broke before the text left.
            OutcomeUnknown: the connection broke after that.
        """
        sender = self._server.sender
        mail = to_mail(message, sender, datetime.now(UTC))
        answer = deliver(self._server, mail_address(message.to), mail, timeout_s=self._timeout_s)
        return SendResult(ref=message_id(message, sender), detail=(("answer", answer),))
