"""Mail over SMTP, against a real server: secured or not, signed in or not, taken or refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ampyard.domain.notifications.messages import Mail
from ampyard.repositories.mail import Mailer, MailError, SmtpSecurity, SmtpServer
from tests.receivers import LOCALHOST, Postbox, certificate, smtp_server

MAIL = Mail("Warning: Central, CP-1, Offline", "Offline\n", "<p>Offline</p>\n")
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
TO = ["a@example.org", "b@example.org"]


def server(port: int, security: SmtpSecurity, login: tuple[str, str] = ("", "")) -> SmtpServer:
    return SmtpServer(LOCALHOST, port, security, "Ampyard <alerts@example.org>", login[0] or None, login[1] or None)


async def send(mailer: Mailer) -> dict[str, str]:
    return dict(await mailer.send(TO, MAIL, message_id="id-1", at=NOW))


async def test_a_mail_arrives_in_both_forms() -> None:
    async with smtp_server() as postbox:
        assert await send(Mailer(server(postbox.port, SmtpSecurity.NONE))) == {}
    (mail,) = postbox.mails
    text, html = mail.iter_parts()
    assert (postbox.recipients, postbox.secured) == ([TO], [False])
    assert {name: mail[name] for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted")} == {
        "From": "Ampyard <alerts@example.org>",
        "To": "a@example.org, b@example.org",
        "Subject": "Warning: Central, CP-1, Offline",
        "Date": "Mon, 02 Nov 2026 12:00:00 +0000",
        "Message-ID": "<id-1@example.org>",
        "Auto-Submitted": "auto-generated",
    }
    assert [part.get_content_type() for part in (text, html)] == ["text/plain", "text/html"]
    assert text.get_content().splitlines() == ["Offline"]
    assert html.get_content().splitlines() == ["<p>Offline</p>"]


@pytest.mark.parametrize("implicit", [False, True])
async def test_the_line_is_secured_and_signed_in_on(tmp_path: Path, implicit: bool) -> None:  # noqa: FBT001 - a parameter
    shown, trusted = certificate(tmp_path)
    security = SmtpSecurity.TLS if implicit else SmtpSecurity.STARTTLS
    async with smtp_server(tls=shown, implicit=implicit, login=("ampyard", "secret")) as postbox:
        await send(Mailer(server(postbox.port, security, ("ampyard", "secret")), trusted))
        with pytest.raises(MailError, match="535") as wrong:
            await send(Mailer(server(postbox.port, security, ("ampyard", "guess")), trusted))
        # A certificate that nobody trusts is not spoken to.
        with pytest.raises(MailError) as untrusted:
            await send(Mailer(server(postbox.port, security, ("ampyard", "secret"))))
    assert len(postbox.mails) == 1
    assert postbox.secured == [True]
    assert (wrong.value.permanent, untrusted.value.permanent) == (True, False)


async def test_a_line_that_cannot_be_secured_is_not_used() -> None:
    async with smtp_server() as postbox:
        with pytest.raises(MailError):
            await send(Mailer(server(postbox.port, SmtpSecurity.STARTTLS)))
    assert postbox.mails == []


async def test_recipients_that_are_refused_are_told_of() -> None:
    async with smtp_server() as postbox:
        mailer = Mailer(server(postbox.port, SmtpSecurity.NONE))
        postbox.refuses = {"b@example.org": "550 No such user"}
        assert await send(mailer) == {"b@example.org": "550 No such user"}
        assert postbox.recipients == [["a@example.org"]]
        await _refused(mailer, postbox, "550 No such user", permanent=True)
        await _refused(mailer, postbox, "451 Try later", permanent=False)
    assert len(postbox.mails) == 1


async def _refused(mailer: Mailer, postbox: Postbox, answer: str, *, permanent: bool) -> None:
    postbox.refuses = dict.fromkeys(TO, answer)
    with pytest.raises(MailError, match=answer) as error:
        await send(mailer)
    assert error.value.permanent is permanent


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    async with smtp_server() as postbox:
        port = postbox.port
    with pytest.raises(MailError) as error:
        await send(Mailer(server(port, SmtpSecurity.NONE)))
    assert not error.value.permanent
