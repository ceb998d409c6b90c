"""Who is let in, and what their scopes open."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from sqlalchemy import update

from ampyard.domain.access import Role
from ampyard.repositories import tables
from ampyard.server.settings import Settings
from ampyard.server.tokens import EmbeddedIssuer
from ampyard.services.seeding import Seeded
from tests.fleet import new_fleet, user
from tests.server.api.client import Api, bearer


@pytest.mark.parametrize("path", ["/graphql", "/public/graphql"])
async def test_without_a_credential_nobody_is_let_in(api: Api, path: str) -> None:
    for response in (
        await api.post("{ depots { totalCount } }", path=path),
        await api.http.get(path, params={"query": "{ depots { totalCount } }"}),
        await api.post("{ depots { totalCount } }", path=path, headers={"authorization": "Basic YTpi"}),
        await api.post("{ depots { totalCount } }", path=path, headers={"authorization": "Bearer"}),
        await api.post("{ depots { totalCount } }", path=path, headers={"cookie": "authorization=Bearer x"}),
        # ... nor told whether what they ask makes sense.
        await api.post("{ nonsense", path=path),
    ):
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["UNAUTHENTICATED"]
        assert "data" not in response.json()


async def test_a_token_lets_in_and_a_bad_one_does_not(api: Api, tenant: Seeded, tmp_path: Path) -> None:
    good = api.token(tenant.tenant_id)
    assert (await api.ask(good, "{ depots { totalCount } }"))["data"] == {"depots": {"totalCount": 1}}

    claims = jwt.decode(good, options={"verify_signature": False})
    issuer = EmbeddedIssuer(api.settings)
    header = {"kid": jwt.get_unverified_header(good)["kid"]}
    strangers = EmbeddedIssuer(Settings(home=tmp_path)).mint(
        tenant.tenant_id, "anna", Role.ADMINISTRATOR, lifetime=timedelta(hours=1), now=datetime.now(UTC)
    )
    for bad in (
        strangers,
        jwt.encode(claims | {"iss": "https://elsewhere.test"}, issuer._key, "EdDSA", header),
        jwt.encode(claims | {"aud": "billing"}, issuer._key, "EdDSA", header),
        jwt.encode(claims | {"exp": 1_000_000_000}, issuer._key, "EdDSA", header),
        jwt.encode(claims, "", "none", header),
        jwt.encode(claims, "s" * 32, "HS256", header),
        good[:-4],
        tenant.api_key,
    ):
        response = await api.post("{ depots { totalCount } }", headers=bearer(bad))
        assert (response.status_code, response.json()["errors"][0]["extensions"]) == (401, {"code": "UNAUTHENTICATED"})
        assert bad not in response.text


_ALL = {Role.ADMINISTRATOR, Role.OWNER}
WHAT_ROLES_DO = {
    "{ depots { totalCount } }": {*Role} - {Role.SYSTEM_ADMINISTRATOR},
    "{ reports { totalCount } }": {Role.ANALYST, *_ALL},
    'mutation { clearPriority(input: {priorityId: "x"}) { errors { code } } }': {Role.DISPATCHER, Role.OPERATOR, *_ALL},
    'mutation { stopTransaction(input: {transactionId: "x"}) { errors { code } } }': {Role.OPERATOR, *_ALL},
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("document", WHAT_ROLES_DO)
async def test_a_role_opens_what_it_is_for(api: Api, tenant: Seeded, role: Role, document: str) -> None:
    answer = await api.ask(api.token(tenant.tenant_id, role), document)

    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    codes += [error["code"] for payload in (answer["data"] or {}).values() for error in payload.get("errors", [])]
    may_but_asks_for_nothing = ["BAD_USER_INPUT"] if document.startswith("mutation") else []
    assert codes == (may_but_asks_for_nothing if role in WHAT_ROLES_DO[document] else ["FORBIDDEN"])


async def test_a_token_of_a_tenant_that_is_gone_opens_nothing(api: Api) -> None:
    answer = await api.ask(api.token(uuid.uuid4()), "{ depots { totalCount } vehicles { totalCount } }")
    assert "errors" not in answer
    assert answer["data"] == {"depots": {"totalCount": 0}, "vehicles": {"totalCount": 0}}


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
async def test_an_api_key_opens_the_public_graph_alone(api: Api, tenant: Seeded, header: str) -> None:
    headers = {header: tenant.api_key if header == "X-API-Key" else f"Bearer {tenant.api_key}"}

    outside = await api.post("{ vehicles { totalCount } }", path="/public/graphql", headers=headers)
    inside = await api.post("{ vehicles { totalCount } }", headers=headers)
    token = await api.post("{ vehicles { totalCount } }", path="/public/graphql", headers=bearer(api.token(tenant.tenant_id)))

    assert (outside.status_code, outside.json()["data"]) == (200, {"vehicles": {"totalCount": 6}})
    assert (inside.status_code, token.status_code) == (401, 401)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"revoked_at": datetime(2026, 1, 1, tzinfo=UTC)}, 401),
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, 401),
        ({"expires_at": datetime(2100, 1, 1, tzinfo=UTC)}, 200),
        ({"key_hash": "0" * 64}, 401),
        ({"scopes": ["fleet:read", "moon:walk"]}, 200),
    ],
)
async def test_a_key_opens_until_it_is_revoked_or_ends(api: Api, values: dict[str, Any], status: int) -> None:
    seeded = await new_fleet(api.backend)
    if "key_hash" in values:
        values = {"key_hash": uuid.uuid4().hex * 2}
    async with api.backend.unit_of_work(user(seeded.tenant_id)) as work:
        await work.session.execute(update(tables.api_key).values(**values))
        await work.commit()

    for key, expected in ((seeded.api_key, status), (seeded.api_key[:-1], 401), (seeded.ocpi_token, 401)):
        response = await api.post("{ vehicles { totalCount } }", path="/public/graphql", headers={"x-api-key": key})
        assert response.status_code == expected
        assert key not in response.text


async def test_a_key_opens_what_its_scopes_say(api: Api) -> None:
    seeded = await new_fleet(api.backend)
    async with api.backend.unit_of_work(user(seeded.tenant_id)) as work:
        await work.session.execute(update(tables.api_key).values(scopes=["fleet:read"]))
        await work.commit()
    asked = 'mutation { setPriority(input: {level: HIGH, vehicleId: "x"}) { errors { code message } } }'

    answer = (await api.post(asked, path="/public/graphql", headers={"x-api-key": seeded.api_key})).json()

    assert answer["data"]["setPriority"]["errors"] == [
        {"code": "FORBIDDEN", "message": "This needs the scope priorities:write, which key:demo integrator does not have."}
    ]
