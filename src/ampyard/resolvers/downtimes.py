"""Changes of planned downtimes: decode the ids, call the service."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ampyard.domain.availability import PlannedDowntime
from ampyard.domain.charge_points import ChargePoint
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, decode_ids
from ampyard.services import downtimes


async def plan_downtime(
    caller: Caller, *, charge_point_ids: Sequence[str], ends_at: datetime, reason: str, starts_at: datetime | None
) -> dict[str, Any]:
    """Announce a downtime."""
    ids = decode_ids("input.chargePointIds", charge_point_ids, ChargePoint)
    planned = await downtimes.plan_downtime(caller.backend, caller.principal, ids, ends_at=ends_at, reason=reason, starts_at=starts_at)
    return {"downtimes": planned}


async def edit_downtime(
    caller: Caller, *, downtime_id: str, starts_at: datetime | None, ends_at: datetime | None, reason: str | None
) -> dict[str, Any]:
    """Move a downtime, or change its reason."""
    wanted = decode_id("input.downtimeId", downtime_id, PlannedDowntime)
    changed = await downtimes.edit_downtime(caller.backend, caller.principal, wanted, starts_at=starts_at, ends_at=ends_at, reason=reason)
    return {"downtime": changed}


async def cancel_downtime(caller: Caller, *, downtime_id: str) -> dict[str, Any]:
    """Call a downtime off."""
    wanted = decode_id("input.downtimeId", downtime_id, PlannedDowntime)
    return {"downtime": await downtimes.cancel_downtime(caller.backend, caller.principal, wanted)}
