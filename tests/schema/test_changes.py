"""What all changes have in common: refusals are data with the path of the input, and a change with an idempotency key is made once."""

import asyncio
import uuid

import pytest

from ampyard.domain.access import Role
from ampyard.repositories.depots import Depots
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from tests.busy import Busy, busy_tenant
from tests.fleet import user
from tests.grants import confined, group_of
from tests.schema.graph import Graph, id_of

SET = """mutation M($input: SetPriorityInput!) { setPriority(input: $input) {
    priority { id level reason } errors { __typename message code path } } }"""
CLEAR = (
    "mutation M($input: ClearPriorityInput!) { clearPriority(input: $input) { priority { id clearedAt } errors { __typename message } } }"
)


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Busy:
    """A tenant of this module's own, which its tests change."""
    return await busy_tenant(backend)


@pytest.fixture
def own(tenant: Busy) -> Graph:
    return Graph(tenant.backend, user(tenant.tenant_id))


async def vehicle_named(tenant: Busy, name: str) -> str:
    return id_of(next(vehicle for vehicle in await tenant.all(Vehicles) if vehicle.name == name))


def key() -> str:
    return uuid.uuid4().hex


async def test_each_kind_of_refusal_says_what_was_wrong_and_where(own: Graph, tenant: Busy) -> None:
    vehicle = await vehicle_named(tenant, "Bus 4")
    before = await tenant.everything()

    async def told(**given: object) -> tuple[str, str, list[str]]:
        payload = (await own.data(SET, input=given))["setPriority"]
        assert payload["priority"] is None
        ((error),) = payload["errors"]
        return error["__typename"], error["code"], error["path"]

    assert await told(level="HIGH", vehicleId=vehicle, reason="x" * 501) == ("ValidationError", "BAD_USER_INPUT", ["input", "reason"])
    assert await told(level="HIGH", vehicleId="nonsense") == ("ValidationError", "BAD_USER_INPUT", ["input", "vehicleId"])
    assert await told(level="HIGH") == ("ValidationError", "BAD_USER_INPUT", ["input"])
    ended = id_of(await tenant.transaction("tx-1"))
    assert await told(level="HIGH", transactionId=ended) == ("ConflictError", "CONFLICT", [])
    assert await tenant.everything() == before


async def test_a_caller_without_reach_is_told_so_only_where_it_sees_the_target(tenant: Busy) -> None:
    depots = {depot.name: depot.id for depot in await tenant.all(Depots)}
    central = await group_of(tenant.backend, tenant.tenant_id, depot_id=depots["Central"])
    north = await group_of(tenant.backend, tenant.tenant_id, depot_id=depots["North"])
    viewer, dispatcher = confined(tenant.tenant_id, central, role=Role.VIEWER), confined(tenant.tenant_id, north, role=Role.DISPATCHER)
    both = type(viewer)(viewer.tenant_id, "both", viewer.kind, frozenset(), None, viewer.grants + dispatcher.grants)
    given = {"level": "HIGH", "vehicleId": await vehicle_named(tenant, "Bus 4")}
    before = await tenant.everything()

    answers = [
        (await Graph(tenant.backend, principal).data(SET, input=given))["setPriority"]["errors"] for principal in (viewer, dispatcher, both)
    ]

    assert [[(error["__typename"], error["message"]) for error in errors] for errors in answers] == [
        [("NotAllowedError", "This needs the scope priorities:write, which user:confined does not have.")],
        [("NotFoundError", "There is no such vehicle.")],
        [("NotAllowedError", "user:both may see this vehicle, but not do this to it.")],
    ]
    assert await tenant.everything() == before


async def test_a_repeated_change_is_made_once_and_answered_alike(own: Graph, tenant: Busy) -> None:
    given = {"level": "HIGH", "vehicleId": await vehicle_named(tenant, "Bus 4"), "reason": "once", "idempotencyKey": key()}

    first = await own.data(SET, input=given)
    between = await tenant.everything()
    again = await own.data(SET, input=given)

    assert first["setPriority"]["errors"] == []
    assert again == first
    assert await tenant.everything() == between
    # Without a key each is a change of its own.
    del given["idempotencyKey"]
    other = await own.data(SET, input=given)
    assert other["setPriority"]["priority"]["id"] != first["setPriority"]["priority"]["id"]


