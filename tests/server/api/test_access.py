"""Who may do what, end to end: over a real socket, with tokens of users, of administrators of the installation, and of support."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ampyard.domain.access import Role
from ampyard.domain.resource_groups import MemberKind
from ampyard.domain.tenants import Tenant
from ampyard.domain.users import User
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots
from ampyard.resolvers.ids import encode_id
from ampyard.server.tokens import EmbeddedIssuer
from ampyard.services import grants, resource_groups, users
from ampyard.services.backend import Backend
from ampyard.services.grants import NewGrant
from ampyard.services.seeding import Seeded
from ampyard.services.users import NewUser
from tests.charging import charge, station_of
from tests.fleet import new_fleet, user
from tests.schema.live import listening, relayed
from tests.server.api.client import Api, bearer
from tests.server.api.test_watching import Watcher, watching

CHANGED = [{"message": "What you may see has changed; subscribe again.", "extensions": {"code": "ACCESS_CHANGED"}}]
WATCH = "subscription { transactionUpdated { idTag } }"


class Fleet:
    """A tenant with people who have nothing but what it grants them."""

    def __init__(self, api: Api, seeded: Seeded) -> None:
        self.api = api
        self.backend: Backend = api.backend
        self.tenant_id = seeded.tenant_id
        self.owner = user(seeded.tenant_id)

    async def somebody(self, subject: str) -> User:
        return await users.invite_user(self.backend, self.owner, NewUser(subject, subject.title()))

    async def granted(self, person: User, group: uuid.UUID | None = None) -> uuid.UUID:
        """Grant a role; returns the grant."""
        return (await grants.grant_role(self.backend, self.owner, NewGrant(person.id, Role.VIEWER, group))).id

    async def group(self) -> uuid.UUID:
        """Return a group with the whole depot in it."""
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            depot = (await Depots(snapshot).where())[0]
        group = await resource_groups.create_group(self.backend, self.owner, name=f"g-{uuid.uuid4().hex[:6]}")
        await resource_groups.add_to_group(self.backend, self.owner, group.id, [(MemberKind.DEPOT, depot.id)])
        return group.id

    def token(self, subject: str) -> str:
        """Return a token that says only who asks."""
        issuer = EmbeddedIssuer(self.api.settings)
        return issuer.mint(self.tenant_id, subject, None, lifetime=timedelta(minutes=5), now=datetime.now(UTC))

    async def something_happens(self, evse_no: int) -> None:
        await charge(self.backend, await station_of(self.backend, self.tenant_id, "CP-4"), (datetime.now(UTC), 0.0), evse_no=evse_no)
        await relayed(self.backend)


@pytest.fixture
async def fleet(api: Api) -> Fleet:
    return Fleet(api, await new_fleet(api.backend))


@asynccontextmanager
async def watchers(fleet: Fleet, *subjects: str) -> AsyncIterator[list[Watcher]]:
    """Yield a socket of each, which watches."""
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(watching(fleet.api, fleet.token(subject))) for subject in subjects]
        for socket in sockets:
            assert (await socket.receive())["type"] == "connection_ack"
            await socket.subscribe(WATCH)
        await listening(fleet.backend, fleet.tenant_id)
        yield sockets


async def ends_within(socket: Watcher, seconds: float) -> Any:
    """Return what a subscription ends with."""
    async with asyncio.timeout(seconds):
        message = await socket.receive()
    assert (message["id"], message["type"]) == ("1", "error")
    return message["payload"]


async def test_a_revoked_grant_ends_the_users_subscription_and_nobody_elses(fleet: Fleet) -> None:
    # Both watch the same with the same rights: one evaluation serves them.
    group = await fleet.group()
    anna, bert = await fleet.somebody("anna"), await fleet.somebody("bert")
    grant, _ = await fleet.granted(anna, group), await fleet.granted(bert, group)
    async with watchers(fleet, "anna", "bert") as (hers, his):
        await fleet.something_happens(1)
        for socket in (hers, his):
            assert (await socket.receive())["type"] == "next"

        await grants.revoke_grant(fleet.backend, fleet.owner, grant)
        assert await ends_within(hers, 5.0) == CHANGED

        await fleet.something_happens(2)
        assert (await his.receive())["type"] == "next"
        # The socket is still there, and may do what she still may: nothing.
        await hers.subscribe(WATCH)
        assert [error["extensions"]["code"] for error in await ends_within(hers, 5.0)] == ["FORBIDDEN"]


@pytest.mark.parametrize("what", ["disabled", "narrowed", "widened"])
async def test_whatever_changes_what_a_user_may_see_ends_what_they_watch(fleet: Fleet, what: str) -> None:
    group = await fleet.group()
    anna = await fleet.somebody("anna")
    await fleet.granted(anna, group)
    async with watchers(fleet, "anna") as (hers,):
        match what:
            case "disabled":
                await users.disable_user(fleet.backend, fleet.owner, anna.id)
            case "narrowed":
                # Groups below it are in it; one that comes below it widens, one that goes narrows.
                await resource_groups.create_group(fleet.backend, fleet.owner, name="Below", parent_id=group)
            case "widened":
                await fleet.granted(anna)
        errors = await ends_within(hers, 5.0)

    code = "UNAUTHENTICATED" if what == "disabled" else "ACCESS_CHANGED"
    assert [error["extensions"]["code"] for error in errors] == [code]


VIEWER = "{ viewer { subject kind name tenantSlug scopes grants { scopes resourceGroups { name } } impersonatedBy } }"


async def test_a_user_sees_what_they_are_granted(fleet: Fleet) -> None:
    anna, group = await fleet.somebody("anna"), await fleet.group()
    asked = "{ chargePoints { totalCount } }"
    nothing = await fleet.api.ask(fleet.token("anna"), VIEWER)
    refused = await fleet.api.ask(fleet.token("anna"), asked)
    await fleet.granted(anna, group)
    await asyncio.sleep(3.1)  # what was looked up a moment ago holds for so long

    seen = await fleet.api.ask(fleet.token("anna"), VIEWER)
    shown = await fleet.api.ask(fleet.token("anna"), asked)

    assert (nothing["data"]["viewer"]["scopes"], nothing["data"]["viewer"]["grants"], nothing["data"]["viewer"]["name"]) == ([], [], "Anna")
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    (grant,) = seen["data"]["viewer"]["grants"]
    assert (grant["scopes"], len(grant["resourceGroups"])) == (["fleet:read"], 1)
    assert shown["data"] == {"chargePoints": {"totalCount": 4}}


async def test_support_acts_as_a_user_until_it_ends(fleet: Fleet) -> None:
    anna = await fleet.somebody("anna")
    await fleet.granted(anna)
    root = fleet.api.token(fleet.tenant_id, Role.SYSTEM_ADMINISTRATOR)
    start = """mutation M($input: StartImpersonationInput!) { startImpersonation(input: $input) {
        token impersonation { id impersonator } errors { message } } }"""
    given = {
        "tenantId": encode_id(Tenant, fleet.tenant_id),
        "userId": encode_id(User, anna.id),
        "reason": "Ticket 4711: sees no vehicle.",
        "minutes": 5,
        "idempotencyKey": uuid.uuid4().hex,
    }
    begun = (await fleet.api.post(start, headers=bearer(root), input=given)).json()["data"]["startImpersonation"]
    repeated = (await fleet.api.post(start, headers=bearer(root), input=given)).json()["data"]["startImpersonation"]

    seen = (await fleet.api.ask(begun["token"], VIEWER))["data"]["viewer"]
    assert (seen["subject"], seen["kind"], seen["impersonatedBy"]) == ("anna", "USER", "administrator:somebody")
    assert (await fleet.api.ask(begun["token"], "{ depots { totalCount } }"))["data"] == {"depots": {"totalCount": 1}}
    # The same request again is answered with the same impersonation, and without its token.
    assert (repeated["impersonation"], repeated["token"], repeated["errors"]) == (begun["impersonation"], None, [])

    end = "mutation M($input: EndImpersonationInput!) { endImpersonation(input: $input) { impersonation { endedAt } errors { message } } }"
    ended = (await fleet.api.post(end, headers=bearer(root), input={"impersonationId": begun["impersonation"]["id"]})).json()
    assert ended["data"]["endImpersonation"]["errors"] == []
    await asyncio.sleep(3.1)
    assert (await fleet.api.post(VIEWER, headers=bearer(begun["token"]))).status_code == 401


async def test_an_administrator_of_the_installation_sees_tenants_and_their_users_and_nothing_of_the_fleet(fleet: Fleet) -> None:
    await fleet.somebody("anna")
    other = Fleet(fleet.api, await new_fleet(fleet.backend))
    root = fleet.api.token(fleet.tenant_id, Role.SYSTEM_ADMINISTRATOR)
    asked = "query Q($id: ID!) { tenant(id: $id) { id suspendedAt users { totalCount nodes { subject } } } }"

    found = [
        (await fleet.api.post(asked, headers=bearer(root), id=encode_id(Tenant, one.tenant_id))).json()["data"]["tenant"]
        for one in (fleet, other)
    ]
    viewer = (await fleet.api.ask(root, VIEWER))["data"]["viewer"]
    refused = await fleet.api.ask(root, "{ depots { totalCount } }")

    assert [one["users"]["nodes"] for one in found] == [[{"subject": "anna"}], []]
    assert (viewer["kind"], viewer["tenantSlug"]) == ("ADMINISTRATOR", None)
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    assert (await fleet.api.ask(fleet.api.token(fleet.tenant_id, Role.OWNER), "{ tenants { totalCount } }"))["data"] is None


async def test_a_key_of_a_group_sees_what_is_in_it(fleet: Fleet) -> None:
    group = await resource_groups.create_group(fleet.backend, fleet.owner, name="One point")
    async with fleet.backend.database.snapshot(fleet.tenant_id) as snapshot:
        point = (await ChargePoints(snapshot).where(order_by=[ChargePoints.table.c.identity]))[0]
    await resource_groups.add_to_group(fleet.backend, fleet.owner, group.id, [(MemberKind.CHARGE_POINT, point.id)])
    create = "mutation M($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret errors { message path } } }"
    given = {"name": "One point", "scopes": ["fleet:read"], "resourceGroupId": encode_id(type(group), group.id)}
    made = await fleet.api.post(create, headers=bearer(fleet.api.token(fleet.tenant_id)), input=given)
    secret = made.json()["data"]["createApiKey"]["secret"]

    seen = await fleet.api.post(
        "{ chargePoints { totalCount nodes { identity } } depots { totalCount } }", path="/public/graphql", headers={"x-api-key": secret}
    )

    assert seen.json()["data"] == {"chargePoints": {"totalCount": 1, "nodes": [{"identity": "CP-1"}]}, "depots": {"totalCount": 0}}
