"""Subscriptions of the internal graph: what fits arrives, afresh each time, and nothing is held when nobody watches."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from strawberry.types.execution import PreExecutionError

from ampyard.domain.access import Scope
from ampyard.domain.charge_points import ConnectorStatus
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.domain.ids import new_id
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.depots import Depots
from ampyard.repositories.streams import id_order
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers.ids import encode_id
from ampyard.services import charge_points
from ampyard.services.backend import Backend
from tests.busy import NOW, Busy, announce, busy_tenant
from tests.fleet import user
from tests.patience import until
from tests.schema.graph import Graph, id_of
from tests.schema.live import endpoint, relayed, subscribed, watched

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
    database, hub = tenant.backend.database, tenant.backend.events
    async with subscribed(own, TRANSACTIONS) as live:
        await announce(tenant, EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id)
        await relayed(tenant.backend)
        await live.next()
        assert await live.quiet()
        assert database.in_use == 0
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


# Through an endpoint: those who watch the same are one group.

POWER = "subscription S($depot: ID!) { depotPower(depotId: $depot) { nodes { name limitKw } depot { name } } }"
ONE = "subscription S($only: ID) { transactionUpdated(transactionId: $only) { id powerKw vehicle { name } } }"
RESUMED = "subscription { transactionUpdated { id } }"


async def test_fifty_who_watch_the_same_cost_one_evaluation(own: Graph, tenant: Busy, statements: list[str]) -> None:
    transaction = await tenant.transaction("tx-9")
    app = endpoint(own)
    async with watched(app, [(own.principal, ONE, None)] * 50, only=id_of(transaction)) as watchers:
        assert len(app.subscriptions.groups) == 1
        await announce(tenant, EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id)
        await relayed(tenant.backend)
        first = await watchers[0].next_result()
        results = [await watcher.next_result() for watcher in watchers[1:]]
        assert all(result.payload is first.payload for result in results)
        assert first.data["transactionUpdated"]["id"] == id_of(transaction)

        # The statements of one event: as many for one watcher as for fifty.
        statements.clear()
        await announce(tenant, EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id)
        await relayed(tenant.backend)
        for watcher in watchers:
            await watcher.next_result()
        of_fifty = [statement for statement in statements if "FROM transaction" in statement or "FROM vehicle" in statement]
    async with watched(app, [(own.principal, ONE, None)], only=id_of(transaction)) as (watcher,):
        statements.clear()
        await announce(tenant, EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id)
        await relayed(tenant.backend)
        await watcher.next_result()
        of_one = [statement for statement in statements if "FROM transaction" in statement or "FROM vehicle" in statement]
    assert of_fifty == of_one != []


async def test_colleagues_share_and_those_with_other_scopes_do_not(own: Graph) -> None:
    colleague = replace(own.principal, subject="colleague")
    reader = replace(own.principal, scopes=frozenset({Scope.FLEET_READ}))
    app = endpoint(own)
    async with watched(app, [(who, ONE, None) for who in (own.principal, colleague, reader)]):
        assert sorted(group.holders for group in app.subscriptions.groups.values()) == [1, 2]


async def test_two_tenants_never_share(own: Graph, tenant: Busy, twin: Busy) -> None:
    app = endpoint(own)
    here = await tenant.transaction("tx-9")
    other = Graph(twin.backend, user(twin.tenant_id)).principal
    # What the other tenant was made with is its own affair.
    await relayed(tenant.backend)
    async with watched(app, [(own.principal, RESUMED, None), (other, RESUMED, None)]) as (mine, theirs):
        assert len(app.subscriptions.groups) == 2
        await announce(tenant, EventKind.TRANSACTION_UPDATED, here.id, here.depot_id)
        await relayed(tenant.backend)
        assert (await mine.next_result()).data == {"transactionUpdated": {"id": id_of(here)}}
        assert await theirs.quiet()


async def test_the_id_of_another_tenants_event_gives_nothing_of_it(own: Graph, tenant: Busy, twin: Busy) -> None:
    app = endpoint(own)
    here = await tenant.transaction("tx-9")
    await announce(tenant, EventKind.TRANSACTION_UPDATED, here.id, here.depot_id)
    await relayed(tenant.backend)
    foreign = await tenant.backend.events.stream.newest_id(tenant.tenant_id)
    other = Graph(twin.backend, user(twin.tenant_id)).principal
    async with watched(app, [(other, RESUMED, foreign)]) as (theirs,):
        assert theirs.codes(await theirs.results.get()) == ["EVENTS_GONE"]


async def test_a_member_without_the_scope_is_refused_and_the_others_go_on(own: Graph, tenant: Busy) -> None:
    app = endpoint(own)
    transaction = await tenant.transaction("tx-9")
    nobody = replace(own.principal, scopes=frozenset())
    async with watched(app, [(own.principal, RESUMED, None), (nobody, RESUMED, None)]) as (member, refused):
        assert refused.codes(await asyncio.wait_for(refused.results.get(), 5)) == ["FORBIDDEN"]
        await announce(tenant, EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id)
        await relayed(tenant.backend)
        await member.next_result()
        assert refused.results.empty()


async def test_a_refusal_inside_a_shared_result_names_nobody(own: Graph, tenant: Busy) -> None:
    principal = replace(own.principal, subject="anna", scopes=frozenset({Scope.FLEET_READ}))
    depot = (await tenant.all(Depots))[0]
    document = "subscription S($depot: ID!) { depotPower(depotId: $depot) { depot { reports { totalCount } } } }"
    async with watched(endpoint(own), [(principal, document, None)], depot=id_of(depot)) as (watcher,):
        result = await asyncio.wait_for(watcher.results.get(), 5)
    assert watcher.codes(result) == ["FORBIDDEN"]
    assert b"anna" not in result.payload


async def test_a_gauge_shows_itself_at_once_to_each_who_comes(own: Graph, tenant: Busy) -> None:
    app = endpoint(own)
    depot = next(depot for depot in await tenant.all(Depots) if depot.name == "North")
    async with watched(app, [(own.principal, POWER, None)], depot=id_of(depot)) as (first,):
        shown = (await first.next_result()).payload
        async with watched(app, [(own.principal, POWER, "1-0")], depot=id_of(depot)) as (late,):
            assert (await late.next_result()).payload == shown


async def test_who_comes_back_sees_each_event_once_whatever_happens_meanwhile(own: Graph, tenant: Busy) -> None:
    """Transactions are announced all the while; a watcher leaves and comes back all the while; another one stays."""
    app = endpoint(own)
    transactions = (await tenant.all(Transactions))[:8]
    draw = random.Random(7)
    await relayed(tenant.backend)
    begin = await tenant.backend.events.stream.newest_id(tenant.tenant_id)

    async def announces() -> None:
        for number in range(120):
            transaction = transactions[number % len(transactions)]
            await announce(tenant, EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id)
            await relayed(tenant.backend)
            await asyncio.sleep(draw.choice((0.0, 0.0, 0.01)))

    seen: list[str] = []
    async with watched(app, [(own.principal, RESUMED, None)]) as (staying,):
        announcing = asyncio.create_task(announces())
        last: str | None = begin
        while not (announcing.done() and last == await tenant.backend.events.stream.newest_id(tenant.tenant_id)):
            async with watched(app, [(own.principal, RESUMED, last)]) as (coming,):
                await asyncio.sleep(draw.choice((0.0, 0.01, 0.05)))
            seen += coming.ids()
            last = seen[-1] if seen else begin
        await announcing
        await until(lambda: len(staying.arrived) > 0 and staying.arrived[-1].event_id == last)
        stayed = staying.ids()
    published = [event async for event in all_after(tenant, begin)]
    shown_of = {event.stream_id: event.aggregate_id for event in published}

    for ids in (seen, stayed):
        assert ids == sorted(set(ids), key=id_order)
        assert set(ids) <= set(shown_of)
        # What is not shown was followed by a newer event of the same transaction before it could be; nothing else is missing.
        missing = [event for event in published if event.stream_id not in set(ids)]
        for event in missing:
            following = [id_ for id_ in ids if id_order(id_) > id_order(event.stream_id)]
            assert event.aggregate_id in {shown_of[id_] for id_ in following}
    assert len(seen) > 8


async def all_after(tenant: Busy, begin: str) -> AsyncIterator[PublishedEvent]:
    """Yield what is in the tenant's stream after an event."""
    stream = tenant.backend.events.stream
    for event in await stream.between(tenant.tenant_id, begin, await stream.newest_id(tenant.tenant_id)):
        yield event
