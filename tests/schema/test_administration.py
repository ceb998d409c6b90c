"""Administration over the wire: what groups hold, what a change shows, settings and flags, what a user may do, and runs as they go."""

import uuid
from typing import Any

import pytest

from ampyard.domain.access import ROLE_SCOPES, TENANT_WIDE, Role
from ampyard.domain.events import EventKind
from ampyard.domain.job_runs import JobRunState
from ampyard.repositories.access import ResourceGroups, Users
from ampyard.repositories.api_keys import ApiKeyRecords
from ampyard.repositories.job_runs import JobRuns
from ampyard.services.backend import Backend
from tests.busy import Busy, announce, busy_tenant
from tests.fleet import user
from tests.schema.graph import Graph, id_of
from tests.schema.live import relayed, subscribed

EDGES = """query Q($id: ID!) { resourceGroup(id: $id) { name
    depots { totalCount nodes { name } } chargePoints(filter: {identityContains: "CP"}) { totalCount nodes { identity } }
    vehicles(first: 1) { totalCount nodes { name } pageInfo { hasNextPage } } children { nodes { name parent { name } } } } }"""


async def test_a_group_leads_to_what_is_in_it_by_itself(graph: Graph, busy: Busy) -> None:
    groups = {group.name: group for group in await busy.all(ResourceGroups)}

    night = (await graph.data(EDGES, id=id_of(groups["Night shift"])))["resourceGroup"]
    north = (await graph.data(EDGES, id=id_of(groups["Group North"])))["resourceGroup"]

    assert night["depots"] == {"totalCount": 0, "nodes": []}
    assert night["chargePoints"] == {"totalCount": 1, "nodes": [{"identity": "CP-1"}]}
    assert (night["vehicles"]["totalCount"], night["vehicles"]["pageInfo"]) == (1, {"hasNextPage": False})
    assert night["children"]["nodes"] == [{"name": "Empty group", "parent": {"name": "Night shift"}}]
    # The other charge points and vehicles of the depot are in it with the depot, and found there.
    assert north["depots"] == {"totalCount": 1, "nodes": [{"name": "North"}]}
    assert (north["chargePoints"]["totalCount"], north["vehicles"]["totalCount"]) == (1, 1)


async def test_many_groups_are_led_from_in_a_statement_an_edge(graph: Graph, statements: list[str]) -> None:
    statements.clear()
    await graph.data("{ resourceGroups { nodes { depots { nodes { id } } chargePoints { nodes { id } } vehicles { nodes { id } } } } }")
    assert len(statements) == 4


async def test_a_users_permissions_say_which_grant_they_come_from(graph: Graph, busy: Busy) -> None:
    people = {one.subject: one for one in await busy.all(Users)}
    asked = """query Q($user: ID!, $of: ID) { effectivePermissions(userId: $user, resourceId: $of) {
        scope description grants { role resourceGroup { name } } } }"""
    groups = {group.name: group for group in await busy.all(ResourceGroups)}

    async def found(subject: str, of: Any = None) -> dict[str, Any]:
        answer = await graph.data(asked, user=id_of(people[subject]), of=None if of is None else id_of(of))
        return {one["scope"]: one["grants"] for one in answer["effectivePermissions"]}

    assert (await found("anna")).keys() == {scope.value for scope in ROLE_SCOPES[Role.OWNER]}
    dispatcher = await found("user-of-North", groups["Group North"])
    assert dispatcher.keys() == {scope.value for scope in ROLE_SCOPES[Role.DISPATCHER] - TENANT_WIDE}
    assert dispatcher["dispatch:write"] == [{"role": "DISPATCHER", "resourceGroup": {"name": "Group North"}}]
    assert await found("user-of-North") == {}
    assert await found("gone", groups["Group North"]) == {}


async def test_what_cannot_be_done_to_is_refused(graph: Graph, busy: Busy) -> None:
    person, run = (await busy.all(Users))[0], (await busy.all(JobRuns))[0]
    asked = "query Q($user: ID!, $of: ID) { effectivePermissions(userId: $user, resourceId: $of) { scope } }"
    assert await graph.errors(asked, user=id_of(person), of=id_of(run)) == [
        ("BAD_USER_INPUT", "resourceId: this is the id of a JobRun; give that of a depot, charge point, vehicle or resource group.")
    ]


async def test_roles_are_what_the_code_says(graph: Graph) -> None:
    roles = (await graph.data("{ roles { role scopes grantable description } }"))["roles"]
    assert {one["role"]: set(one["scopes"]) for one in roles} == {role.name: {s.value for s in ROLE_SCOPES[role]} for role in Role}
    assert [one["role"] for one in roles if not one["grantable"]] == ["SYSTEM_ADMINISTRATOR"]


# Changes, in a tenant of their own


@pytest.fixture(scope="module")
async def own(backend: Backend) -> Graph:
    tenant = await busy_tenant(backend)
    return Graph(tenant.backend, user(tenant.tenant_id))


UPDATE = """mutation M($input: UpdateSettingsInput!) { updateSettings(input: $input) {
    version settings { version currency commandDaysKept author } errors { code message path } } }"""


