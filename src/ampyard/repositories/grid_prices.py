"""Prices of energy that the outside has told ahead."""

import uuid
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.grid_prices import GridPrice
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession

_COLUMNS = [tables.grid_price.c[field.name] for field in fields(GridPrice)]


async def prices_between(session: Session, depot_id: uuid.UUID, begin: datetime, end: datetime) -> list[GridPrice]:
    """Return the prices of a depot that were told of a period, whether newer ones go before them or not; oldest first."""
    column = tables.grid_price.c
    rows = await session.fetch(
        select(*_COLUMNS)
        .where(column.depot_id == depot_id, column.ends_at > begin, column.begins_at < end)
        .order_by(column.begins_at, column.received_at, column.id)
    )
    return [GridPrice(*row) for row in rows]


async def prices_of_link(session: Session, link_id: uuid.UUID, *, after: datetime) -> list[GridPrice]:
    """Return the prices of a link that hold after a moment."""
    column = tables.grid_price.c
    rows = await session.fetch(select(*_COLUMNS).where(column.link_id == link_id, column.ends_at > after).order_by(column.id))
    return [GridPrice(*row) for row in rows]


async def replace_prices(session: WriteSession, link_id: uuid.UUID, external_id: str, prices: Sequence[GridPrice]) -> None:
    """Keep the prices of an event of a link, in place of those it had before; none: it is gone."""
    column = tables.grid_price.c
    await session.execute(delete(tables.grid_price).where(column.link_id == link_id, column.external_id == external_id))
    if prices:
        rows = [{field.name: getattr(price, field.name) for field in fields(GridPrice)} for price in prices]
        await session.execute(insert(tables.grid_price), rows)
