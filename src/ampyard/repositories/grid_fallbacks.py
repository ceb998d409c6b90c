"""What no limit can lower: the fall-backs below power nodes, which a charge point draws whenever nobody can tell it otherwise."""

import uuid
from collections.abc import Collection

from sqlalchemy import func, select, true

from ampyard.domain.life_cycle import ChargePointState
from ampyard.repositories import tables
from ampyard.repositories.database import Session
from ampyard.repositories.repository import array


async def fallbacks_below(session: Session, node_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, float]:
    """Return what the fall-back profiles and the configured fall-backs of unmanaged loads add up to, at and below each node, in kW."""
    node, cp, evse = tables.power_node, tables.charge_point, tables.evse
    below = select(node.c.id.label("top"), node.c.id.label("id")).where(node.c.id == func.any(array(node_ids))).cte("below", recursive=True)
    below = below.union_all(select(below.c.top, node.c.id).where(node.c.parent_id == below.c.id))
    profiles = (
        select(func.coalesce(func.sum(evse.c.fallback_kw), 0.0).label("kw"))
        .join_from(cp, evse, evse.c.charge_point_id == cp.c.id)
        .where(cp.c.power_node_id == below.c.id, cp.c.state != ChargePointState.RETIRED)
        .lateral("profiles")
    )
    total = func.sum(profiles.c.kw + func.coalesce(node.c.unmanaged_fallback_kw, 0.0))
    source = below.join(node, node.c.id == below.c.id).join(profiles, true())
    rows = await session.fetch(select(below.c.top, total).select_from(source).group_by(below.c.top))
    return {row[0]: float(row[1]) for row in rows}
