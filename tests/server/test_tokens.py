"""Bearer tokens: whose they are and what they allow; anything that is not exactly right is refused."""

import asyncio
import hashlib
import hmac
import json
import stat
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.utils import base64url_decode, base64url_encode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ampyard.domain.access import ROLE_SCOPES, PrincipalKind, Role, Scope
from ampyard.domain.tenants import NO_TENANT
from ampyard.engine import UnauthenticatedError
from ampyard.server import tokens
from ampyard.server.settings import Settings
from ampyard.server.tokens import EmbeddedIssuer, RemoteKeys, TokenVerifier
from tests.server.serving import serving

TENANT = uuid.UUID("01934b5e-0000-7000-8000-000000000001")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def issuer(settings: Settings) -> EmbeddedIssuer:
    return EmbeddedIssuer(settings)


@pytest.fixture
def verifier(issuer: EmbeddedIssuer) -> TokenVerifier:
    return TokenVerifier(issuer, issuer=issuer.name, audience="ampyard")


def now() -> datetime:
    return datetime.now(UTC)


def claims(**changed: Any) -> dict[str, Any]:
    """Return the claims of a good token, with some changed, or taken away where `None`."""
    good = {
        "iss": EmbeddedIssuer.name,
        "aud": "ampyard",
        "sub": "dispatcher",
        "exp": int((now() + timedelta(minutes=5)).timestamp()),
        "tenant_id": str(TENANT),
        "roles": ["dispatcher"],
    }
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(issuer: EmbeddedIssuer, payload: dict[str, Any], **headers: Any) -> str:
    return jwt.encode(payload, issuer._key, algorithm="EdDSA", headers={"kid": issuer._public["kid"]} | headers)


# The embedded issuer


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEM_ADMINISTRATOR])
async def test_a_minted_token_speaks_for_its_subject_with_the_scopes_of_its_role(
    issuer: EmbeddedIssuer, verifier: TokenVerifier, role: Role
) -> None:
    at = now().replace(microsecond=0)
    principal = await verifier.principal(issuer.mint(TENANT, "anna", role, lifetime=timedelta(hours=1), now=at))

    assert (principal.tenant_id, principal.subject, principal.kind) == (TENANT, "anna", PrincipalKind.USER)
    assert principal.scopes == ROLE_SCOPES[role]
    assert principal.expires_at == at + timedelta(hours=1)
    assert principal.author == "user:anna"


async def test_a_system_administrator_is_of_no_tenant(issuer: EmbeddedIssuer, verifier: TokenVerifier) -> None:
    principal = await verifier.principal(issuer.mint(None, "root", Role.SYSTEM_ADMINISTRATOR, lifetime=timedelta(hours=1), now=now()))

    assert (principal.tenant_id, principal.kind, principal.author) == (NO_TENANT, PrincipalKind.ADMINISTRATOR, "administrator:root")
    assert principal.scopes == ROLE_SCOPES[Role.SYSTEM_ADMINISTRATOR]
    for tenant_id, role in ((TENANT, Role.SYSTEM_ADMINISTRATOR), (None, Role.OWNER), (None, None)):
        with pytest.raises(ValueError, match="A system administrator is of no tenant"):
            issuer.mint(tenant_id, "root", role, lifetime=timedelta(hours=1), now=now())


async def test_a_token_of_a_tenant_reaches_no_other_whatever_roles_it_names(issuer: EmbeddedIssuer, verifier: TokenVerifier) -> None:
    principal = await verifier.principal(signed(issuer, claims(roles=["system_administrator", "viewer"])))

    assert (principal.tenant_id, principal.kind) == (TENANT, PrincipalKind.USER)
    assert principal.scopes == {Scope.FLEET_READ, Scope.SCHEMA_READ}
    with pytest.raises(UnauthenticatedError):
        await verifier.principal(signed(issuer, claims(tenant_id=None)))


async def test_a_token_without_a_role_says_only_who_asks(issuer: EmbeddedIssuer, verifier: TokenVerifier) -> None:
    token = issuer.mint(TENANT, "anna", None, lifetime=timedelta(hours=1), now=now())

    principal = await verifier.principal(token)

    assert (principal.subject, principal.scopes) == ("anna", frozenset())
    assert "roles" not in jwt.decode(token, options={"verify_signature": False})


