"""Channels, their routes, and what went there."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, select

from ampyard.domain.notifications.channels import ChannelKind, NotificationChannel, NotificationRoute
from ampyard.domain.notifications.deliveries import DeliveryState, NotificationDelivery, NotificationItem
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class ChannelFilter:
    """Which channels to list; a field that is `None` does not narrow."""

    kind: ChannelKind | None = None
    enabled: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.notification_channel.c
        return [
            *([column.kind == self.kind] if self.kind is not None else []),
            *([column.enabled.is_(self.enabled)] if self.enabled is not None else []),
        ]


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries to list; a field that is `None` does not narrow. Times bound `created_at`: from inclusive, to exclusive."""

    state: DeliveryState | None = None
    channel_id: uuid.UUID | None = None
    alert_id: uuid.UUID | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column, item = tables.notification_delivery.c, tables.notification_item
        return [
            *([column.state == self.state] if self.state is not None else []),
            *([column.channel_id == self.channel_id] if self.channel_id is not None else []),
            *(
                [select(item.c.id).where(item.c.delivery_id == column.id, item.c.alert_id == self.alert_id).exists()]
                if self.alert_id is not None
                else []
            ),
            *([column.created_at >= self.created_from] if self.created_from is not None else []),
            *([column.created_at < self.created_to] if self.created_to is not None else []),
        ]


class Channels(Repository[NotificationChannel]):
    entity = NotificationChannel
    table = tables.notification_channel
    orders = MappingProxyType({"NAME": table.c.name, "CREATED_AT": table.c.created_at})


class Routes(Repository[NotificationRoute]):
    entity = NotificationRoute
    table = tables.notification_route

    async def of_channels(
        self, channel_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[NotificationRoute]]:
        """Return the routes to each channel."""
        return await self.grouped(self.table.c.channel_id, channel_ids, self.table.c.id, reads=reads)


class Deliveries(Repository[NotificationDelivery]):
    entity = NotificationDelivery
    table = tables.notification_delivery
    orders = MappingProxyType({"CREATED_AT": table.c.created_at})


class DeliveryItems(Repository[NotificationItem]):
    entity = NotificationItem
    table = tables.notification_item

    async def of_deliveries(
        self, delivery_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[NotificationItem]]:
        """Return what each delivery tells of, oldest first."""
        return await self.grouped(self.table.c.delivery_id, delivery_ids, self.table.c.at, self.table.c.id, reads=reads)


async def locked_secret(session: Session, channel_id: uuid.UUID) -> str | None:
    """Return a webhook's secret as it is locked up."""
    column = tables.notification_channel.c
    row = await session.fetch_one(select(column.locked_secret).where(column.id == channel_id))
    return None if row is None else row[0]


async def waiting_delivery(session: WriteSession, channel_id: uuid.UUID, *, after: datetime, until: datetime) -> uuid.UUID | None:
    """Return a delivery to a channel that nobody has tried yet, due in a period, locked; one that another holds is passed over."""
    column = tables.notification_delivery.c
    row = await session.fetch_one(
        select(column.id)
        .where(
            column.channel_id == channel_id,
            column.state == DeliveryState.PENDING,
            column.is_test.is_(False),
            column.attempts == 0,
            column.due_at > after,
            column.due_at <= until,
        )
        .order_by(column.due_at.desc())
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return None if row is None else row[0]


async def overdue_deliveries(session: Session, *, before: datetime) -> list[NotificationDelivery]:
    """Return the deliveries that should have been tried before a moment."""
    column = tables.notification_delivery.c
    waiting = (column.state == DeliveryState.PENDING, column.due_at < before)
    return await Deliveries(session).where(*waiting, order_by=[column.due_at, column.id])


async def replace_routes(session: WriteSession, channel_id: uuid.UUID) -> None:
    """Remove all routes to a channel, before others are added."""
    await session.execute(delete(tables.notification_route).where(tables.notification_route.c.channel_id == channel_id))


async def remove_channel(session: WriteSession, channel_id: uuid.UUID) -> None:
    """Remove a channel, with its routes and deliveries."""
    await session.execute(delete(tables.notification_channel).where(tables.notification_channel.c.id == channel_id))


async def remove_old_deliveries(session: WriteSession, *, before: datetime) -> int:
    """Remove deliveries that were made or given up, and begun before a moment; returns how many."""
    column = tables.notification_delivery.c
    statement = delete(tables.notification_delivery).where(column.created_at < before, column.state != DeliveryState.PENDING)
    return await session.execute(statement)
