import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select

from ampyard.domain.charts import Chart, ChartBucket, ChartSpan, EnergyPoint
from ampyard.repositories import tables
from ampyard.repositories.charts.frame import drawn, energy, frame, parents, rows_of, statement
from ampyard.repositories.database import Session


async def energy_of_depots(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[EnergyPoint]]:
    """Return the energy charged in each depot."""

    def make(bucket: ChartBucket) -> Select[Any]:
        framed = frame(parents(tables.depot, tables.depot.c.id))
        rows = rows_of(bucket, framed, tables.depot_rollup, "depot_id", tables.depot_rollup, ["energy_wh"])
        return statement(framed, rows, energy)

    return await drawn(session, "energy_of_depots", make, ids, span, EnergyPoint, now=now)


async def energy_of_charge_points(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[EnergyPoint]]:
    """Return the energy charged at each charge point."""
    charge_point = tables.charge_point

    def make(bucket: ChartBucket) -> Select[Any]:
        framed = frame(parents(charge_point, charge_point.c.depot_id))
        days, intervals = tables.charge_point_rollup, tables.energy_interval
        return statement(framed, rows_of(bucket, framed, days, "charge_point_id", intervals, ["energy_wh"], same=["depot_id"]), energy)

    return await drawn(session, "energy_of_charge_points", make, ids, span, EnergyPoint, now=now)


async def energy_of_vehicles(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[EnergyPoint]]:
    """Return the energy that each vehicle took, in whatever depot; unless told in the time of its home depot."""
    vehicle = tables.vehicle

    def make(bucket: ChartBucket) -> Select[Any]:
        framed = frame(parents(vehicle, vehicle.c.depot_id))
        days, intervals = tables.vehicle_rollup, tables.energy_interval
        return statement(framed, rows_of(bucket, framed, days, "vehicle_id", intervals, ["energy_wh"], same=["depot_id"]), energy)

    return await drawn(session, "energy_of_vehicles", make, ids, span, EnergyPoint, now=now)
