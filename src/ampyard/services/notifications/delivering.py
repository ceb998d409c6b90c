"""Making deliveries: each is tried, tried again later, and given up in the end; what came of it is kept."""

import logging
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

import orjson

from ampyard.domain.access import Principal, Reach, Scope, system_principal
from ampyard.domain.errors import ConflictError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.notifications.channels import ChannelKind, NotificationChannel
from ampyard.domain.notifications.deliveries import LEASE, DeliveryState, NotificationDelivery, next_try
from ampyard.domain.notifications.messages import Told, mail_of, webhook_of
from ampyard.domain.notifications.webhooks import signed_headers
from ampyard.domain.resource_groups import with_all_below
from ampyard.repositories.access import group_parents
from ampyard.repositories.alerts import Alerts
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.mail import MailError
from ampyard.repositories.notifications import Channels, Deliveries, DeliveryItems, locked_secret, overdue_deliveries
from ampyard.repositories.settings import read_settings
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.repositories.webhooks import WebhookError
from ampyard.services.backend import Backend
from ampyard.services.notifications.notifier import Notifier
from ampyard.services.notifications.queueing import schedule

_log = logging.getLogger(__name__)

_UTC = "UTC"
# A job that was lost with its process leaves its delivery behind; it is looked for after this.
_OVERDUE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A delivery that is being made, whom it goes to, what it tells, and of whom a mail says it is."""

    delivery: NotificationDelivery
    channel: NotificationChannel
    told: tuple[Told, ...]
    locked_secret: str | None
    author: str | None


class _UndeliveredError(Exception):
    """Why a try failed, in words for whoever set the channel up."""

    def __init__(self, message: str, *, permanent: bool, status_code: int | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.status_code = status_code


async def deliver_requested(backend: Backend, payload: bytes) -> None:
    """Make the delivery that `queueing.schedule` asked for."""
    wanted = orjson.loads(payload)
    await deliver(backend, uuid.UUID(wanted["tenant_id"]), uuid.UUID(wanted["delivery_id"]))


async def deliver(backend: Backend, tenant_id: uuid.UUID, delivery_id: uuid.UUID) -> NotificationDelivery | None:
    """Try a delivery that is due; returns it as it then is, or None where there is nothing to do: it was made, or another is at it."""
    parcel = await _claim(backend, tenant_id, delivery_id)
    if parcel is None:
        return None
    status_code, error, permanent = None, None, False
    try:
        status_code, error = await _send(backend, parcel)
        state = DeliveryState.DELIVERED
    except _UndeliveredError as failure:
        state, error, permanent, status_code = DeliveryState.FAILED, str(failure), failure.permanent, failure.status_code
    return await _record(backend, parcel, state, error=error, permanent=permanent, status_code=status_code)


async def retry_delivery(backend: Backend, principal: Principal, delivery_id: uuid.UUID) -> NotificationDelivery:
    """Have a delivery that was given up, or that waits, tried at once.

    Raises:
        ForbiddenError: the principal lacks `alerts:configure`.
        NotFoundError: there is no such delivery.
        ConflictError: it has been made, or is being made.
    """
    principal.require(Scope.ALERTS_CONFIGURE)
    async with backend.unit_of_work(principal, Scope.ALERTS_CONFIGURE) as work:
        delivery = await work.require(Deliveries, delivery_id, "delivery")
        if delivery.state is DeliveryState.DELIVERED:
            raise ConflictError("The delivery was made; there is nothing to try again.")
        again = replace(delivery, state=DeliveryState.PENDING, attempts=0, due_at=work.now, finished_at=None)
        await work.change(
            Deliveries, again.id, state=again.state, attempts=again.attempts, due_at=again.due_at, finished_at=again.finished_at
        )
        await schedule(work, again)
        await work.audit("notification.retry", "notification_delivery", again.id)
        _publish(work, again)
        work.answers(delivery=again)
        await work.commit()
    return again


async def reschedule_overdue(backend: Backend, tenant_id: uuid.UUID) -> int:
    """Have deliveries tried whose jobs were lost; returns how many."""
    async with backend.unit_of_work(system_principal(tenant_id, "notifications")) as work:
        overdue = await overdue_deliveries(work.session, before=work.now - _OVERDUE)
        for delivery in overdue:
            await schedule(work, delivery)
        await work.commit()
    return len(overdue)


async def _claim(backend: Backend, tenant_id: uuid.UUID, delivery_id: uuid.UUID) -> _Parcel | None:
    async with backend.unit_of_work(system_principal(tenant_id, "notifications")) as work:
        delivery = await work.lock(Deliveries, delivery_id)
        if delivery is None or delivery.state is not DeliveryState.PENDING or delivery.due_at > work.now:
            return None
        channel = await Channels(work.session).by_id(delivery.channel_id)
        assert channel is not None  # its deliveries go with it
        # For so long nobody else tries; should this process end meanwhile, another does after that.
        claimed = replace(delivery, attempts=delivery.attempts + 1, due_at=work.now + LEASE)
        await work.change(Deliveries, delivery.id, attempts=claimed.attempts, due_at=claimed.due_at)
        author = (await read_settings(work.session, tenant_id)).values.alert_sender
        secret = await locked_secret(work.session, channel.id)
        parcel = _Parcel(claimed, channel, await _told(work, claimed, channel), secret, author)
        await work.commit()
    return parcel


async def _told(work: UnitOfWork, delivery: NotificationDelivery, channel: NotificationChannel) -> tuple[Told, ...]:
    """Return what a delivery tells, with the names that the channel may be told."""
    items = (await DeliveryItems(work.session).of_deliveries([delivery.id])).get(delivery.id, [])
    group_id = channel.resource_group_id
    groups = None if group_id is None else with_all_below([group_id], await group_parents(work.session))
    async with work.within(Reach(groups, groups)):
        alerts = await Alerts(work.session).by_ids({item.alert_id for item in items})
        depots = await Depots(work.session).by_ids({a.depot_id for a in alerts.values() if a.depot_id})
        points = await ChargePoints(work.session).by_ids({a.charge_point_id for a in alerts.values() if a.charge_point_id})
        nodes = await PowerNodes(work.session).by_ids({a.power_node_id for a in alerts.values() if a.power_node_id})
        vehicles = await Vehicles(work.session).by_ids({a.vehicle_id for a in alerts.values() if a.vehicle_id})
    told = []
    for item in items:
        alert = alerts.get(item.alert_id)
        if alert is None:  # it has left the channel's group since
            continue
        depot = depots.get(alert.depot_id) if alert.depot_id else None
        about = (
            depot,
            points.get(alert.charge_point_id) if alert.charge_point_id else None,
            nodes.get(alert.power_node_id) if alert.power_node_id else None,
            vehicles.get(alert.vehicle_id) if alert.vehicle_id else None,
        )
        names = tuple(one.name for one in about if one is not None)
        told.append(Told(alert, item.change, item.at, names, depot.time_zone if depot else _UTC))
    return tuple(told)


async def _send(backend: Backend, parcel: _Parcel) -> tuple[int | None, str | None]:
    """Send what is to be told; returns a webhook's answer, and what went wrong although it was taken."""
    notifier = backend.notifier
    if not parcel.channel.enabled and not parcel.delivery.is_test:
        raise _UndeliveredError("The channel was switched off meanwhile.", permanent=True)
    if not parcel.told and not parcel.delivery.is_test:
        raise _UndeliveredError("What it would tell of is gone, or no longer in the channel's resource group.", permanent=True)
    if notifier is None:
        raise _UndeliveredError("This process is not set up to notify.", permanent=False)
    try:
        if parcel.channel.kind is ChannelKind.EMAIL:
            return None, await _mail(backend, notifier, parcel)
        return await _call(backend, notifier, parcel), None
    except MailError as error:
        raise _UndeliveredError(str(error), permanent=error.permanent) from error
    except WebhookError as error:
        raise _UndeliveredError(str(error), permanent=error.permanent, status_code=error.status_code) from error


