import uuid
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, and_, or_, update

from ampyard.domain.api_keys import ApiKey
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class ApiKeyFilter:
    """Which keys to list; a field that is `None` does not narrow. `valid_at`: those that are neither revoked nor expired by then."""

    valid_at: datetime | None = None
    resource_group_id: uuid.UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.api_key.c
        return [
            *([_valid(self.valid_at)] if self.valid_at is not None else []),
            *([column.resource_group_id == self.resource_group_id] if self.resource_group_id is not None else []),
        ]


def _valid(at: datetime) -> ColumnElement[bool]:
    column = tables.api_key.c
    return and_(
        or_(column.revoked_at.is_(None), column.revoked_at > at),
        or_(column.expires_at.is_(None), column.expires_at > at),
    )


class ApiKeyRecords(Repository[ApiKey]):
    entity = ApiKey
    table = tables.api_key
    orders = MappingProxyType({"CREATED_AT": table.c.created_at, "NAME": table.c.name})


async def note_used(session: WriteSession, key_id: uuid.UUID, *, at: datetime) -> None:
    """Note when a key was last used."""
    await session.execute(update(tables.api_key).where(tables.api_key.c.id == key_id).values(last_used_at=at))