async def test_settings_are_changed_shown_and_answered_once(own: Graph) -> None:
    given = {"currency": "SEK", "version": 1, "idempotencyKey": uuid.uuid4().hex}
    first = (await own.data(UPDATE, input=given))["updateSettings"]
    again = (await own.data(UPDATE, input=given))["updateSettings"]
    late = (await own.data(UPDATE, input={"currency": "NOK", "version": 1}))["updateSettings"]
    wrong = (await own.data(UPDATE, input={"reserveSocPercent": 81.0}))["updateSettings"]

    assert first == {
        "version": 2,
        "settings": {"version": 2, "currency": "SEK", "commandDaysKept": 8, "author": "user:tester"},
        "errors": [],
    }
    assert again == first
    assert (late["settings"], late["errors"][0]["code"], late["errors"][0]["path"]) == (None, "CONFLICT", ["input", "version"])
    assert (wrong["errors"][0]["code"], wrong["errors"][0]["path"]) == ("BAD_USER_INPUT", ["input", "reserveSocPercent"])
    assert (await own.data("{ settings { version currency } }"))["settings"] == {"version": 2, "currency": "SEK"}


async def test_a_flag_is_switched(own: Graph) -> None:
    switch = """mutation M($input: SetFeatureFlagInput!) { setFeatureFlag(input: $input) {
        featureFlag { name enabled default overridden author } errors { code } } }"""
    off = (await own.data(switch, input={"name": "alert_emails", "enabled": False}))["setFeatureFlag"]
    back = (await own.data(switch, input={"name": "alert_emails", "enabled": None}))["setFeatureFlag"]

    named = {"name": "alert_emails", "default": True}
    assert off == {"featureFlag": named | {"enabled": False, "overridden": True, "author": "user:tester"}, "errors": []}
    assert back == {"featureFlag": named | {"enabled": True, "overridden": False, "author": None}, "errors": []}


async def test_a_secret_is_shown_once(own: Graph) -> None:
    create = "mutation M($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret apiKey { id prefix } errors { code path } } }"
    given = {"name": "once", "scopes": ["fleet:read"], "idempotencyKey": uuid.uuid4().hex}
    first = (await own.data(create, input=given))["createApiKey"]
    again = (await own.data(create, input=given))["createApiKey"]

    assert first["secret"].startswith(first["apiKey"]["prefix"])
    assert again == first | {"secret": None}


async def test_a_failed_job_is_watched_as_it_is_done_again(own: Graph) -> None:
    tenant_id = own.principal.tenant_id
    async with own.backend.database.snapshot(tenant_id) as snapshot:
        run = next(run for run in await JobRuns(snapshot).where() if run.state is JobRunState.FAILED)
    async with subscribed(own, "subscription S($id: ID) { jobRunUpdated(jobRunId: $id) { id state canBeRetried } }", id=id_of(run)) as live:
        retry = "mutation M($input: RetryJobInput!) { retryJob(input: $input) { jobRun { state error } errors { message } } }"
        answer = (await own.data(retry, input={"jobRunId": id_of(run)}))["retryJob"]
        await relayed(own.backend)

        assert (await live.next())["jobRunUpdated"] == {"id": id_of(run), "state": "QUEUED", "canBeRetried": False}
    assert (answer["jobRun"]["state"], answer["errors"]) == ("QUEUED", [])


async def test_a_run_of_another_tenant_is_not_watched(own: Graph, busy: Busy) -> None:
    run = (await busy.all(JobRuns))[0]
    async with subscribed(own, "subscription { jobRunUpdated { id } }") as live:
        await announce(busy, EventKind.JOB_RUN_CHANGED, run.id, None)
        await relayed(own.backend)
        assert await live.quiet()


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ('users(filter: {contains: "ANNA"})', 1),
        ("users(filter: {disabled: true})", 1),
        ("users(filter: {withRole: DISPATCHER})", 2),
        ('roleGrants(filter: {inForceAt: "2026-11-02T13:00:00Z", role: VIEWER})', 0),
        ("roleGrants(filter: {role: OWNER})", 1),
        ('resourceGroups(filter: {nameContains: "night"})', 1),
        ("jobRuns(filter: {states: [FAILED]})", 1),
        ('jobRuns(filter: {kind: "retention"})', 1),
        ('impersonations(filter: {inForceAt: "2026-11-02T13:10:00Z"})', 1),
        ("tenants(filter: {suspended: false})", 1),
        ("tenants(filter: {suspended: true})", 0),
    ],
)
async def test_a_list_is_narrowed_and_counted(graph: Graph, asked: str, count: int) -> None:
    ((found,),) = [tuple((await graph.data(f"{{ {asked} {{ totalCount nodes {{ id }} }} }}")).values())]
    assert (found["totalCount"], len(found["nodes"])) == (count, count)


async def test_groups_at_the_top_are_those_without_one_above(graph: Graph, busy: Busy) -> None:
    # Other tests make groups in this tenant, too: how many there are is what is stored.
    groups = await busy.all(ResourceGroups)
    found = await graph.data("{ resourceGroups(first: 100, filter: {atTheTop: true}) { totalCount nodes { id name } } }")
    at_the_top = {group.name for group in groups if group.parent_id is None}
    assert {node["name"] for node in found["resourceGroups"]["nodes"]} == at_the_top
    assert found["resourceGroups"]["totalCount"] == len(found["resourceGroups"]["nodes"]) < len(groups)


async def test_keys_that_are_good_no_more_are_left_out(graph: Graph, busy: Busy) -> None:
    found = await graph.data('{ apiKeys(filter: {validAt: "2026-11-02T14:00:00Z"}) { nodes { name revokedAt } } }')

    every = [key.name for key in await busy.all(ApiKeyRecords)]
    assert {node["name"] for node in found["apiKeys"]["nodes"]} == set(every) - {"old dashboard"}
    assert all(node["revokedAt"] is None for node in found["apiKeys"]["nodes"])
