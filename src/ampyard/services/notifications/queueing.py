"""From changes of alerts to deliveries that wait for their time."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from ampyard.domain.access import Reach
from ampyard.domain.alerts import Alert
from ampyard.domain.ids import new_id
from ampyard.domain.notifications.channels import ChannelKind, NotificationChannel, is_told, told_at
from ampyard.domain.notifications.deliveries import DIGEST, DeliveryState, NotedChange, NotificationDelivery, NotificationItem
from ampyard.domain.resource_groups import with_all_below
from ampyard.repositories import jobs
from ampyard.repositories.access import group_parents
from ampyard.repositories.alerts import Alerts
from ampyard.repositories.notifications import Channels, Deliveries, DeliveryItems, Routes, waiting_delivery
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.settings import is_on

# The queue's name for the job that makes a delivery.
DELIVER_JOB = "deliver_notification"
# Which feature flag has to be on for a kind of channel to be told anything.
FLAGS = {ChannelKind.EMAIL: "alert_emails", ChannelKind.WEBHOOK: "alert_webhooks"}


async def queue(work: UnitOfWork, changes: Sequence[tuple[Alert, NotedChange]]) -> None:
    """Have the channels that want to know told of changes of alerts, after the commit, each at its time."""
    if not changes:
        return
    # Whoever makes the change need not see the channels that are told of it.
    async with work.within(Reach()):
        on = {kind for kind, flag in FLAGS.items() if await is_on(work.session, flag)}
        channels = await Channels(work.session).where(Channels.table.c.enabled, Channels.table.c.kind.in_(on))
        routes = await Routes(work.session).of_channels([channel.id for channel in channels]) if channels else {}
        visible = await _visible(work, channels, [alert.id for alert, _ in changes])
        for channel in channels:
            for alert, change in changes:
                told = is_told(routes.get(channel.id, ()), alert, resolved=change is NotedChange.RESOLVED)
                if told and alert.id in visible[channel.resource_group_id]:
                    await _add(work, channel, alert, change)


async def schedule(work: UnitOfWork, delivery: NotificationDelivery) -> None:
    """Have a worker make a delivery when it is due."""
    payload = {"tenant_id": str(work.tenant_id), "delivery_id": str(delivery.id)}
    after = max(delivery.due_at - work.now, timedelta())
    key = f"{DELIVER_JOB}:{delivery.id}:{delivery.attempts}:{delivery.due_at.isoformat()}"
    await jobs.enqueue(work.session, DELIVER_JOB, payload, dedupe_key=key, after=after)


def new_delivery(work: UnitOfWork, channel: NotificationChannel, due_at: datetime, *, is_test: bool = False) -> NotificationDelivery:
    """Return a delivery to a channel that nobody has tried yet."""
    return NotificationDelivery(
        id=new_id(),
        tenant_id=work.tenant_id,
        channel_id=channel.id,
        state=DeliveryState.PENDING,
        is_test=is_test,
        attempts=0,
        due_at=due_at,
        created_at=work.now,
        finished_at=None,
        status_code=None,
        error=None,
    )


async def _visible(
    work: UnitOfWork, channels: Sequence[NotificationChannel], alert_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID | None, frozenset[uuid.UUID]]:
    """Return which of some alerts are within each channel's resource group."""
    visible: dict[uuid.UUID | None, frozenset[uuid.UUID]] = defaultdict(frozenset, {None: frozenset(alert_ids)})
    groups = {channel.resource_group_id for channel in channels} - {None}
    parents = await group_parents(work.session) if groups else {}
    for group_id in groups:
        below = with_all_below([group_id] if group_id else [], parents)
        async with work.within(Reach(below, below)):
            visible[group_id] = frozenset(await Alerts(work.session).by_ids(alert_ids, reads=frozenset({"id"})))
    return visible


async def _add(work: UnitOfWork, channel: NotificationChannel, alert: Alert, change: NotedChange) -> None:
    due_at = told_at(channel, alert.severity, work.now)
    delivery_id = None
    if channel.kind is ChannelKind.EMAIL:
        due_at = max(due_at, work.now + DIGEST)
        delivery_id = await waiting_delivery(work.session, channel.id, after=work.now, until=due_at)
    if delivery_id is None:
        delivery = new_delivery(work, channel, due_at)
        await work.add(Deliveries, delivery)
        await schedule(work, delivery)
        delivery_id = delivery.id
    await work.add(DeliveryItems, NotificationItem(new_id(), work.tenant_id, delivery_id, alert.id, change, work.now))
