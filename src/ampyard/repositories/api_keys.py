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
    """Which keys to list: at a moment, those that are good (True) or no longer (False)."""

    at: datetime
    valid: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.api_key.c
        if self.valid is None:
            return []
        if self.valid:
            return [and_(column.revoked_at.is_(None), or_(column.expires_at.is_(None), column.expires_at > self.at))]
        return [or_(column.revoked_at.is_not(None), column.expires_at <= self.at)]


class ApiKeyRecords(Repository[ApiKey]):
    entity = ApiKey
    table = tables.api_key
    orders = MappingProxyType({"CREATED_AT": table.c.created_at, "NAME": table.c.name})


async def note_used(session: WriteSession, key_id: uuid.UUID, *, at: datetime) -> None:
    """Note when a key was last used."""
    await session.execute(update(tables.api_key).where(tables.api_key.c.id == key_id).values(last_used_at=at))
