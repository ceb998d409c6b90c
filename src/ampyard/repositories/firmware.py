import uuid
from types import MappingProxyType

from ampyard.domain.firmware import FirmwareStatus
from ampyard.domain.paging import PageRequest
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository


class FirmwareStatuses(Repository[FirmwareStatus]):
    entity = FirmwareStatus
    table = tables.firmware_status
    orders = MappingProxyType({"REPORTED_AT": table.c.reported_at})

    async def latest_of(self, charge_point_id: uuid.UUID) -> FirmwareStatus | None:
        """Return the last step that a charge point has told of."""
        newest = PageRequest(size=1, order="REPORTED_AT", descending=True)
        page = await self.page(newest, self.table.c.charge_point_id == charge_point_id, ends=False)
        return page.items[0] if page.items else None
