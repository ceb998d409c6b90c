"""Those who are told: an SMTP server and a web server of one's own, on this machine, that keep what they are sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOCALHOST = "127.0.0.1"


@dataclass
class Postbox:
    """What an SMTP server has taken; `refuses` says what it answers to a recipient instead."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802 - the library's name
        """Take or refuse a recipient."""
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        """Take a mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(envelope.rcpt_tos)
        assert server.transport is not None
        self.secured.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 OK"


@asynccontextmanager
async def smtp_server(
    *, tls: ssl.SSLContext | None = None, implicit: bool = False, login: tuple[str, str] | None = None
) -> AsyncIterator[Postbox]:
    """Run an SMTP server: open, with STARTTLS, or with TLS from the begin on; with a login where one is given."""
    postbox = Postbox()

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        fits = login is not None and (given.login.decode(), given.password.decode()) == login
        return AuthResult(success=fits, handled=False)

    options: dict[str, Any] = {"auth_required": True, "authenticator": authenticate} if login is not None else {}
    if tls is not None:
        # With TLS from the begin on it does not know by itself that the line is secured, and would offer no login.
        options |= {"auth_require_tls": False} if implicit else {"tls_context": tls, "require_starttls": True}
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        with catch_warnings():
            simplefilter("ignore", UserWarning)  # about the login over a line that it takes for open
            return SMTP(postbox, **options)

    server = await loop.create_server(protocol, LOCALHOST, 0, ssl=tls if implicit else None)
    postbox.port = server.sockets[0].getsockname()[1]
    async with server:
        yield postbox


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server on this machine shows, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address(LOCALHOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=str(path))


@dataclass(frozen=True)
class Call:
    """A request that came in; header names are in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebServer:
    """What a web server was asked; it answers with `answer`, whole as it goes over the line."""

    port: int = 0
    calls: list[Call] = field(default_factory=list)
    answer: Callable[[Call], bytes] = lambda _: b"HTTP/1.1 204 No Content\r\n\r\n"


@asynccontextmanager
async def web_server() -> AsyncIterator[WebServer]:
    """Run a web server over http."""
    web = WebServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, path, _ = first.split(" ")
        call = Call(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
        web.calls.append(call)
        writer.write(web.answer(call))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, LOCALHOST, 0)
    web.port = server.sockets[0].getsockname()[1]
    async with server:
        yield web
