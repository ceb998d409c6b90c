"""Channels of notification and their deliveries: quiet hours as people write them, and changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from ampyard.domain.alerts import AlertRule, AlertSeverity
from ampyard.domain.local_time import minute_of_day
from ampyard.domain.notifications.channels import ChannelKind, NotificationChannel, QuietHours
from ampyard.domain.notifications.deliveries import NotificationDelivery
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services.edits import at_path
from ampyard.services.notifications import channels, delivering
from ampyard.services.notifications.channels import NewChannel, NewRoute

_HOURS = 24


@dataclass(frozen=True, slots=True)
class QuietTimes:
    """Quiet hours as people write them."""

    begin: str
    end: str
    time_zone: str
    passes: AlertSeverity | None


def quiet_hours(root: NotificationChannel) -> QuietTimes | None:
    """Return a channel's quiet hours."""
    quiet = root.quiet_hours
    return None if quiet is None else QuietTimes(f"{quiet.begin:%H:%M}", f"{quiet.end:%H:%M}", quiet.time_zone, quiet.passes)


async def create_channel(
    caller: Caller, *, name: str, kind: ChannelKind, routes: Sequence[Any], resource_group_id: str | None = None, **wanted: Any
) -> dict[str, Any]:
    """Add a channel."""
    new = NewChannel(
        name=name,
        kind=kind,
        resource_group_id=optional_id("input.resourceGroupId", resource_group_id, ResourceGroup),
        routes=_routes(routes),
        **_with_quiet_hours(wanted),
    )
    channel, secret = await channels.create_channel(caller.backend, caller.principal, new)
    return {"channel": channel, "secret": secret}


async def edit_channel(
    caller: Caller, *, notification_channel_id: str, routes: Sequence[Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """Change fields of a channel."""
    changed = decode_id("input.notificationChannelId", notification_channel_id, NotificationChannel)
    if "resource_group_id" in changes:
        changes["resource_group_id"] = optional_id("input.resourceGroupId", changes["resource_group_id"], ResourceGroup)
    new_routes = None if routes is None else _routes(routes)
    return {"channel": await channels.edit_channel(caller.backend, caller.principal, changed, _with_quiet_hours(changes), new_routes)}


async def renew_secret(caller: Caller, *, notification_channel_id: str) -> dict[str, Any]:
    """Give a webhook a new secret."""
    renewed = decode_id("input.notificationChannelId", notification_channel_id, NotificationChannel)
    channel, secret = await channels.renew_secret(caller.backend, caller.principal, renewed)
    return {"channel": channel, "secret": secret}


async def remove_channel(caller: Caller, *, notification_channel_id: str) -> dict[str, Any]:
    """Remove a channel."""
    removed = decode_id("input.notificationChannelId", notification_channel_id, NotificationChannel)
    await channels.remove_notification_channel(caller.backend, caller.principal, removed)
    return {"removed": True}


async def send_test(caller: Caller, *, notification_channel_id: str) -> dict[str, Any]:
    """Have a test sent to a channel."""
    tested = decode_id("input.notificationChannelId", notification_channel_id, NotificationChannel)
    return {"delivery": await channels.send_test(caller.backend, caller.principal, tested)}


async def retry_delivery(caller: Caller, *, notification_delivery_id: str) -> dict[str, Any]:
    """Have a delivery tried at once."""
    retried = decode_id("input.notificationDeliveryId", notification_delivery_id, NotificationDelivery)
    return {"delivery": await delivering.retry_delivery(caller.backend, caller.principal, retried)}


def _routes(given: Sequence[Any]) -> list[NewRoute]:
    routes = []
    for number, route in enumerate(given):
        rule_id = optional_id(f"input.routes.{number}.alertRuleId", route.alert_rule_id, AlertRule)
        routes.append(NewRoute(rule_id, route.min_severity, route.tells_resolved))
    return routes


def _with_quiet_hours(given: dict[str, Any]) -> dict[str, Any]:
    """Return fields of an input with its quiet hours, where they are named, as the domain has them."""
    quiet = given.get("quiet_hours")
    if quiet is None:
        return given
    hours = QuietHours(_time("begin", quiet.begin), _time("end", quiet.end), quiet.time_zone, quiet.passes)
    return {**given, "quiet_hours": hours}


def _time(name: str, text: str) -> time:
    with at_path("input", "quietHours", name):
        hour, minute = divmod(minute_of_day(text), 60)
    # 24:00 is the next day's begin.
    return time(hour % _HOURS, minute)
