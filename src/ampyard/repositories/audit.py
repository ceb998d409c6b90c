import uuid
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement

from ampyard.domain.audit import AuditRecord
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which audit records to list; a field that is `None` does not narrow. `until` is exclusive."""

    author: str | None = None
    action: str | None = None
    target_kind: str | None = None
    target_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.audit_record.c
        equal = {
            column.author: self.author,
            column.action: self.action,
            column.target_kind: self.target_kind,
            column.target_id: self.target_id,
        }
        return [
            *(of == value for of, value in equal.items() if value is not None),
            *([column.at >= self.since] if self.since is not None else []),
            *([column.at < self.until] if self.until is not None else []),
        ]


class AuditRecords(Repository[AuditRecord]):
    entity = AuditRecord
    table = tables.audit_record
    orders = MappingProxyType({"AT": table.c.at})
