"""What is known of vehicles at their plugs that no fresh plan has: their next run, and when the last plan expected them to leave."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Select, Uuid, bindparam, column, func, select, true

from ampyard.domain.settings import DEFAULTS, from_stored
from ampyard.repositories import tables
from ampyard.repositories.database import Session
from ampyard.repositories.repository import UuidArray

_AT = bindparam("at", type_=DateTime(timezone=True))
_UNTIL = bindparam("until", type_=DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class ExpectedDeparture:
    """The next run of a vehicle, with what its block says that it takes; and when the last plan, fresh or not, expected it to leave.

    `reserve_percent` is what the tenant keeps in every battery.
    """

    transaction_id: uuid.UUID
    run_departs_at: datetime | None
    energy_kwh: float | None
    distance_km: float | None
    planned_departs_at: datetime | None
    reserve_percent: float


async def expected_departures(
    session: Session, vehicles: Mapping[uuid.UUID, uuid.UUID], *, at: datetime, until: datetime
) -> dict[uuid.UUID, ExpectedDeparture]:
    """Return what is expected of each transaction, whose vehicles are given, between two moments. One statement."""
    asked: dict[str, Any] = {"transaction_id": list(vehicles), "vehicle_id": list(vehicles.values())}
    rows = await session.fetch(_STATEMENT, {**asked, "at": at, "until": until})
    found = {}
    for row in rows:
        transaction_id, run_departs_at, energy_kwh, distance_km, planned_departs_at, stored = row
        settings = DEFAULTS if stored is None else from_stored(stored)
        found[transaction_id] = ExpectedDeparture(
            transaction_id, run_departs_at, energy_kwh, distance_km, planned_departs_at, settings.reserve_soc_percent
        )
    return found


def _statement() -> Select[Any]:
    names = ("transaction_id", "vehicle_id")
    given = func.unnest(*(bindparam(name, type_=UuidArray()) for name in names))
    asked = given.table_valued(*(column(name, Uuid) for name in names), name="asked").render_derived()
    run, block, stay = tables.assignment.c, tables.block.c, tables.planned_stay.c
    next_run = (
        select(run.departs_at, block.energy_kwh, block.distance_km)
        .join_from(tables.assignment, tables.block, block.id == run.block_id)
        .where(run.vehicle_id == asked.c.vehicle_id, run.removed_at.is_(None), run.departs_at > _AT, run.departs_at < _UNTIL)
        .order_by(run.departs_at, run.id)
        .limit(1)
        .lateral("next_run")
    )
    last_plan = (
        select(stay.departs_at)
        .where(stay.transaction_id == asked.c.transaction_id, stay.made_at <= _AT)
        .order_by(stay.made_at.desc(), stay.id.desc())
        .limit(1)
        .lateral("last_plan")
    )
    settings = select(tables.tenant_settings.c["values"]).scalar_subquery()
    return select(
        asked.c.transaction_id, next_run.c.departs_at, next_run.c.energy_kwh, next_run.c.distance_km, last_plan.c.departs_at, settings
    ).select_from(asked.outerjoin(next_run, true()).outerjoin(last_plan, true()))


_STATEMENT = _statement()
