import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, case, delete, exists, func, null
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.id_tags import IdTagKind, canonical, guess_kind
from ampyard.domain.ids import new_id
from ampyard.domain.unknown_identifications import UnknownIdentification, UnknownState
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository

_ONE_VISIT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class UnknownIdentificationFilter:
    """Which identifications to list; a field that is `None` does not narrow."""

    state: UnknownState | None = None
    kind: IdTagKind | None = None
    charge_point_id: uuid.UUID | None = None
    depot_id: uuid.UUID | None = None
    seen_since: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column, charge_point = tables.unknown_identification.c, tables.charge_point.c
        in_depot = exists().where(charge_point.id == column.charge_point_id, charge_point.depot_id == self.depot_id)
        return [
            *([column.state == self.state] if self.state is not None else []),
            *([column.kind == self.kind] if self.kind is not None else []),
            *([column.charge_point_id == self.charge_point_id] if self.charge_point_id is not None else []),
            *([in_depot] if self.depot_id is not None else []),
            *([column.last_seen_at >= self.seen_since] if self.seen_since is not None else []),
        ]


class UnknownIdentifications(Repository[UnknownIdentification]):
    entity = UnknownIdentification
    table = tables.unknown_identification
    orders = MappingProxyType({"LAST_SEEN_AT": table.c.last_seen_at, "FIRST_SEEN_AT": table.c.first_seen_at})


async def keep_unknown(
    session: WriteSession, tenant_id: uuid.UUID, charge_point_id: uuid.UUID, value: str, kind: IdTagKind | None, *, at: datetime
) -> uuid.UUID:
    """Note that an identification nobody knows was seen at a charge point, once more or for the first time; returns its id.

    A charge point first asks and then begins: what is less than a minute apart counts once. One that was assigned is open again: its tag
    must have been removed.
    """
    table = tables.unknown_identification
    column = table.c
    reopened = column.state == UnknownState.ASSIGNED
    statement = (
        insert(table)
        .values(
            id=new_id(),
            tenant_id=tenant_id,
            charge_point_id=charge_point_id,
            value=value.strip(),
            canonical=canonical(value),
            kind=kind or guess_kind(value),
            first_seen_at=at,
            last_seen_at=at,
            times_seen=1,
            state=UnknownState.OPEN,
        )
        .on_conflict_do_update(
            index_elements=["tenant_id", "canonical"],
            set_={
                "charge_point_id": charge_point_id,
                "last_seen_at": func.greatest(column.last_seen_at, at),
                "times_seen": column.times_seen + case((column.last_seen_at < at - _ONE_VISIT, 1), else_=0),
                "state": case((reopened, UnknownState.OPEN.value), else_=column.state),
                "id_tag_id": case((reopened, null()), else_=column.id_tag_id),
                "decided_by": case((reopened, null()), else_=column.decided_by),
                "decided_at": case((reopened, null()), else_=column.decided_at),
            },
        )
        .returning(column.id)
    )
    found: uuid.UUID = (await session.fetch(statement))[0][0]
    return found


async def remove_unknown(session: WriteSession, *, before: datetime) -> int:
    """Remove identifications that have not been seen since a time; returns how many."""
    return await session.execute(delete(tables.unknown_identification).where(tables.unknown_identification.c.last_seen_at < before))
