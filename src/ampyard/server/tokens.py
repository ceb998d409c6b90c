"""Bearer tokens of the internal graph: our own issuer when embedded, any OpenID Connect issuer otherwise."""

import asyncio
import hashlib
import json
import logging
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import OKPAlgorithm

from ampyard.domain.access import ROLE_SCOPES, SYSTEM_WIDE, Principal, PrincipalKind, Role, Scope
from ampyard.domain.tenants import NO_TENANT
from ampyard.engine import UnauthenticatedError
from ampyard.server.settings import Settings, kept_secret

_log = logging.getLogger(__name__)

# Asymmetric algorithms only: with a shared secret whoever verifies could also sign (RFC 8725, 3.1).
_ALGORITHMS = ["EdDSA", "ES256", "RS256", "PS256"]
_LEEWAY_S = 30
_EPOCH = datetime.fromtimestamp(0, UTC)
_KEYS_LIFETIME_S = 600.0
_KEYS_RETRY_S = 30.0
_MOST_REMEMBERED = 10_000


class KeySource(Protocol):
    """Where the public keys of an issuer come from."""

    async def key(self, key_id: str | None) -> jwt.PyJWK | None:
        """Return the key with this id, or `None`."""


class EmbeddedIssuer:
    """Signs and verifies tokens with a key kept in the home folder."""

    name = "ampyard-embedded"

    def __init__(self, settings: Settings) -> None:
        pem = kept_secret(settings.home / "issuer.pem", _new_key)
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{settings.home / 'issuer.pem'} holds no Ed25519 key.")
        self._key = key
        self._audience = settings.oidc_audience
        public = json.loads(OKPAlgorithm.to_jwk(key.public_key()))
        self._public = public | {"kid": _key_id(public), "use": "sig", "alg": "EdDSA"}
        self._verifying = jwt.PyJWK(self._public)

    def mint(self, tenant_id: uuid.UUID | None, subject: str, role: Role | None, *, lifetime: timedelta, now: datetime) -> str:
        """Return a signed token for a subject: of a tenant, with a role or (None) with what the tenant has granted; or of no tenant.

        Raises:
            ValueError: administrators of the installation are of no tenant, and all others of one.
        """
        if (tenant_id is None) != (role is Role.SYSTEM_ADMINISTRATOR):
            raise ValueError("A system administrator is of no tenant; whoever has another role, or none, is of one.")
        claims: dict[str, Any] = {
            "iss": self.name,
            "aud": self._audience,
            "sub": subject,
            "iat": now,
            "exp": now + lifetime,
        }
        if tenant_id is not None:
            claims["tenant_id"] = str(tenant_id)
        if role is not None:
            claims["roles"] = [role.value]
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._public["kid"]})

    def jwks(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [self._public]}

    async def key(self, key_id: str | None) -> jwt.PyJWK | None:
        """Return our key if it is asked for."""
        return self._verifying if key_id == self._verifying.key_id else None


