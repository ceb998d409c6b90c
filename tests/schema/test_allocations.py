"""Why EVSEs get what they get, on the wire: the newest allocation, whom it yielded to, and the decision computed again."""

from typing import Any

import pytest

from ampyard.domain.access import Role
from ampyard.domain.allocation import Allocation
from ampyard.domain.charge_points import Evse
from ampyard.domain.depots import Depot
from ampyard.domain.events import Event, EventKind
from ampyard.domain.transactions import Transaction
from ampyard.repositories.allocations import Allocations, Steps
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.resolvers.ids import encode_id
from ampyard.services.backend import Backend
from tests.busy import Busy, busy_tenant
from tests.fleet import user
from tests.grants import confined, group_of
from tests.schema.graph import Graph, id_of
from tests.schema.live import relayed, subscribed


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Busy:
    """A tenant of this module's own, which its tests change."""
    return await busy_tenant(backend)


@pytest.fixture
def own(tenant: Busy) -> Graph:
    return Graph(tenant.backend, user(tenant.tenant_id))


async def test_an_evse_shows_its_newest_allocation(own: Graph, tenant: Busy) -> None:
    older = await tenant.all(Allocations)
    newest = {it.evse_id: it for it in sorted(older, key=lambda it: (it.decided_at, it.id))}
    data = await own.data("{ chargePoints { nodes { evses { id allocation { id powerKw } } } } }")
    shown = {evse["id"]: evse["allocation"] for point in data["chargePoints"]["nodes"] for evse in point["evses"]}
    assert shown == {
        id_of(evse): {"id": id_of(newest[evse.id]), "powerKw": newest[evse.id].power_kw} if evse.id in newest else None
        for evse in await tenant.all(Evses)
    }
    assert len(newest) == 6


REPLAY = """query Q($id: ID!) { transaction(id: $id) { allocations { nodes { powerKw boundBy explanation
    yieldedTo { number } replay { same powerKw boundBy explanation } } } } }"""


async def test_a_decision_comes_out_again_and_says_where_it_does_not(own: Graph, tenant: Busy) -> None:
    kept = await one_of(tenant, "tx-3")
    (node,) = (await own.data(REPLAY, id=id_of(await tenant.transaction("tx-3"))))["transaction"]["allocations"]["nodes"]
    told = {"powerKw": kept.power_kw, "boundBy": kept.bound_by.value, "explanation": kept.explanation}
    assert node == {**told, "yieldedTo": [], "replay": {"same": True, **told}}

    async with tenant.backend.unit_of_work(user(tenant.tenant_id)) as work:
        await work.change(Allocations, kept.id, power_kw=1.0)
        await work.commit()
    (node,) = (await own.data(REPLAY, id=id_of(await tenant.transaction("tx-3"))))["transaction"]["allocations"]["nodes"]
    assert (node["powerKw"], node["replay"]["same"], node["replay"]["powerKw"]) == (1.0, False, kept.power_kw)


async def test_whom_it_yielded_to_is_shown_as_far_as_the_caller_reaches(own: Graph, tenant: Busy) -> None:
    kept = await one_of(tenant, "tx-2")
    evses = {evse.charge_point_id: evse for evse in await tenant.all(Evses)}
    points = {point.identity: point for point in await tenant.all(ChargePoints)}
    others = [evses[points[identity].id] for identity in ("CP-2", "CP-3")]
    async with tenant.backend.unit_of_work(user(tenant.tenant_id)) as work:
        await work.change(Allocations, kept.id, yielded_to=tuple(evse.id for evse in others))
        await work.commit()
    asked = "query Q($id: ID!) { transaction(id: $id) { allocations { nodes { yieldedTo { id } replay { same } } } } }"
    transaction = id_of(await tenant.transaction("tx-2"))

    def shown(data: dict[str, Any]) -> list[str]:
        return [one["id"] for one in data["transaction"]["allocations"]["nodes"][0]["yieldedTo"]]

    assert shown(await own.data(asked, id=transaction)) == [id_of(evse) for evse in others]
    group = await group_of(tenant.backend, tenant.tenant_id, charge_point_id=points["CP-1"].id)
    guest = Graph(tenant.backend, confined(tenant.tenant_id, group, role=Role.VIEWER))
    data = await guest.data(asked, id=transaction)
    assert shown(data) == []
    # How the whole depot was shared is not for who reaches one charge point of it.
    assert data["transaction"]["allocations"]["nodes"][0]["replay"] is None


@pytest.mark.parametrize("name", ["depotId", "evseId", "transactionId"])
async def test_allocations_arrive_as_they_are_decided_and_only_those_that_were_asked_for(own: Graph, tenant: Busy, name: str) -> None:
    here, there = await one_of(tenant, "tx-8"), await one_of(tenant, "tx-3")
    ids = {
        "depotId": encode_id(Depot, here.depot_id),
        "evseId": encode_id(Evse, here.evse_id),
        "transactionId": encode_id(Transaction, here.transaction_id),
    }
    async with subscribed(own, f"subscription S($id: ID) {{ allocationChanged({name}: $id) {{ id powerKw }} }}", id=ids[name]) as live:
        for allocation in (there, here):
            await tell(tenant, allocation)
        await relayed(tenant.backend)
        assert await live.next() == {"allocationChanged": {"id": id_of(here), "powerKw": here.power_kw}}


async def test_the_facts_of_a_step_are_small_and_read_back_as_they_were(tenant: Busy) -> None:
    for step in await tenant.all(Steps):
        assert {it.depot_id for it in await tenant.all(Allocations) if it.step_id == step.id} == {step.depot_id}
        assert {evse.evse_id for evse in step.facts.evses} <= {evse.id for evse in await tenant.all(Evses)}
        assert step.facts.at == step.decided_at


async def one_of(tenant: Busy, ocpp_id: str) -> Allocation:
    transaction = await tenant.transaction(ocpp_id)
    return next(it for it in await tenant.all(Allocations) if it.transaction_id == transaction.id)


async def tell(tenant: Busy, allocation: Allocation) -> None:
    payload = {"evse_id": str(allocation.evse_id), "transaction_id": str(allocation.transaction_id)}
    async with tenant.backend.unit_of_work(user(tenant.tenant_id)) as work:
        work.publish(Event(EventKind.ALLOCATION_CHANGED, allocation.id, allocation.depot_id, payload))
        await work.commit()
