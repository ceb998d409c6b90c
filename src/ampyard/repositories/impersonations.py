import uuid
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, and_, or_

from ampyard.domain.impersonations import Impersonation
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class ImpersonationFilter:
    """Which to list; a field that is `None` does not narrow. `in_force_at`: those that had neither been ended nor run out by then."""

    user_id: uuid.UUID | None = None
    in_force_at: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.impersonation.c
        return [
            *([column.user_id == self.user_id] if self.user_id is not None else []),
            *([_in_force(self.in_force_at)] if self.in_force_at is not None else []),
        ]


def _in_force(at: datetime) -> ColumnElement[bool]:
    column = tables.impersonation.c
    return and_(column.started_at <= at, column.expires_at > at, or_(column.ended_at.is_(None), column.ended_at > at))


class Impersonations(Repository[Impersonation]):
    entity = Impersonation
    table = tables.impersonation
    orders = MappingProxyType({"STARTED_AT": table.c.started_at})
