import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.state_of_charge import SocReading, SocSource, StateOfCharge
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository

# Of each source only the newest reading in this time is kept.
_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SocReadingFilter:
    """Which readings to list, `since` inclusive and `until` exclusive; a field that is `None` does not narrow."""

    source: SocSource | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.state_of_charge.c
        return [
            *([column.source == self.source] if self.source is not None else []),
            *([column.at >= self.since] if self.since is not None else []),
            *([column.at < self.until] if self.until is not None else []),
        ]


class SocReadings(Repository[SocReading]):
    entity = SocReading
    table = tables.state_of_charge
    orders = MappingProxyType({"AT": table.c.at})


async def keep_readings(session: WriteSession, tenant_id: uuid.UUID, readings: Mapping[uuid.UUID, StateOfCharge], *, at: datetime) -> None:
    """Keep a reading of each vehicle, in place of an older one of the same source in the same five minutes."""
    rows = [
        {
            "id": _reading_id(vehicle_id, reading),
            "tenant_id": tenant_id,
            "vehicle_id": vehicle_id,
            "percent": reading.percent,
            "source": reading.source,
            "confidence": reading.confidence,
            "at": reading.at,
            "created_at": at,
        }
        for vehicle_id, reading in readings.items()
    ]
    if not rows:
        return
    table = tables.state_of_charge
    statement = insert(table)
    newer = statement.excluded
    changed = {name: newer[name] for name in ("percent", "confidence", "at", "created_at")}
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed, where=newer.at >= table.c.at), rows)


def _reading_id(vehicle_id: uuid.UUID, reading: StateOfCharge) -> uuid.UUID:
    return uuid.uuid5(vehicle_id, f"{reading.source}|{int(reading.at.timestamp() // _EVERY.total_seconds())}")


async def remove_readings(session: WriteSession, *, before: datetime) -> int:
    """Remove readings from before a time; returns how many."""
    return await session.execute(delete(tables.state_of_charge).where(tables.state_of_charge.c.at < before))
