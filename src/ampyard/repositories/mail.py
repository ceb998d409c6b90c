"""Mail, over SMTP."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum

import aiosmtplib

from ampyard.domain.notifications.messages import Mail

_TIMEOUT_S = 30.0
_PERMANENT = 500  # RFC 5321, 4.2.1: from here on the same will be refused again


class SmtpSecurity(StrEnum):
    """How the connection to the SMTP server is secured."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The server that takes mail from us, and whom it comes from."""

    host: str
    port: int
    security: SmtpSecurity
    sender: str
    username: str | None = None
    password: str | None = None


class MailError(Exception):
    """A mail was not taken; `permanent`: it would not be another time either."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class Mailer:
    """Hands mail to an SMTP server.

    Args:
        server: which one.
        tls: whom to trust; what the system trusts unless told.
    """

    def __init__(self, server: SmtpServer, tls: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._tls = tls

    async def send(
        self, recipients: Sequence[str], mail: Mail, *, message_id: str, at: datetime, author: str | None = None
    ) -> Mapping[str, str]:
        """Send a mail; returns the recipients that were refused, each with the reason, where others were taken.

        `author` is whom it says it is from, unless that is the sender of the server, to whom alone it is sent back.

        Raises:
            MailError: it was not taken for anybody.
        """
        server = self._server
        message = _composed(author or server.sender, recipients, mail, message_id, at)
        try:
            refused, _ = await aiosmtplib.send(
                message,
                recipients=list(recipients),
                sender=server.sender,
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password,
                use_tls=server.security is SmtpSecurity.TLS,
                start_tls=server.security is SmtpSecurity.STARTTLS,
                tls_context=self._tls,
                timeout=_TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            told = "; ".join(f"{one.recipient}: {one.code} {one.message}" for one in error.recipients)
            raise MailError(told, permanent=all(one.code >= _PERMANENT for one in error.recipients)) from error
        except aiosmtplib.SMTPResponseException as error:
            raise MailError(f"{error.code} {error.message}", permanent=error.code >= _PERMANENT) from error
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise MailError(str(error) or type(error).__name__, permanent=False) from error
        return {address: f"{answer.code} {answer.message}" for address, answer in refused.items()}


def _composed(author: str, recipients: Sequence[str], mail: Mail, message_id: str, at: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"] = author
    message["To"] = ", ".join(recipients)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    # The same at each try: whoever gets it twice can tell.
    message["Message-ID"] = f"<{message_id}@{author.rpartition('@')[2].strip('>')}>"
    # RFC 3834: nobody who is away answers to it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message