async def _mail(backend: Backend, notifier: Notifier, parcel: _Parcel) -> str | None:
    if notifier.mailer is None:
        raise _UndeliveredError("No SMTP server is set; see AMPYARD_SMTP_HOST.", permanent=True)
    mail = mail_of(parcel.channel, parcel.told, notifier.alerts_url)
    refused = await notifier.mailer.send(
        parcel.channel.addresses, mail, message_id=str(parcel.delivery.id), at=backend.clock(), author=parcel.author
    )
    return "; ".join(f"{address}: {reason}" for address, reason in refused.items()) or None


async def _call(backend: Backend, notifier: Notifier, parcel: _Parcel) -> int:
    channel = parcel.channel
    assert channel.url is not None  # a webhook has one
    if parcel.locked_secret is None:
        raise _UndeliveredError("The channel has no secret to sign with; give it a new one.", permanent=True)
    try:
        secret = notifier.vault.unlock(parcel.locked_secret, str(channel.id))
    except ValueError as error:
        raise _UndeliveredError(f"{error} Give the channel a new secret.", permanent=True) from error
    body = orjson.dumps(webhook_of(parcel.delivery, channel, parcel.told))
    headers = signed_headers(secret, f"msg_{parcel.delivery.id.hex}", backend.clock(), body)
    return await notifier.webhooks.post(channel.url, {**headers, "content-type": "application/json", "user-agent": "ampyard"}, body)


async def _record(
    backend: Backend, parcel: _Parcel, state: DeliveryState, *, error: str | None, permanent: bool, status_code: int | None
) -> NotificationDelivery:
    async with backend.unit_of_work(system_principal(parcel.delivery.tenant_id, "notifications")) as work:
        again_at = next_try(parcel.delivery.attempts, work.now) if state is DeliveryState.FAILED and not permanent else None
        if again_at is None:
            done = replace(parcel.delivery, state=state, due_at=work.now, finished_at=work.now, status_code=status_code, error=error)
        else:
            done = replace(parcel.delivery, due_at=again_at, status_code=status_code, error=error)
            await schedule(work, done)
        await work.change(
            Deliveries,
            done.id,
            state=done.state,
            due_at=done.due_at,
            finished_at=done.finished_at,
            status_code=done.status_code,
            error=done.error,
        )
        _publish(work, done)
        await work.commit()
    if state is DeliveryState.FAILED:
        _log.info("Channel %s: delivery %s failed (%s).", parcel.channel.id, done.id, error)
    return done


def _publish(work: UnitOfWork, delivery: NotificationDelivery) -> None:
    work.publish(Event(EventKind.NOTIFICATION_UPDATED, delivery.id))
