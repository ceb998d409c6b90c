from dataclasses import dataclass

from sqlalchemy import text

from ampyard.repositories.database import APPLICATION_ROLE, Session


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What the database says of the application role and of the tables with tenants' rows."""

    superuser: bool
    bypasses: bool
    owned_tables: int
    unforced_tables: tuple[str, ...]


async def role_facts(session: Session) -> RoleFacts:
    """Return what decides whether tenants are kept apart."""
    rows = await session.fetch(
        text(
            """
            SELECT r.rolsuper, r.rolbypassrls,
                   (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p')),
                   ARRAY(
                       SELECT c.relname::text FROM pg_class c
                       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
                       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                         AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
                       ORDER BY 1
                   )
            FROM pg_roles r WHERE r.rolname = :role
            """
        ),
        {"role": APPLICATION_ROLE},
    )
    superuser, bypasses, owned, unforced = rows[0]
    return RoleFacts(superuser, bypasses, owned, tuple(unforced))
