"""Who looks at what: a tenant, some of its entities, and callers who see all or a part of it."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ampyard.domain.access import Grant, Principal, PrincipalKind, Scope
from ampyard.repositories import tables
from ampyard.repositories.database import connect_asyncpg
from ampyard.resolvers.ids import NODES, encode_id
from ampyard.services.backend import Backend
from bench.plans.operations import Samples

_SAMPLED = 60


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks."""

    name: str
    principal: Principal


async def callers(backend: Backend, tenant_id: uuid.UUID) -> list[Caller]:
    """Return one who sees the whole tenant, and one who sees what is in its smallest resource group."""
    everything = Principal(tenant_id, "plans", PrincipalKind.USER, frozenset(Scope))
    found = [Caller("whole tenant", everything)]
    member = tables.resource_group_member
    async with backend.database.snapshot(tenant_id) as snapshot:
        groups = await snapshot.fetch(select(member.c.resource_group_id).order_by(member.c.id).limit(1))
    if groups:
        grant = Grant(frozenset(Scope), frozenset({groups[0][0]}))
        found.append(Caller("one group", Principal(tenant_id, "plans", PrincipalKind.USER, frozenset(), grants=(grant,))))
    return found


async def samples(backend: Backend, caller: Caller, now: datetime) -> Samples:
    """Return entities of each type that the caller sees."""
    ids: dict[str, list[str]] = {}
    for entity, repository in NODES.items():
        async with backend.snapshot(caller.principal) as snapshot:
            rows = await snapshot.fetch(select(repository.table.c.id).limit(_SAMPLED))
        ids[entity.__name__] = [encode_id(entity, row[0]) for row in rows]
    return Samples(ids, now)


async def sizes(owner_url: str) -> dict[str, float]:
    """Return how many rows each table has, by the statistics, of all tenants."""
    owner = await connect_asyncpg(owner_url)
    try:
        await owner.execute("ANALYZE")
        rows = await owner.fetch(
            "SELECT relname, reltuples FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
    finally:
        await owner.close()
    return {row["relname"]: row["reltuples"] for row in rows}
