"""Channels of notification and their deliveries: quiet hours as people write them, and changes."""

from collections.abc import Sequence
from datetime import time
from typing import Any

from ampyard.domain.alerts import AlertRule
from ampyard.domain.local_time import minute_of_day
from ampyard.domain.notifications.channels import ChannelKind, NotificationChannel
from ampyard.domain.notifications.deliveries import NotificationDelivery
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services.notifications import channels, delivering
from ampyard.services.notifications.channels import NewChannel, NewRoute

_HOURS = 24


def quiet_begin(root: NotificationChannel) -> str | None:
    """Return when the quiet hours begin."""
    return _text(root.quiet_begin)


def quiet_end(root: NotificationChannel) -> str | None:
    """Return when the quiet hours end."""
    return _text(root.quiet_end)


async def create_channel(
    caller: Caller, *, name: str, kind: ChannelKind, routes: Sequence[Any], resource_group_id: str | None = None, **wanted: Any
) -> dict[str, Any]:
    """Add a channel."""
    new = NewChannel(
        name=name,
        kind=kind,
        resource_group_id=optional_id("input.resourceGroupId", resource_group_id, ResourceGroup),
        routes=_routes(routes),
        **_times(wanted),
    )
    channel, secret = await channels.create_channel(caller.backend, caller.principal, new)
    return {"channel": channel, "secret": secret}


async def edit_channel(caller: Caller, *, channel_id: str, routes: Sequence[Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Change fields of a channel."""
    changed = decode_id("input.channelId", channel_id, NotificationChannel)
    if "resource_group_id" in changes:
        changes["resource_group_id"] = optional_id("input.resourceGroupId", changes["resource_group_id"], ResourceGroup)
    new_routes = None if routes is None else _routes(routes)
    return {"channel": await channels.edit_channel(caller.backend, caller.principal, changed, _times(changes), new_routes)}


async def renew_secret(caller: Caller, *, channel_id: str) -> dict[str, Any]:
    """Give a webhook a new secret."""
    renewed = decode_id("input.channelId", channel_id, NotificationChannel)
    channel, secret = await channels.renew_secret(caller.backend, caller.principal, renewed)
    return {"channel": channel, "secret": secret}


async def remove_channel(caller: Caller, *, channel_id: str) -> dict[str, Any]:
    """Remove a channel."""
    removed = decode_id("input.channelId", channel_id, NotificationChannel)
    await channels.remove_notification_channel(caller.backend, caller.principal, removed)
    return {"removed": True}


async def send_test(caller: Caller, *, channel_id: str) -> dict[str, Any]:
    """Have a test sent to a channel."""
    tested = decode_id("input.channelId", channel_id, NotificationChannel)
    return {"delivery": await channels.send_test(caller.backend, caller.principal, tested)}


async def retry_delivery(caller: Caller, *, delivery_id: str) -> dict[str, Any]:
    """Have a delivery tried at once."""
    retried = decode_id("input.deliveryId", delivery_id, NotificationDelivery)
    return {"delivery": await delivering.retry_delivery(caller.backend, caller.principal, retried)}


def _routes(given: Sequence[Any]) -> list[NewRoute]:
    return [
        NewRoute(optional_id(f"input.routes.{number}.alertRuleId", route.alert_rule_id, AlertRule), route.min_severity, route.tells_resolved)
        for number, route in enumerate(given)
    ]


def _times(given: dict[str, Any]) -> dict[str, Any]:
    """Return fields of an input with its times of day as times; 24:00 is the next day's begin."""
    times = {}
    for name in ("quiet_begin", "quiet_end"):
        if given.get(name) is not None:
            hour, minute = divmod(minute_of_day(given[name]), 60)
            times[name] = time(hour % _HOURS, minute)
    return {**given, **times}


def _text(at: time | None) -> str | None:
    return None if at is None else f"{at:%H:%M}"
