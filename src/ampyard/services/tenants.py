import uuid

from ampyard.domain.errors import NotFoundError
from ampyard.repositories.directory import Directory
from ampyard.services.backend import Backend


async def tenant_by_slug(backend: Backend, slug: str) -> uuid.UUID:
    """Return a tenant's id. Raises `NotFoundError` naming those there are: for operators of the system, not for tenants."""
    async with backend.database.system_snapshot() as snapshot:
        directory = Directory(snapshot)
        tenant_id = await directory.tenant_id(slug)
        if tenant_id is None:
            known = ", ".join(await directory.tenant_slugs()) or "none; run `ampyard seed`"
            raise NotFoundError(f"There is no tenant {slug!r}; known: {known}.")
    return tenant_id
