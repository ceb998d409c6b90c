"""What readiness is told from: where vehicles are plugged in, what depots have to offer; and what was kept of it."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, case, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.charge_points import CurrentType
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.paging import PageRequest
from ampyard.domain.plugs import Offer, Plug
from ampyard.domain.readiness import Risk
from ampyard.domain.readiness_records import ReadinessRecord
from ampyard.domain.transactions import TransactionState
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository, array

_FOR_USE = (ChargePointState.COMMISSIONED, ChargePointState.IN_SERVICE)


@dataclass(frozen=True, slots=True)
class ReadinessRecordFilter:
    """Which records to list; a field that is `None` does not narrow. Times bound `recorded_at`: from inclusive, to exclusive."""

    at_departure: bool | None = None
    risk: Risk | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.readiness_record.c
        return [
            *([column.at_departure == self.at_departure] if self.at_departure is not None else []),
            *([column.risk == self.risk] if self.risk is not None else []),
            *([column.recorded_at >= self.recorded_from] if self.recorded_from is not None else []),
            *([column.recorded_at < self.recorded_to] if self.recorded_to is not None else []),
        ]


class ReadinessRecords(Repository[ReadinessRecord]):
    entity = ReadinessRecord
    table = tables.readiness_record
    orders = MappingProxyType({"RECORDED_AT": table.c.recorded_at})

    async def newest(self, assignment_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, ReadinessRecord]:
        """Return what was kept last of each assignment of which anything was."""
        request = PageRequest(1, "RECORDED_AT", descending=True)
        pages = await self.pages(self.table.c.assignment_id, list(assignment_ids), request, ends=False)
        return {assignment_id: page.items[0] for assignment_id, page in pages.items() if page.items}

    async def at_departure(
        self, assignment_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, ReadinessRecord]:
        """Return what was kept of each assignment as its vehicle left."""
        column = self.table.c
        needed = None if reads is None else reads | {"assignment_id"}
        found = await self.where(column.assignment_id == func.any(array(assignment_ids)), column.at_departure, reads=needed)
        return {record.assignment_id: record for record in found}


async def keep(session: WriteSession, records: Sequence[ReadinessRecord]) -> None:
    """Insert records; a second one of the same departure is left out."""
    if records:
        names = [field.name for field in fields(ReadinessRecord)]
        rows = [{name: getattr(record, name) for name in names} for record in records]
        await session.execute(insert(tables.readiness_record).on_conflict_do_nothing(), rows)


async def remove_old(session: WriteSession, *, before: datetime) -> int:
    """Remove what was foreseen before a moment; what was true at departures stays. Returns how many records went."""
    column = tables.readiness_record.c
    return await session.execute(delete(tables.readiness_record).where(column.recorded_at < before, column.at_departure.is_(False)))


def _plug_kw(*used: ColumnElement[bool]) -> ColumnElement[float]:
    """Return the most that an EVSE and the weakest of its connectors in use give (`domain.cables`), in kW."""
    evse, connector = tables.evse.c, tables.connector.c
    between_lines = case((evse.phases == 3, func.sqrt(3.0)), else_=1.0)  # noqa: PLR2004 - as domain.equipment.kw_per_ampere
    volts = case(
        (evse.current_type == CurrentType.DC, connector.max_voltage_v),
        (evse.line_to_line, evse.voltage_v * between_lines),
        else_=evse.voltage_v * evse.phases,
    )
    carried = select(func.min(connector.max_amperage_a * volts / 1000.0)).where(connector.evse_id == evse.id, *used).scalar_subquery()
    # The least leaves out what is not known.
    return func.least(evse.max_power_kw, carried)


async def plugs(session: Session, vehicle_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Plug]:
    """Return where each vehicle is plugged in that is; by the newest, should a charge point have left an older transaction open."""
    tx, evse = tables.transaction, tables.evse
    statement = (
        select(
            tx.c.vehicle_id,
            tx.c.depot_id,
            evse.c.current_type,
            _plug_kw((tx.c.connector_id.is_(None)) | (tables.connector.c.id == tx.c.connector_id)),
            evse.c.fallback_kw,
            evse.c.limit_kw,
            evse.c.limit_at,
            tx.c.charging_state,
            tx.c.power_kw,
            tx.c.measured_at,
            tx.c.started_at,
            tx.c.id,
        )
        .join(evse, evse.c.id == tx.c.evse_id)
        .where(tx.c.vehicle_id == func.any(array(vehicle_ids)), tx.c.state == TransactionState.ACTIVE)
        .order_by(tx.c.started_at, tx.c.id)
    )
    return {row[0]: Plug(*row) for row in await session.fetch(statement)}


async def offers(session: Session, depot_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Offer]]:
    """Return what the charge points for use in each depot have to offer, a line a current type."""
    cp, evse = tables.charge_point, tables.evse
    statement = (
        select(cp.c.depot_id, evse.c.current_type, func.min(_plug_kw()), func.max(_plug_kw()))
        .join(evse, evse.c.charge_point_id == cp.c.id)
        .where(cp.c.depot_id == func.any(array(depot_ids)), cp.c.state.in_(_FOR_USE))
        .group_by(cp.c.depot_id, evse.c.current_type)
        .order_by(evse.c.current_type)
    )
    by_depot: dict[uuid.UUID, list[Offer]] = defaultdict(list)
    for row in await session.fetch(statement):
        offer = Offer(*row)
        by_depot[offer.depot_id].append(offer)
    return by_depot


async def try_lock(session: WriteSession, tenant_id: uuid.UUID) -> bool:
    """Take the lock of keeping a tenant's readiness until the end of the transaction; returns False, at once, when another holds it."""
    key = func.hashtextextended(f"readiness of {tenant_id}", 0)
    return bool((await session.fetch(select(func.pg_try_advisory_xact_lock(key))))[0][0])
