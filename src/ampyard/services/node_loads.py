"""The load of power nodes over time, as the worker records it."""

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
    recorded = 0
    for depot in depots:
        async with backend.unit_of_work(system_principal(depot.tenant_id, "node loads")) as work:
            flowing = await Supply(work.session).power_of_depot(depot.depot_id, at=work.now)
            loads = [
                NodeLoad(
                    tenant_id=depot.tenant_id,
                    depot_id=depot.depot_id,
                    power_node_id=power.node_id,
                    bucket_at=bucket_of(work.now),
                    samples=1,
                    measured_avg_kw=power.measured_kw,
                    measured_max_kw=power.measured_kw,
                    unmanaged_avg_kw=power.unmanaged_kw,
                    allocated_avg_kw=power.allocated_kw,
                    limit_kw=power.limit_kw,
                )
                for power in flowing
            ]
            if loads:
                recorded += await record_loads(work.session, loads, sampled_at=bucket_of(work.now, LOOK_EVERY))
            await work.commit()
    return recorded
