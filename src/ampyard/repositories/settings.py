"""The settings of a tenant and its flags: one row of what differs from the defaults, and one a flag that is overridden."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.feature_flags import FlagOverride
from ampyard.domain.ids import new_id
from ampyard.domain.settings import DEFAULTS, StoredSettings, TenantSettings, from_stored, to_stored
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository


class FlagOverrides(Repository[FlagOverride]):
    entity = FlagOverride
    table = tables.feature_flag


async def read_settings(session: Session, tenant_id: uuid.UUID) -> StoredSettings:
    """Return the settings of the session's tenant; the defaults, as version 0, where nothing has been set."""
    column = tables.tenant_settings.c
    row = await session.fetch_one(select(column.version, column["values"], column.author, column.updated_at))
    if row is None:
        return StoredSettings(tenant_id, 0, DEFAULTS, None, None)
    return StoredSettings(tenant_id, row[0], from_stored(row[1]), row[2], row[3])


async def write_settings(
    session: WriteSession, tenant_id: uuid.UUID, settings: TenantSettings, *, after: int, author: str, at: datetime
) -> bool:
    """Write settings as the version that follows `after`; False, and nothing written, where another has been written meanwhile."""
    column = tables.tenant_settings.c
    values = {"version": after + 1, "values": to_stored(settings), "author": author, "updated_at": at}
    statement = (
        insert(tables.tenant_settings)
        .values(id=new_id(), tenant_id=tenant_id, **values)
        .on_conflict_do_update(index_elements=["tenant_id"], set_=values, where=column.version == after)
        .returning(column.version)
    )
    # Without a row there is no version to compare: only the first may be written then.
    rows = await session.fetch(statement)
    return bool(rows)


async def write_flag(session: WriteSession, override: FlagOverride) -> FlagOverride:
    """Write a flag's override, in place of an earlier one, and return what is stored."""
    values = {"enabled": override.enabled, "author": override.author, "updated_at": override.updated_at}
    statement = (
        insert(tables.feature_flag)
        .values(id=override.id, tenant_id=override.tenant_id, name=override.name, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "name"], set_=values)
        .returning(*FlagOverrides.columns())
    )
    return FlagOverride(*(await session.fetch(statement))[0])


async def remove_flag(session: WriteSession, name: str) -> None:
    """Let a flag's default hold again."""
    await session.execute(tables.feature_flag.delete().where(tables.feature_flag.c.name == name))
