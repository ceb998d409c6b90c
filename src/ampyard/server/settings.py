"""Settings, from environment variables that begin with AMPYARD_."""

import secrets
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ampyard.repositories.mail import SmtpSecurity, SmtpServer
from ampyard.server.embedded import EmbeddedServers

_KEY_BYTES = 32
_DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
_LAST_PORT = 65535
# RFC 6409 (submission), RFC 8314 (implicit TLS), RFC 5321.
_SMTP_PORTS = {SmtpSecurity.STARTTLS: 587, SmtpSecurity.TLS: 465, SmtpSecurity.NONE: 25}
_REDIS_SCHEMES = ("redis", "rediss", "unix")


class Settings(BaseSettings):
    """How one process finds its servers and presents itself. `docs/running.md` explains each setting."""

    model_config = SettingsConfigDict(env_prefix="AMPYARD_", env_ignore_empty=True, frozen=True, extra="ignore")

    home: Path = Field(default=Path(".ampyard"), description="Folder of everything embedded: databases, keys, files, logs.")
    host: str = Field(default="127.0.0.1", description="Address that api and connect listen on.")
    port: int = Field(default=8700, ge=1, le=_LAST_PORT, description="Port of the api process.")
    connect_port: int | None = Field(
        default=None, ge=1, le=_LAST_PORT, description="Port of the connect process; the api's plus one unless set."
    )
    database_url: str | None = Field(default=None, description="PostgreSQL instead of the embedded one, postgresql://…")
    database_owner_url: str | None = Field(
        default=None, description="The same database as the user that migrates; database_url unless set."
    )
    redis_url: str | None = Field(default=None, description="Redis-protocol server instead of the embedded one, redis://…")
    public_url: str | None = Field(default=None, description="How the world reaches the api, without a trailing slash.")
    secret_key: SecretStr | None = Field(default=None, description="Signs cursors and links; shared by all api processes.")
    s3_bucket: str | None = Field(default=None, description="Bucket for files, instead of a folder.")
    s3_endpoint_url: str | None = Field(default=None, description="S3 endpoint, where it is not AWS.")
    s3_region: str | None = Field(default=None, description="Region of the bucket.")
    oidc_issuer: str | None = Field(default=None, description="OpenID Connect issuer, instead of the embedded one.")
    oidc_audience: str = Field(default="ampyard", description="Audience that tokens must name.")
    oidc_jwks_url: str | None = Field(default=None, description="The issuer's keys; found through its discovery document unless set.")
    gateway_token: SecretStr | None = Field(
        default=None, min_length=32, description="What a router in front sends as Router-Authorization; `_service` and `_entities` need it."
    )
    compiled_plans: bool = Field(default=True, description="Execute operations by compiled plans; off, graphql-core executes them all.")
    development: bool = Field(default=False, description="Serve GraphiQL, and show the schemas to everybody who is signed in.")
    trusted_documents: Path | None = Field(
        default=None, description="Manifest of the documents that clients of the internal graph may name."
    )
    trusted_documents_only: bool = Field(default=False, description="Refuse all other documents on the internal graph.")
    cost_capacity: int = Field(default=1_000_000, ge=0, description="Points a user may spend at once on the internal graph; 0: no limit.")
    cost_restore_per_s: int = Field(default=50_000, ge=1, description="Points that a user gets back every second.")
    public_cost_capacity: int = Field(default=20_000, ge=0, description="The same for an API key on the public graph.")
    public_cost_restore_per_s: int = Field(default=2_000, ge=1, description="The same for an API key on the public graph.")
    smtp_host: str | None = Field(default=None, description="SMTP server that takes mail; without one no mail is sent.")
    smtp_port: int | None = Field(default=None, ge=1, le=_LAST_PORT, description="Its port; 587, 465 or 25 by the security unless set.")
    smtp_security: SmtpSecurity = Field(default=SmtpSecurity.STARTTLS, description="How the connection to it is secured.")
    smtp_username: str | None = Field(default=None, description="Who signs in there; nobody unless set.")
    smtp_password: SecretStr | None = Field(default=None, description="The password of who signs in there.")
    smtp_sender: str | None = Field(default=None, description="Whom mail comes from, such as alerts@example.org.")
    webhooks_private: bool = Field(default=False, description="Call webhooks in private networks, and over http.")
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, description="Bearer token that /metrics needs; without one it is served to this machine alone."
    )

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _names_postgresql(cls, url: str | None) -> str | None:
        return _with_scheme(url, _DATABASE_SCHEMES)

    @field_validator("redis_url")
    @classmethod
    def _names_redis(cls, url: str | None) -> str | None:
        return _with_scheme(url, _REDIS_SCHEMES)

    @model_validator(mode="after")
    def _leaves_room_for_connect(self) -> Self:
        if self.resolved_connect_port > _LAST_PORT:
            raise ValueError("AMPYARD_CONNECT_PORT must be set, because there is no port after AMPYARD_PORT")
        return self

    @model_validator(mode="after")
    def _has_documents_to_trust(self) -> Self:
        if self.trusted_documents_only and self.trusted_documents is None:
            raise ValueError("AMPYARD_TRUSTED_DOCUMENTS_ONLY needs the manifest that AMPYARD_TRUSTED_DOCUMENTS names")
        return self

    @model_validator(mode="after")
    def _has_whom_mail_comes_from(self) -> Self:
        if self.smtp_host is not None and self.smtp_sender is None:
            raise ValueError("AMPYARD_SMTP_HOST needs AMPYARD_SMTP_SENDER, whom mail comes from")
        if self.smtp_password is not None and self.smtp_security is SmtpSecurity.NONE:
            raise ValueError("AMPYARD_SMTP_PASSWORD must not go over an open line: set AMPYARD_SMTP_SECURITY to starttls or tls")
        return self

    @property
    def smtp_server(self) -> SmtpServer | None:
        """The SMTP server that takes mail, if one is set."""
        if self.smtp_host is None or self.smtp_sender is None:
            return None
        return SmtpServer(
            host=self.smtp_host,
            port=self.smtp_port or _SMTP_PORTS[self.smtp_security],
            security=self.smtp_security,
            sender=self.smtp_sender,
            username=self.smtp_username,
            password=self.smtp_password.get_secret_value() if self.smtp_password is not None else None,
        )

    @property
    def resolved_connect_port(self) -> int:
        """The port of the connect process."""
        return self.port + 1 if self.connect_port is None else self.connect_port

    @property
    def base_url(self) -> str:
        """How the api is reached, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def embedded_database(self) -> bool:
        """Whether the embedded PostgreSQL is used."""
        return self.database_url is None

    @property
    def embedded_redis(self) -> bool:
        """Whether the embedded Valkey is used."""
        return self.redis_url is None

    @property
    def resolved_database_url(self) -> str:
        """SQLAlchemy URL that processes work with."""
        return self._embedded.database_url if self.database_url is None else _with_driver(self.database_url)

    @property
    def resolved_database_owner_url(self) -> str:
        """SQLAlchemy URL that migrations are run with."""
        given = self.database_owner_url or self.database_url
        return self._embedded.database_owner_url if given is None else _with_driver(given)

    @property
    def resolved_redis_url(self) -> str:
        """URL of the Redis-protocol server."""
        return self._embedded.redis_url if self.redis_url is None else self.redis_url

    @property
    def gateway_credential(self) -> str | None:
        """What the router in front of the internal graph is known by."""
        return None if self.gateway_token is None else self.gateway_token.get_secret_value()

    @cached_property
    def key(self) -> bytes:
        """The key that signs cursors and links: as set, or one kept in the home folder."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        return kept_secret(self.home / "secret-key", lambda: secrets.token_hex(_KEY_BYTES).encode())

    @cached_property
    def _embedded(self) -> EmbeddedServers:
        return EmbeddedServers(self.home)


def kept_secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return a secret file's content; the first to ask makes it, readable by this user alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        part.touch(mode=0o600)
        part.write_bytes(make())
        try:
            path.hardlink_to(part)  # unlike a rename it fails where another process was first
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return path.read_bytes()


def _with_scheme(url: str | None, schemes: Sequence[str]) -> str | None:
    if url is not None and url.partition("://")[0] not in schemes:
        raise ValueError(f"It must be a URL that begins with {schemes[0]}://")
    return url


def _with_driver(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"postgresql+asyncpg{separator}{rest}" if scheme in {"postgres", "postgresql"} else url
