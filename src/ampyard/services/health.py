from ampyard.repositories.health import role_facts
from ampyard.services.backend import Backend


async def application_role_faults(backend: Backend) -> list[str]:
    """Return what would let the application role see other tenants' rows, in words; empty when all is well."""
    async with backend.database.system_snapshot() as snapshot:
        facts = await role_facts(snapshot)
    return [
        *(["the application role is a superuser"] if facts.superuser else []),
        *(["the application role may bypass row-level security"] if facts.bypasses else []),
        *([f"the application role owns {facts.owned_tables} tables"] if facts.owned_tables else []),
        *([f"tables without forced row-level security: {', '.join(facts.unforced_tables)}"] if facts.unforced_tables else []),
    ]
