"""The load of power nodes over time, as the worker records it."""

import uuid
from datetime import timedelta

from ampyard.domain.access import system_principal
from ampyard.domain.supply import NodeLoad, bucket_of
from ampyard.repositories.directory import Directory
from ampyard.repositories.supply import Supply, record_loads
from ampyard.services.backend import Backend

# How often a worker looks. Several workers that look within the same turn count once.
LOOK_EVERY = timedelta(seconds=30)


async def record_node_loads(backend: Backend) -> int:
    """Look at the load of every power node of every depot, once; returns how many looks were new."""
    async with backend.database.system_snapshot() as system:
        depots = await Directory(system).depots()
    return sum([await record_depot(backend, depot.tenant_id, depot.depot_id) for depot in depots])


async def record_depot(backend: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID) -> int:
    """Look at the load of every power node of one depot; returns how many looks were new."""
    async with backend.unit_of_work(system_principal(tenant_id, "node loads")) as work:
        loads = [
            NodeLoad(
                tenant_id=tenant_id,
                depot_id=depot_id,
                power_node_id=power.node_id,
                bucket_at=bucket_of(work.now),
                samples=1,
                measured_avg_kw=power.measured_kw,
                measured_max_kw=power.measured_kw,
                unmanaged_avg_kw=power.unmanaged_kw,
                allocated_avg_kw=power.allocated_kw,
                limit_kw=power.limit_kw,
            )
            for power in await Supply(work.session).power_of_depot(depot_id, at=work.now)
        ]
        recorded = await record_loads(work.session, loads, sampled_at=bucket_of(work.now, LOOK_EVERY)) if loads else 0
        await work.commit()
    return recorded