async def test_tokens_outlive_a_restart_and_the_key_is_private(settings: Settings, issuer: EmbeddedIssuer) -> None:
    token = issuer.mint(TENANT, "anna", Role.VIEWER, lifetime=timedelta(hours=1), now=now())

    again = EmbeddedIssuer(Settings(home=settings.home))
    principal = await TokenVerifier(again, issuer=again.name, audience="ampyard").principal(token)

    assert principal.subject == "anna"
    assert stat.S_IMODE((settings.home / "issuer.pem").stat().st_mode) == 0o600
    (published,) = again.jwks()["keys"]
    assert set(published) == {"kty", "crv", "x", "kid", "use", "alg"}


def other_key(issuer: EmbeddedIssuer) -> str:
    return jwt.encode(claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": issuer._public["kid"]})


def public_key_as_secret(issuer: EmbeddedIssuer) -> str:
    # Whoever takes the published key for a shared secret can be sent anything (RFC 8725, 2.1). The library refuses to make it.
    head = {"typ": "JWT", "alg": "HS256", "kid": issuer._public["kid"]}
    signing = b".".join(base64url_encode(json.dumps(part).encode()) for part in (head, claims()))
    signature = hmac.digest(base64url_decode(issuer._public["x"]), signing, hashlib.sha256)
    return (signing + b"." + base64url_encode(signature)).decode()


def unsigned(issuer: EmbeddedIssuer) -> str:
    return jwt.encode(claims(), "", algorithm="none", headers={"kid": issuer._public["kid"]})


def tampered(issuer: EmbeddedIssuer) -> str:
    head, _, signature = signed(issuer, claims(roles=["viewer"])).split(".")
    return ".".join([head, signed(issuer, claims(roles=["administrator"])).split(".")[1], signature])


SIGNED_BY_US = "The token is not valid here: it must be signed by our issuer and name audience and tenant."
UNKNOWN_KEY = "The token is signed with a key that its issuer does not publish."
EXPIRED = "The token has expired; get a new one."


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(other_key, SIGNED_BY_US, id="another key"),
        pytest.param(public_key_as_secret, SIGNED_BY_US, id="HS256 with the published key"),
        pytest.param(unsigned, SIGNED_BY_US, id="alg none"),
        pytest.param(tampered, SIGNED_BY_US, id="claims of another token"),
        pytest.param(lambda i: signed(i, claims(iss="https://elsewhere.test")), SIGNED_BY_US, id="another issuer"),
        pytest.param(lambda i: signed(i, claims(iss=None)), SIGNED_BY_US, id="no issuer"),
        pytest.param(lambda i: signed(i, claims(aud="billing")), SIGNED_BY_US, id="another audience"),
        pytest.param(lambda i: signed(i, claims(aud=None)), SIGNED_BY_US, id="no audience"),
        pytest.param(lambda i: signed(i, claims(sub=None)), SIGNED_BY_US, id="no subject"),
        pytest.param(lambda i: signed(i, claims(exp=None)), SIGNED_BY_US, id="no end"),
        pytest.param(lambda i: signed(i, claims(exp=10**18)), SIGNED_BY_US, id="an end beyond the calendar"),
        pytest.param(lambda i: signed(i, claims(exp=int(now().timestamp()) - 31)), EXPIRED, id="expired"),
        pytest.param(lambda i: signed(i, claims(nbf=int(now().timestamp()) + 60)), SIGNED_BY_US, id="not yet valid"),
        pytest.param(lambda i: signed(i, claims(tenant_id=None)), SIGNED_BY_US, id="no tenant"),
        pytest.param(lambda i: signed(i, claims(tenant_id="demo")), SIGNED_BY_US, id="a tenant that is no id"),
        pytest.param(lambda i: signed(i, claims(), kid="another"), UNKNOWN_KEY, id="unknown key id"),
        pytest.param(lambda _: jwt.encode(claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA"), UNKNOWN_KEY, id="no key id"),
        pytest.param(lambda _: "x.y.z", SIGNED_BY_US, id="no token at all"),
        pytest.param(lambda _: "", SIGNED_BY_US, id="nothing"),
    ],
)
async def test_what_is_not_exactly_right_is_refused(issuer: EmbeddedIssuer, verifier: TokenVerifier, make: Any, message: str) -> None:
    assert (await verifier.principal(signed(issuer, claims()))).subject == "dispatcher"
    with pytest.raises(UnauthenticatedError) as refused:
        await verifier.principal(make(issuer))
    assert str(refused.value) == message


async def test_clocks_may_differ_a_little(issuer: EmbeddedIssuer, verifier: TokenVerifier) -> None:
    late = int(now().timestamp()) - 20
    assert (await verifier.principal(signed(issuer, claims(exp=late)))).expires_at == datetime.fromtimestamp(late, UTC)


@pytest.mark.parametrize(
    ("roles", "scopes"),
    [
        (None, set()),
        ([], set()),
        (["janitor"], set()),
        ("administrator", set()),
        ({"administrator": True}, set()),
        ([["administrator"], 7, None], set()),
        (["viewer", "janitor"], {Scope.FLEET_READ}),
        (["analyst", "dispatcher"], ROLE_SCOPES[Role.ANALYST] | ROLE_SCOPES[Role.DISPATCHER]),
    ],
)
async def test_only_roles_that_are_known_count(issuer: EmbeddedIssuer, verifier: TokenVerifier, roles: Any, scopes: set[Scope]) -> None:
    assert (await verifier.principal(signed(issuer, claims(roles=roles)))).scopes == scopes


# What is remembered


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signature has been checked."""
    checked: list[str] = []
    decode = jwt.decode

    def note(token: str, *arguments: Any, **options: Any) -> Any:
        checked.append(token)
        return decode(token, *arguments, **options)

    monkeypatch.setattr(jwt, "decode", note)
    return checked


async def test_a_signature_is_checked_once(issuer: EmbeddedIssuer, verifier: TokenVerifier, decoded: list[str]) -> None:
    one, other = signed(issuer, claims()), signed(issuer, claims(sub="another"))

    subjects = [(await verifier.principal(token)).subject for token in (one, other, one, other, one)]

    assert subjects == ["dispatcher", "another", "dispatcher", "another", "dispatcher"]
    assert decoded == [one, other]


async def test_a_token_that_differs_in_anything_is_another(issuer: EmbeddedIssuer, verifier: TokenVerifier) -> None:
    token = signed(issuer, claims())
    await verifier.principal(token)
    head, body, signature = token.split(".")
    for forged in (f"{head}.{body}.", f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body}", token.upper(), "\ud800"):
        with pytest.raises(UnauthenticatedError):
            await verifier.principal(forged)


async def test_a_bad_token_is_checked_each_time(issuer: EmbeddedIssuer, verifier: TokenVerifier, decoded: list[str]) -> None:
    bad = other_key(issuer)
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            await verifier.principal(bad)
    assert decoded == [bad, bad]
    assert not verifier._verified


async def test_a_remembered_token_ends_when_it_says(
    issuer: EmbeddedIssuer, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LEEWAY_S", 0)
    token = signed(issuer, claims(exp=int(now().timestamp()) + 2))
    assert (await verifier.principal(token)).subject == "dispatcher"

    await asyncio.sleep(2.1)

    with pytest.raises(UnauthenticatedError, match="has expired"):
        await verifier.principal(token)
    assert not verifier._verified


async def test_no_more_tokens_are_remembered_than_there_is_room_for(
    issuer: EmbeddedIssuer, verifier: TokenVerifier, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_MOST_REMEMBERED", 2)
    a, b, c = (signed(issuer, claims(sub=name)) for name in "abc")

    for token in (a, b, a, c, a, b):
        await verifier.principal(token)

    # The one that was used the longest ago makes room.
    assert decoded == [a, b, c, b]
    assert len(verifier._verified) == 2


async def test_a_key_that_is_withdrawn_or_replaced_ends_the_tokens_it_vouched_for(
    provider: "Issuer", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_KEYS_RETRY_S", 0.0)
    verifier = verifier_of(provider)
    first = provider.publish("one", "ES256")
    token = provider.token(first, "one", "ES256")
    assert (await verifier.principal(token)).subject == "dispatcher"

    provider.keys.clear()
    provider.publish("one", "ES256")
    assert (await verifier.principal(token)).subject == "dispatcher"
    monkeypatch.setattr(tokens, "_KEYS_LIFETIME_S", 0.0)
    with pytest.raises(UnauthenticatedError, match="The token is not valid here"):
        await verifier.principal(token)

    provider.keys.clear()
    with pytest.raises(UnauthenticatedError, match="a key that its issuer does not publish"):
        await verifier.principal(token)
    assert not verifier._verified


# An issuer elsewhere


@dataclass
class Issuer:
    """An OpenID provider: what it publishes, and how often it was asked."""

    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    discoveries: int = 0
    fetches: int = 0
    broken: bool = False

    async def discovery(self, _request: Request) -> Response:
        self.discoveries += 1
        return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def jwks(self, _request: Request) -> Response:
        self.fetches += 1
        return Response(status_code=503) if self.broken else JSONResponse({"keys": self.keys})

    def publish(self, key_id: str, algorithm: str) -> Any:
        """Make and publish a key; returns its private half."""
        private: Any
        match algorithm:
            case "RS256" | "PS256":
                private, jwk = (key := rsa.generate_private_key(65537, 2048)), RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
            case "ES256":
                private, jwk = (curve := ec.generate_private_key(ec.SECP256R1())), ECAlgorithm.to_jwk(curve.public_key(), as_dict=True)
            case _:
                private, jwk = (edwards := Ed25519PrivateKey.generate()), OKPAlgorithm.to_jwk(edwards.public_key(), as_dict=True)
        self.keys.append(jwk | {"kid": key_id, "alg": algorithm, "use": "sig"})
        return private

    def token(self, private: Any, key_id: str, algorithm: str) -> str:
        return jwt.encode(claims(iss=self.url), private, algorithm=algorithm, headers={"kid": key_id})


@pytest.fixture
async def provider() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    routes = [Route("/.well-known/openid-configuration", issuer.discovery), Route("/keys", issuer.jwks)]
    async with serving(Starlette(routes=routes)) as url:
        issuer.url = url
        yield issuer


def verifier_of(provider: Issuer, *, jwks_url: str | None = None) -> TokenVerifier:
    return TokenVerifier(RemoteKeys(provider.url, jwks_url), issuer=provider.url, audience="ampyard")


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_token_of_a_provider_is_checked_against_its_published_key(provider: Issuer, algorithm: str) -> None:
    private = provider.publish("one", algorithm)
    verifier = verifier_of(provider)

    for _ in range(3):
        assert (await verifier.principal(provider.token(private, "one", algorithm))).subject == "dispatcher"

    assert (provider.discoveries, provider.fetches) == (1, 1)


async def test_an_address_of_the_keys_that_is_set_needs_no_discovery(provider: Issuer) -> None:
    private = provider.publish("one", "ES256")
    await verifier_of(provider, jwks_url=f"{provider.url}/keys").principal(provider.token(private, "one", "ES256"))
    assert (provider.discoveries, provider.fetches) == (0, 1)


async def test_a_new_key_is_fetched_when_it_is_first_used_but_not_for_everybody_who_makes_one_up(
    provider: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_KEYS_RETRY_S", 0.0)
    verifier = verifier_of(provider)
    old = provider.publish("old", "ES256")
    await verifier.principal(provider.token(old, "old", "ES256"))

    provider.keys.clear()
    new = provider.publish("new", "ES256")
    await verifier.principal(provider.token(new, "new", "ES256"))
    assert provider.fetches == 2
    with pytest.raises(UnauthenticatedError, match="a key that its issuer does not publish"):
        await verifier.principal(provider.token(old, "old", "ES256"))

    monkeypatch.setattr(tokens, "_KEYS_RETRY_S", 30.0)
    for number in range(5):
        with pytest.raises(UnauthenticatedError, match="a key that its issuer does not publish"):
            await verifier.principal(provider.token(old, f"made up {number}", "ES256"))
    assert provider.fetches == 3


async def test_a_provider_that_is_down_is_no_word_against_the_token(provider: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_KEYS_RETRY_S", 0.0)
    verifier = verifier_of(provider)
    private = provider.publish("one", "ES256")
    provider.broken = True
    with pytest.raises(httpx.HTTPStatusError):
        await verifier.principal(provider.token(private, "one", "ES256"))

    provider.broken = False
    assert (await verifier.principal(provider.token(private, "one", "ES256"))).subject == "dispatcher"


async def test_known_keys_hold_while_their_provider_is_away(provider: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = verifier_of(provider)
    private = provider.publish("one", "ES256")
    await verifier.principal(provider.token(private, "one", "ES256"))
    monkeypatch.setattr(tokens, "_KEYS_LIFETIME_S", 0.0)
    monkeypatch.setattr(tokens, "_KEYS_RETRY_S", 0.0)
    provider.broken = True

    assert (await verifier.principal(provider.token(private, "one", "ES256"))).subject == "dispatcher"
    with pytest.raises(httpx.HTTPStatusError):
        await verifier.principal(provider.token(private, "another", "ES256"))
