"""Channels: made, changed, tested and removed, with the routes that lead to them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.alerts import AlertSeverity
from ampyard.domain.errors import ConflictError, ForbiddenError, Problems
from ampyard.domain.ids import new_id
from ampyard.domain.local_time import time_zones
from ampyard.domain.notifications.channels import (
    ChannelKind,
    NotificationChannel,
    NotificationRoute,
    QuietHours,
    address_faults,
    url_fault,
)
from ampyard.domain.notifications.deliveries import NotificationDelivery
from ampyard.domain.notifications.webhooks import new_secret
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.alerts import AlertRules
from ampyard.repositories.notifications import Channels, Deliveries, Routes, remove_channel, replace_routes
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.edits import require_not_null
from ampyard.services.notifications.queueing import new_delivery, schedule

_NAME_LENGTH = 100
_MAX_ROUTES = 100
_CONFIGURE = Scope.ALERTS_CONFIGURE
_NEEDED = frozenset({"name", "enabled", "addresses"})


@dataclass(frozen=True, slots=True)
class NewRoute:
    """A route that is asked for; see `NotificationRoute`."""

    rule_id: uuid.UUID | None = None
    min_severity: AlertSeverity = AlertSeverity.INFO
    tells_resolved: bool = False


@dataclass(frozen=True, slots=True)
class NewChannel:
    """What is asked for; see `NotificationChannel`. Without routes nothing goes there but tests."""

    name: str
    kind: ChannelKind
    enabled: bool = True
    resource_group_id: uuid.UUID | None = None
    addresses: Sequence[str] = ()
    url: str | None = None
    quiet_hours: QuietHours | None = None
    routes: Sequence[NewRoute] = ()


async def create_channel(backend: Backend, principal: Principal, wanted: NewChannel) -> tuple[NotificationChannel, str | None]:
    """Add a channel; returns it, and of a webhook the secret that it is signed with, which is shown this once.

    Raises:
        ForbiddenError: the principal lacks `alerts:configure`, or has it for resource groups alone and the channel is for the whole tenant.
        InvalidInputError: addresses, URL, quiet hours or routes are not as they must be.
        NotFoundError: there is no such group or rule.
        ConflictError: the name is taken.
    """
    principal.require(_CONFIGURE)
    async with backend.unit_of_work(principal, _CONFIGURE) as work:
        channel = NotificationChannel(
            id=new_id(),
            tenant_id=work.tenant_id,
            name=wanted.name,
            kind=wanted.kind,
            enabled=wanted.enabled,
            resource_group_id=wanted.resource_group_id,
            addresses=list(wanted.addresses),
            url=wanted.url,
            **_columns(wanted.quiet_hours),
            created_at=work.now,
            updated_at=work.now,
        )
        await _check(backend, work, channel)
        secret, locked = _secret(backend, channel) if channel.kind is ChannelKind.WEBHOOK else (None, None)
        await work.add(Channels, channel, locked_secret=locked)
        await _set_routes(work, channel, wanted.routes)
        await work.audit("notification_channel.create", "notification_channel", channel.id, name=channel.name, kind=channel.kind.value)
        # Whoever repeats the request gets the channel, not its secret: that is kept nowhere where it could be read.
        work.answers(channel=channel, secret=None)
        await work.commit()
    return channel, secret


async def edit_channel(
    backend: Backend, principal: Principal, channel_id: uuid.UUID, changes: Mapping[str, Any], routes: Sequence[NewRoute] | None = None
) -> NotificationChannel:
    """Change what is named of a channel, `quiet_hours` as a whole; routes, where given, replace those there are.

    Errors as for `create_channel`.
    """
    principal.require(_CONFIGURE)
    require_not_null(changes, may_be_null=frozenset(changes) - _NEEDED)
    async with backend.unit_of_work(principal, _CONFIGURE) as work:
        old = await work.require(Channels, channel_id, "notification channel")
        columns = {name: value for name, value in changes.items() if name != "quiet_hours"}
        if "quiet_hours" in changes:
            columns |= _columns(changes["quiet_hours"])
        channel = replace(old, **columns, updated_at=work.now)
        await _check(backend, work, channel)
        await work.change(Channels, channel.id, **columns, updated_at=work.now)
        if routes is not None:
            await replace_routes(work.session, channel.id)
            await _set_routes(work, channel, routes)
        changed = sorted([*changes, *(["routes"] if routes is not None else [])])
        await work.audit("notification_channel.edit", "notification_channel", channel.id, changed=changed)
        work.answers(channel=channel)
        await work.commit()
    return channel


async def renew_secret(backend: Backend, principal: Principal, channel_id: uuid.UUID) -> tuple[NotificationChannel, str]:
    """Give a webhook a new secret, which is shown this once; the old one is of no use from now on.

    Raises:
        ForbiddenError: the principal lacks `alerts:configure`.
        NotFoundError: there is no such channel.
        ConflictError: it is not a webhook.
    """
    principal.require(_CONFIGURE)
    async with backend.unit_of_work(principal, _CONFIGURE) as work:
        channel = await work.require(Channels, channel_id, "notification channel")
        if channel.kind is not ChannelKind.WEBHOOK:
            raise ConflictError("The channel is no webhook; mail is not signed.")
        secret, locked = _secret(backend, channel)
        await work.change(Channels, channel.id, locked_secret=locked, updated_at=work.now)
        await work.audit("notification_channel.renew_secret", "notification_channel", channel.id)
        work.answers(channel=channel, secret=None)
        await work.commit()
    return channel, secret


async def remove_notification_channel(backend: Backend, principal: Principal, channel_id: uuid.UUID) -> uuid.UUID:
    """Remove a channel, with its routes and what is known of its deliveries. Errors as for `create_channel`."""
    principal.require(_CONFIGURE)
    async with backend.unit_of_work(principal, _CONFIGURE) as work:
        channel = await work.require(Channels, channel_id, "notification channel")
        await remove_channel(work.session, channel.id)
        await work.audit("notification_channel.remove", "notification_channel", channel.id, name=channel.name)
        work.answers(removed=True)
        await work.commit()
    return channel.id


async def send_test(backend: Backend, principal: Principal, channel_id: uuid.UUID) -> NotificationDelivery:
    """Have a test sent to a channel at once, even to one that is switched off; the delivery tells what came of it.

    Errors as for `create_channel`.
    """
    principal.require(_CONFIGURE)
    async with backend.unit_of_work(principal, _CONFIGURE) as work:
        channel = await work.require(Channels, channel_id, "notification channel")
        delivery = new_delivery(work, channel, work.now, is_test=True)
        await work.add(Deliveries, delivery)
        await schedule(work, delivery)
        await work.audit("notification_channel.test", "notification_channel", channel.id)
        work.answers(delivery=delivery)
        await work.commit()
    return delivery


def _columns(quiet: QuietHours | None) -> dict[str, Any]:
    """Return quiet hours as a channel holds them."""
    values = (None,) * 4 if quiet is None else (quiet.begin, quiet.end, quiet.time_zone, quiet.passes)
    return dict(zip(("quiet_begin", "quiet_end", "quiet_time_zone", "quiet_passes"), values, strict=True))


def _secret(backend: Backend, channel: NotificationChannel) -> tuple[str, str]:
    if backend.notifier is None:
        raise ConflictError("This process is not set up to notify, and cannot lock up a webhook's secret.")
    secret = new_secret()
    return secret, backend.notifier.vault.lock(secret, str(channel.id))


async def _set_routes(work: UnitOfWork, channel: NotificationChannel, wanted: Sequence[NewRoute]) -> None:
    problems = Problems()
    problems.check(len(wanted) <= _MAX_ROUTES, f"There are {len(wanted)} routes; {_MAX_ROUTES} at most.", "input", "routes")
    rules = [route.rule_id for route in wanted]
    problems.check(len(set(rules)) == len(rules), "Two routes are for the same rule, or for all; give one of them.", "input", "routes")
    problems.raise_any()
    for rule_id in filter(None, rules):
        await work.require(AlertRules, rule_id, "alert rule")
    routes = [NotificationRoute(new_id(), work.tenant_id, channel.id, it.rule_id, it.min_severity, it.tells_resolved) for it in wanted]
    if routes:
        await work.add(Routes, *routes)


async def _check(backend: Backend, work: UnitOfWork, channel: NotificationChannel) -> None:
    problems = Problems()
    length = len(channel.name.strip())
    problems.check(1 <= length <= _NAME_LENGTH, f"The name has {length} characters; give 1 to {_NAME_LENGTH}.", "input", "name")
    _check_target(problems, channel, insecure_allowed=backend.notifier is not None and backend.notifier.webhooks.private_allowed)
    _check_quiet_hours(problems, channel)
    problems.raise_any()
    if channel.resource_group_id is not None:
        await work.require(ResourceGroups, channel.resource_group_id, "resource group")
    elif work.principal.groups(_CONFIGURE) is not None:
        raise ForbiddenError(f"{work.principal.author} may make channels for resource groups, not for the whole tenant; name one.")
    column = Channels.table.c
    if await Channels(work.session).where(column.name == channel.name, column.id != channel.id):
        raise ConflictError(f"There is a channel {channel.name!r} already; give another name.", ("input", "name"))


def _check_target(problems: Problems, channel: NotificationChannel, *, insecure_allowed: bool) -> None:
    if channel.kind is ChannelKind.EMAIL:
        problems.check(channel.url is None, "A channel of kind EMAIL has no URL; leave it out.", "input", "url")
        for place, fault in address_faults(channel.addresses):
            problems.add(fault, "input", "addresses", *([] if place is None else [str(place)]))
        return
    problems.check(not channel.addresses, "A channel of kind WEBHOOK has no addresses; leave them out.", "input", "addresses")
    if (wrong := url_fault(channel.url or "", insecure_allowed=insecure_allowed)) is not None:
        problems.add(wrong, "input", "url")


def _check_quiet_hours(problems: Problems, channel: NotificationChannel) -> None:
    zone = channel.quiet_time_zone
    if zone is not None and zone not in time_zones():
        message = f"{zone[:80]!r} is no time zone; give a name of the IANA database, such as Europe/Berlin."
        problems.add(message, "input", "quietHours", "timeZone")
