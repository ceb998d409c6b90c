"""How many alerts wait for somebody, over all tenants."""

from ampyard.domain.alerts import AlertKind, AlertSeverity
from ampyard.repositories.alerts import unresolved_counts
from ampyard.services.backend import Backend


async def count_unresolved(backend: Backend) -> dict[tuple[AlertKind, AlertSeverity], int]:
    """Return how many alerts are not resolved, by kind and severity; where there are none there is no entry."""
    async with backend.database.system_snapshot() as snapshot:
        return await unresolved_counts(snapshot)
