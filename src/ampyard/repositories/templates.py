import uuid
from types import MappingProxyType

from sqlalchemy import delete

from ampyard.domain.layouts import ChargePointTemplate
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository


class Templates(Repository[ChargePointTemplate]):
    entity = ChargePointTemplate
    table = tables.charge_point_template
    orders = MappingProxyType({"NAME": table.c.name, "CREATED_AT": table.c.created_at})

    async def named(self, name: str, *, other_than: uuid.UUID) -> bool:
        """Return whether another template has this name."""
        return await self.count(self.table.c.name == name, self.table.c.id != other_than) > 0


async def remove(session: WriteSession, template_id: uuid.UUID) -> None:
    """Remove a template."""
    await session.execute(delete(tables.charge_point_template).where(tables.charge_point_template.c.id == template_id))
