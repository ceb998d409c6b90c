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
    """Which to list: of one user; at a moment, those in force (True) or over (False). `None` does not narrow."""

    at: datetime
    user_id: uuid.UUID | None = None
    in_force: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.impersonation.c
        in_force = and_(column.ended_at.is_(None), column.expires_at > self.at)
        over = or_(column.ended_at.is_not(None), column.expires_at <= self.at)
        return [
            *([column.user_id == self.user_id] if self.user_id is not None else []),
            *([in_force if self.in_force else over] if self.in_force is not None else []),
        ]


class Impersonations(Repository[Impersonation]):
    entity = Impersonation
    table = tables.impersonation
    orders = MappingProxyType({"STARTED_AT": table.c.started_at})
