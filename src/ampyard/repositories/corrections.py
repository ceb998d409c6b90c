import uuid
from collections.abc import Sequence
from types import MappingProxyType

from ampyard.domain.corrections import Correction
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository


class Corrections(Repository[Correction]):
    entity = Correction
    table = tables.transaction_correction
    orders = MappingProxyType({"CREATED_AT": table.c.created_at})

    async def of_transactions(
        self, transaction_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[Correction]]:
        """Return all corrections of each transaction, oldest first."""
        column = self.table.c
        return await self.grouped(column.transaction_id, transaction_ids, column.created_at, column.id, reads=reads)
