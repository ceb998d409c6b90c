import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.anomalies import Anomaly, AnomalyKind, Resolution
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class AnomalyFilter:
    """Which anomalies to list; a field that is `None` does not narrow. Times bound `detected_at`: from inclusive, to exclusive."""

    depot_id: uuid.UUID | None = None
    charge_point_id: uuid.UUID | None = None
    transaction_id: uuid.UUID | None = None
    kind: AnomalyKind | None = None
    resolved: bool | None = None
    resolution: Resolution | None = None
    detected_from: datetime | None = None
    detected_to: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.transaction_anomaly.c
        open_only = column.resolved_at.is_(None) if self.resolved is False else column.resolved_at.is_not(None)
        return [
            *([column.depot_id == self.depot_id] if self.depot_id is not None else []),
            *([column.charge_point_id == self.charge_point_id] if self.charge_point_id is not None else []),
            *([column.transaction_id == self.transaction_id] if self.transaction_id is not None else []),
            *([column.kind == self.kind] if self.kind is not None else []),
            *([open_only] if self.resolved is not None else []),
            *([column.resolution == self.resolution] if self.resolution is not None else []),
            *([column.detected_at >= self.detected_from] if self.detected_from is not None else []),
            *([column.detected_at < self.detected_to] if self.detected_to is not None else []),
        ]


class Anomalies(Repository[Anomaly]):
    entity = Anomaly
    table = tables.transaction_anomaly
    orders = MappingProxyType({"DETECTED_AT": table.c.detected_at})

    async def of_transactions(
        self, transaction_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[Anomaly]]:
        """Return all anomalies of each transaction, oldest first."""
        column = self.table.c
        return await self.grouped(column.transaction_id, transaction_ids, column.detected_at, column.id, reads=reads)


async def add_anomaly(session: WriteSession, anomaly: Anomaly) -> bool:
    """Insert an anomaly and return True, unless it is there already or its transaction has an open one of the same kind."""
    row = {field.name: getattr(anomaly, field.name) for field in fields(anomaly)}
    return await session.execute(insert(tables.transaction_anomaly).values(row).on_conflict_do_nothing()) == 1
