"""What charts are drawn from, once all else has happened that day."""

from typing import TYPE_CHECKING

from ampyard.services import rollups

if TYPE_CHECKING:
    from tests.busy import Busy


async def happen(busy: "Busy") -> None:
    """Roll everything up."""
    await rollups.roll_up(busy.backend, busy.tenant_id)
