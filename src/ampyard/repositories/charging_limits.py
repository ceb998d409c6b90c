import uuid
from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import func, or_

from ampyard.domain.charging_limits import ChargingLimit
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository, array


class ChargingLimits(Repository[ChargingLimit]):
    entity = ChargingLimit
    table = tables.charging_limit
    orders = MappingProxyType({"CREATED_AT": table.c.created_at})

    async def of_transactions(
        self, transaction_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[ChargingLimit]]:
        """Return all limits that others have set to each transaction, oldest first."""
        column = self.table.c
        return await self.grouped(column.transaction_id, transaction_ids, column.created_at, column.id, reads=reads)

    async def counting(self, transaction_ids: Sequence[uuid.UUID], *, at: datetime) -> dict[uuid.UUID, list[ChargingLimit]]:
        """Return the limits that count at a moment, by transaction."""
        column = self.table.c
        found: dict[uuid.UUID, list[ChargingLimit]] = {}
        for limit in await self.where(
            column.transaction_id == func.any(array(transaction_ids)),
            column.cleared_at.is_(None),
            or_(column.valid_until.is_(None), column.valid_until > at),
        ):
            found.setdefault(limit.transaction_id, []).append(limit)
        return found