async def test_a_repetition_is_answered_with_what_is_there_now(own: Graph, tenant: Busy) -> None:
    given = {"level": "LOW", "vehicleId": await vehicle_named(tenant, "Bus 5"), "idempotencyKey": key()}
    asked = SET.replace("id level reason", "id clearedAt")
    rule = (await own.data(asked, input=given))["setPriority"]["priority"]
    assert rule["clearedAt"] is None
    cleared = (await own.data(CLEAR, input={"priorityId": rule["id"]}))["clearPriority"]["priority"]

    assert (await own.data(asked, input=given))["setPriority"]["priority"] == cleared


async def test_two_at_the_same_time_are_one(own: Graph, tenant: Busy) -> None:
    given = {"level": "HIGH", "vehicleId": await vehicle_named(tenant, "North Bus 4"), "reason": "twice", "idempotencyKey": key()}
    rules = len(await tenant.all(Priorities))

    answers = await asyncio.gather(*(own.data(SET, input=given) for _ in range(5)))

    assert answers == [answers[0]] * 5
    assert answers[0]["setPriority"]["errors"] == []
    assert len(await tenant.all(Priorities)) == rules + 1


async def test_a_key_is_for_one_input_of_one_change(own: Graph, tenant: Busy) -> None:
    used = key()
    given = {"level": "HIGH", "vehicleId": await vehicle_named(tenant, "Bus 4"), "idempotencyKey": used}
    rule = (await own.data(SET, input=given))["setPriority"]["priority"]
    before = await tenant.everything()

    other_input = await own.data(SET, input=given | {"level": "LOW"})
    other_change = await own.data(CLEAR, input={"priorityId": rule["id"], "idempotencyKey": used})

    message = "This idempotency key was used for setPriority{}; give a new one for each new change."
    assert other_input["setPriority"] == {
        "priority": None,
        "errors": [
            {
                "__typename": "ConflictError",
                "message": message.format(" with another input"),
                "code": "CONFLICT",
                "path": ["input", "idempotencyKey"],
            }
        ],
    }
    assert other_change["clearPriority"]["errors"] == [{"__typename": "ConflictError", "message": message.format("")}]
    assert await tenant.everything() == before


async def test_a_key_is_its_users_own(own: Graph, tenant: Busy) -> None:
    given = {"level": "HIGH", "vehicleId": await vehicle_named(tenant, "Bus 4"), "idempotencyKey": key()}
    mine = await own.data(SET, input=given)
    depot = next(depot.id for depot in await tenant.all(Depots) if depot.name == "Central")
    somebody = confined(tenant.tenant_id, await group_of(tenant.backend, tenant.tenant_id, depot_id=depot))

    theirs = await Graph(tenant.backend, somebody).data(SET, input=given)

    assert theirs["setPriority"]["errors"] == []
    assert theirs["setPriority"]["priority"]["id"] != mine["setPriority"]["priority"]["id"]


async def test_a_refusal_is_not_kept(own: Graph, tenant: Busy) -> None:
    given = {"level": "HIGH", "vehicleId": await vehicle_named(tenant, "Bus 4"), "reason": "x" * 501, "idempotencyKey": key()}
    assert (await own.data(SET, input=given))["setPriority"]["priority"] is None

    assert (await own.data(SET, input=given | {"reason": "short"}))["setPriority"]["errors"] == []


@pytest.mark.parametrize("wrong", ["", "k" * 201])
async def test_a_key_has_a_length(own: Graph, tenant: Busy, wrong: str) -> None:
    given = {"level": "HIGH", "vehicleId": await vehicle_named(tenant, "Bus 4"), "idempotencyKey": wrong}
    ((error),) = (await own.data(SET, input=given))["setPriority"]["errors"]
    assert (error["path"], error["code"]) == (["input", "idempotencyKey"], "BAD_USER_INPUT")
