"""What happens that day to the supply: a limit lowered for a time, site meters that tell, loads that are recorded."""

from datetime import timedelta
from typing import TYPE_CHECKING

from ampyard.domain.ids import new_id
from ampyard.domain.supply import LimitException, MeterReading, NodeLoad, bucket_of
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.supply import LimitExceptions, add_readings, record_loads
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy


async def happen(busy: "Busy") -> None:
    """Give both depots an exception, a meter with two readings, and an hour of loads."""
    now = busy.backend.clock()
    async with busy.backend.unit_of_work(user(busy.tenant_id)) as work:
        nodes = await PowerNodes(work.session).where(PowerNodes.table.c.parent_id.is_(None))
        for node in nodes:
            lowered = LimitException(
                id=new_id(),
                tenant_id=busy.tenant_id,
                depot_id=node.depot_id,
                power_node_id=node.id,
                valid_from=now - timedelta(hours=1),
                valid_until=now + timedelta(hours=1),
                limit_kw=150.0,
                limit_a=None,
                reason="The grid operator asks for it.",
                author=work.principal.author,
                created_at=now,
            )
            await work.add(LimitExceptions, lowered)
            readings = [MeterReading(now - timedelta(minutes=n), 10.0 + n, 15.0, 16.0, 17.0) for n in (2, 1)]
            await add_readings(work.session, busy.tenant_id, {(node.depot_id, node.id): readings})
            for n in range(12):
                bucket_at = bucket_of(now) - (12 - n) * timedelta(minutes=5)
                load = NodeLoad(busy.tenant_id, node.depot_id, node.id, bucket_at, 10, 40.0 + n, 50.0 + n, 11.0, 60.0 + n, 150.0)
                await record_loads(work.session, [load], sampled_at=bucket_at)
        await work.commit()
