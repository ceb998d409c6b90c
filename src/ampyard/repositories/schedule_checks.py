import uuid
from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import delete

from ampyard.domain.schedule_checks import ScheduleCheck
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository


class ScheduleChecks(Repository[ScheduleCheck]):
    entity = ScheduleCheck
    table = tables.schedule_check
    orders = MappingProxyType({"CHECKED_AT": table.c.checked_at})

    async def of_commands(self, command_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ScheduleCheck]:
        """Return what came of checks, by the command that asked."""
        return {check.command_id: check for check in await self.where(self.table.c.command_id.in_(command_ids))}


async def remove_checks(session: WriteSession, *, before: datetime) -> None:
    """Remove checks of before a moment."""
    await session.execute(delete(tables.schedule_check).where(tables.schedule_check.c.checked_at < before))
