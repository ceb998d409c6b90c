"""Subscriptions of the internal graph: what fits arrives, afresh each time, and nothing is held when nobody watches."""

from dataclasses import replace

import pytest
from strawberry.types.execution import PreExecutionError

from ampyard.domain.charge_points import ConnectorStatus
from ampyard.domain.events import EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.depots import Depots
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers.ids import encode_id
from ampyard.services import charge_points
from ampyard.services.backend import Backend
from tests.busy import NOW, Busy, announce, busy_tenant
from tests.fleet import user
from tests.schema.graph import Graph, id_of
from tests.schema.live import relayed, subscribed

TRANSACTIONS = "subscription S($depot: ID, $only: ID) { transactionUpdated(depotId: $depot, transactionId: $only) { id powerKw } }"
POINTS = """subscription S($only: ID) { chargePointUpdated(chargePointId: $only) {
    identity connected evses { status connectors { status errorCode } } } }"""


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Busy:
    """A tenant of this module's own, which its tests change."""
    return await busy_tenant(backend)


@pytest.fixture
def own(tenant: Busy) -> Graph:
    return Graph(tenant.backend, user(tenant.tenant_id))


async def test_a_status_that_is_reported_arrives(own: Graph, tenant: Busy) -> None:
    station = tenant.stations["CP-3"]
    async with subscribed(own, POINTS) as live:
        await charge_points.status_changed(tenant.backend, station, 1, 1, ConnectorStatus.FAULTED, error_code="GroundFailure", at=NOW)
        await relayed(tenant.backend)

        assert await live.next() == {
            "chargePointUpdated": {
                "identity": "CP-3",
                "connected": True,
                "evses": [{"status": "FAULTED", "connectors": [{"status": "FAULTED", "errorCode": "GroundFailure"}]}],
            }
        }


async def test_only_what_was_asked_for_arrives(own: Graph, tenant: Busy) -> None:
    north = next(depot for depot in await tenant.all(Depots) if depot.name == "North")
    here, there = await tenant.transaction("tx-8"), await tenant.transaction("tx-2")
    wanted: list[dict[str, object]] = [{"depot": id_of(north)}, {"only": id_of(here)}, {"depot": id_of(north), "only": id_of(here)}]
    for variables in wanted:
        async with subscribed(own, TRANSACTIONS, **variables) as live:
            await announce(tenant, EventKind.TRANSACTION_UPDATED, there.id, there.depot_id)
            await announce(tenant, EventKind.CHARGE_POINT_UPDATED, here.id, here.depot_id)
            await relayed(tenant.backend)
            assert await live.quiet()
            await announce(tenant, EventKind.TRANSACTION_UPDATED, here.id, here.depot_id)
            await relayed(tenant.backend)
            assert (await live.next())["transactionUpdated"]["id"] == id_of(here)


async def test_each_event_shows_what_is_so_by_then(own: Graph, tenant: Busy) -> None:
    transaction = await tenant.transaction("tx-9")
    async with subscribed(own, TRANSACTIONS, only=id_of(transaction)) as live:
        for power_kw in (30.5, 31.5):
            async with tenant.backend.unit_of_work(user(tenant.tenant_id)) as work:
                await work.change(Transactions, transaction.id, power_kw=power_kw)
                await work.commit()
            await announce(tenant, EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id)
            await relayed(tenant.backend)
            assert await live.next() == {"transactionUpdated": {"id": id_of(transaction), "powerKw": power_kw}}


async def test_nothing_is_held_between_events_nor_after_the_end(own: Graph, tenant: Busy) -> None:
    transaction = await tenant.transaction("tx-9")
    pool, hub = tenant.backend.database.engine.pool, tenant.backend.events
    async with subscribed(own, TRANSACTIONS) as live:
        await announce(tenant, EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id)
        await relayed(tenant.backend)
        await live.next()
        assert await live.quiet()
        assert pool.checkedout() == 0  # type: ignore[attr-defined]  # a QueuePool
        assert tenant.tenant_id in hub._readers

    assert tenant.tenant_id not in hub._readers


@pytest.mark.parametrize(
    ("document", "variables", "code", "message"),
    [
        (TRANSACTIONS, {"only": "x"}, "BAD_USER_INPUT", "transactionId: 'x' is not an id of this graph"),
        (TRANSACTIONS, {"depot": encode_id(Vehicle, new_id())}, "BAD_USER_INPUT", "depotId: this is the id of a Vehicle, not of a Depot."),
        (POINTS, {"only": "x"}, "BAD_USER_INPUT", "chargePointId: 'x' is not an id of this graph"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_before_there_is_a_stream(
    own: Graph, document: str, variables: dict[str, object], code: str, message: str
) -> None:
    result = await own.run(document, **variables)

    assert isinstance(result, PreExecutionError)
    ((error_code, text),) = [((error.extensions or {})["code"], error.message) for error in result.errors or ()]
    assert error_code == code
    assert text.startswith(message)
    assert own.principal.tenant_id not in own.backend.events._readers


async def test_watching_without_the_scope_is_refused_before_there_is_a_stream(own: Graph) -> None:
    result = await replace(own, principal=replace(own.principal, scopes=frozenset())).run(POINTS)

    assert isinstance(result, PreExecutionError)
    assert [(error.path, (error.extensions or {})["code"]) for error in result.errors or ()] == [(["chargePointUpdated"], "FORBIDDEN")]
