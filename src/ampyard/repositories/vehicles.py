import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Double, Text, exists, func, or_, select, update

from ampyard.domain.state_of_charge import StateOfCharge
from ampyard.domain.transactions import TransactionState
from ampyard.domain.vehicles import LIMITS, Vehicle, VehicleKind, VehicleType
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository, array, given


@dataclass(frozen=True, slots=True)
class VehicleTypeFilter:
    """Which vehicle types to list; a field that is `None` does not narrow."""

    kind: VehicleKind | None = None
    archived: bool | None = None
    name_contains: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.vehicle_type.c
        return [
            *([column.kind == self.kind] if self.kind is not None else []),
            *([column.archived_at.is_not(None) if self.archived else column.archived_at.is_(None)] if self.archived is not None else []),
            *([column.name.icontains(self.name_contains, autoescape=True)] if self.name_contains else []),
        ]


class VehicleTypes(Repository[VehicleType]):
    entity = VehicleType
    table = tables.vehicle_type
    orders = MappingProxyType({"NAME": table.c.name, "CREATED_AT": table.c.created_at})


@dataclass(frozen=True, slots=True)
class VehicleFilter:
    """Which vehicles to list; a field that is `None` does not narrow."""

    depot_id: uuid.UUID | None = None
    kind: VehicleKind | None = None
    name_contains: str | None = None
    type_id: uuid.UUID | None = None
    vehicle_group_id: uuid.UUID | None = None
    soc_below_percent: float | None = None
    plugged_in: bool | None = None
    archived: bool | None = None
    vin_contains: str | None = None
    license_plate_contains: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.vehicle.c
        texts = ((column.name, self.name_contains), (column.vin, self.vin_contains), (column.license_plate, self.license_plate_contains))
        return [
            *([column.depot_id == self.depot_id] if self.depot_id is not None else []),
            *([column.kind == self.kind] if self.kind is not None else []),
            *([column.type_id == self.type_id] if self.type_id is not None else []),
            *([_in_group(self.vehicle_group_id)] if self.vehicle_group_id is not None else []),
            *([column.soc_percent < self.soc_below_percent] if self.soc_below_percent is not None else []),
            *([_plugged_in() if self.plugged_in else ~_plugged_in()] if self.plugged_in is not None else []),
            *([column.archived_at.is_not(None) if self.archived else column.archived_at.is_(None)] if self.archived is not None else []),
            *(text.icontains(part, autoescape=True) for text, part in texts if part),
        ]


def _in_group(group_id: uuid.UUID) -> ColumnElement[bool]:
    member = tables.vehicle_group_member.c
    return exists().where(member.vehicle_id == tables.vehicle.c.id, member.vehicle_group_id == group_id)


def _plugged_in() -> ColumnElement[bool]:
    transaction = tables.transaction.c
    return exists().where(transaction.vehicle_id == tables.vehicle.c.id, transaction.state == TransactionState.ACTIVE)


class Vehicles(Repository[Vehicle]):
    entity = Vehicle
    table = tables.vehicle
    orders = MappingProxyType(
        {
            "NAME": table.c.name,
            "CREATED_AT": table.c.created_at,
            "UPDATED_AT": table.c.updated_at,
            "VIN": table.c.vin,
            "LICENSE_PLATE": table.c.license_plate,
        }
    )

    async def locked(self, vehicle_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Vehicle]:
        """Return vehicles by id, locked against other writers until the commit.

        They are locked in the same order by everybody, so that no two wait for each other.
        """
        condition = self.table.c.id == func.any(array(vehicle_ids))
        rows = await self.session.fetch(select(*self.columns()).where(condition).order_by(self.table.c.id).with_for_update(key_share=True))
        return {vehicle.id: vehicle for vehicle in (Vehicle(*row) for row in rows)}

    async def of_groups(self, group_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[Vehicle]]:
        """Return the vehicles in each vehicle group, by name."""
        member = tables.vehicle_group_member.c
        order = (self.table.c.name, self.table.c.id)
        return await self.linked(member.vehicle_group_id, member.vehicle_id, group_ids, *order, reads=reads)


async def take_over_type(session: WriteSession, of_type: VehicleType, *, at: datetime) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Give the values of a type to its vehicles wherever they have none of their own; returns id and home depot of each that changed."""
    column = tables.vehicle.c
    values: dict[str, Any] = {name: func.coalesce(column[f"own_{name}"], getattr(of_type, name)) for name in LIMITS}
    values["kind"] = of_type.kind
    differs = or_(*(column[name].is_distinct_from(value) for name, value in values.items()))
    statement = (
        update(tables.vehicle)
        .where(column.type_id == of_type.id, differs)
        .values(**values, updated_at=at)
        .returning(column.id, column.depot_id)
    )
    return [(row[0], row[1]) for row in await session.fetch(statement)]


async def set_states_of_charge(session: WriteSession, states: Mapping[uuid.UUID, StateOfCharge], *, at: datetime) -> None:
    """Let readings count for vehicles, all in one statement."""
    if not states:
        return
    readings = list(states.values())
    source = func.unnest(
        array(states),
        given([reading.percent for reading in readings], Double),
        given([reading.source.value for reading in readings], Text),
        given([reading.at for reading in readings], DateTime(timezone=True)),
        given([reading.confidence for reading in readings], Double),
    )
    new = source.table_valued("id", "percent", "source", "at", "confidence", name="new").render_derived()
    statement = (
        update(tables.vehicle)
        .where(tables.vehicle.c.id == new.c.id)
        .values(
            soc_percent=new.c.percent,
            soc_source=new.c.source,
            soc_at=new.c.at,
            soc_confidence=new.c.confidence,
            updated_at=at,
        )
    )
    await session.execute(statement)