class RemoteKeys:
    """An issuer's published keys, cached; an unknown key id has them fetched anew, so that rotation needs no restart."""

    def __init__(self, issuer: str, jwks_url: str | None) -> None:
        self._issuer = issuer.rstrip("/")
        self._jwks_url = jwks_url
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = -_KEYS_LIFETIME_S
        self._lock = asyncio.Lock()

    async def key(self, key_id: str | None) -> jwt.PyJWK | None:
        """Return the key with this id, or `None` when the issuer has none; known keys hold while the issuer is away.

        Raises:
            httpx.HTTPError: the issuer does not answer, and the key is not known.
        """
        async with self._lock:
            now = time.monotonic()
            wanted = now - self._fetched_at >= _KEYS_LIFETIME_S or key_id not in self._keys
            if wanted and now - self._tried_at >= _KEYS_RETRY_S:
                self._tried_at = now
                try:
                    await self._fetch()
                except httpx.HTTPError as error:
                    if key_id not in self._keys:
                        raise
                    _log.warning("The issuer's keys cannot be fetched (%s); those known hold.", error)
        return self._keys.get(key_id)

    async def _fetch(self) -> None:
        async with httpx.AsyncClient(timeout=10) as client:
            if self._jwks_url is None:
                discovery = await client.get(f"{self._issuer}/.well-known/openid-configuration")
                self._jwks_url = str(discovery.raise_for_status().json()["jwks_uri"])
            answer = await client.get(self._jwks_url)
        try:
            published = jwt.PyJWKSet.from_dict(answer.raise_for_status().json()).keys
        except jwt.PyJWKSetError as error:
            # Withdrawn keys must not live on because the last of them went.
            _log.warning("The issuer publishes no key that could be used (%s).", error)
            published = []
        self._keys = {key.key_id: key for key in published}
        self._fetched_at = time.monotonic()


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a good token said, and the key that vouches for it."""

    key_id: str | None
    key: jwt.PyJWK
    expires_at: float
    principal: Principal


class TokenVerifier:
    """Turns a bearer token into a principal.

    Good tokens are remembered, so that a signature is checked once: until they expire, and as long as their issuer
    publishes the very key they were checked with.
    """

    def __init__(self, keys: KeySource, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        # By the token's hash; the first is the one that was used the longest ago.
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    async def principal(self, token: str) -> Principal:
        """Return who a token speaks for.

        Raises:
            UnauthenticatedError: it is malformed, expired, of another issuer or audience, or names no tenant.
        """
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        known = self._verified.get(digest)
        if known is None or known.expires_at <= time.time() or await self._keys.key(known.key_id) is not known.key:
            self._verified.pop(digest, None)
            known = self._verified[digest] = await self._verify(token)
            if len(self._verified) > _MOST_REMEMBERED:
                self._verified.popitem(last=False)
        else:
            self._verified.move_to_end(digest)
        return known.principal

    async def _verify(self, token: str) -> _Verified:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = await self._keys.key(key_id)
            if key is None:
                raise UnauthenticatedError("The token is signed with a key that its issuer does not publish.")
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "sub"]},
            )
            roles = _roles(claims.get("roles"))
            administers = Role.SYSTEM_ADMINISTRATOR in roles and "tenant_id" not in claims
            tenant_id = NO_TENANT if administers else uuid.UUID(str(claims["tenant_id"]))
            expires_at = _EPOCH + timedelta(seconds=float(claims["exp"]))
        except jwt.ExpiredSignatureError as error:
            raise UnauthenticatedError("The token has expired; get a new one.") from error
        except (jwt.InvalidTokenError, KeyError, ValueError, OverflowError) as error:
            raise UnauthenticatedError(
                "The token is not valid here: it must be signed by our issuer and name audience and tenant."
            ) from error
        principal = Principal(
            tenant_id=tenant_id,
            subject=str(claims["sub"]),
            kind=PrincipalKind.ADMINISTRATOR if administers else PrincipalKind.USER,
            scopes=_scopes(roles, administers=administers),
            expires_at=expires_at,
        )
        return _Verified(key_id, key, expires_at.timestamp(), principal)


def _roles(named: object) -> frozenset[Role]:
    known = {role.value: role for role in Role}
    return frozenset(known[name] for name in (named if isinstance(named, list) else []) if isinstance(name, str) and name in known)


def _scopes(roles: frozenset[Role], *, administers: bool) -> frozenset[Scope]:
    """Return what roles stand for: who is of a tenant acts in that alone, whatever else the token says."""
    scopes = frozenset(scope for role in roles for scope in ROLE_SCOPES[role])
    return ROLE_SCOPES[Role.SYSTEM_ADMINISTRATOR] if administers else scopes - SYSTEM_WIDE


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _key_id(public: dict[str, Any]) -> str:
    # The key itself names it: 43 characters, stable over restarts.
    return str(public["x"])
