from ampyard.domain.health import SystemHealth
from ampyard.resolvers.context import Info
from ampyard.services import health


async def system_health(info: Info) -> SystemHealth:
    """Return how the installation is doing."""
    return await health.system_health(info.context.backend, info.context.principal)
