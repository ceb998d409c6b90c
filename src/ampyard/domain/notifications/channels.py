"""Channels: the ways by which people and systems are told, and which alerts go each way."""

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from ampyard.domain.alerts import Alert, AlertSeverity
from ampyard.domain.local_time import local_day, moment_of

MAX_ADDRESSES = 50
_MAX_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
_MAX_URL = 2_000
# One "@" with something on both sides, and none of what would begin another header or address.
_ADDRESS = re.compile(r"[^@\s<>\",;:\\()\[\]]+@[^@\s<>\",;:\\()\[\]]+")
_ONE_DAY = timedelta(days=1)


class ChannelKind(StrEnum):
    EMAIL = "EMAIL"
    WEBHOOK = "WEBHOOK"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A time of each day, on the clock of a zone, in which only alerts of `passes` or more are told; from `begin` to before `end`.

    Hours that end when they begin, or earlier, end on the next day. `passes` is None where nothing is told.
    """

    begin: time
    end: time
    time_zone: str
    passes: AlertSeverity | None

    def end_of(self, at: datetime) -> datetime | None:
        """Return when the quiet hours end that a moment falls into; None where it falls into none."""
        today = local_day(at, self.time_zone)
        for day in (today - _ONE_DAY, today):
            begins = moment_of(day, self.begin, self.time_zone)
            ends = moment_of(day if self.end > self.begin else day + _ONE_DAY, self.end, self.time_zone)
            if begins <= at < ends:
                return ends
        return None


@dataclass(frozen=True, slots=True)
class NotificationChannel:
    """A way to tell people or systems of alerts: e-mail to `addresses`, or a POST to `url`.

    One that names a resource group is told of what is in that group alone.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    kind: ChannelKind
    enabled: bool
    resource_group_id: uuid.UUID | None
    addresses: list[str]
    url: str | None
    quiet_begin: time | None
    quiet_end: time | None
    quiet_time_zone: str | None
    quiet_passes: AlertSeverity | None
    created_at: datetime
    updated_at: datetime

    @property
    def quiet_hours(self) -> QuietHours | None:
        """Its quiet hours; None where it has none."""
        if self.quiet_begin is None or self.quiet_end is None or self.quiet_time_zone is None:
            return None
        return QuietHours(self.quiet_begin, self.quiet_end, self.quiet_time_zone, self.quiet_passes)


@dataclass(frozen=True, slots=True)
class NotificationRoute:
    """Which alerts a channel is told of: those of a rule, or of any (None), from a severity on; `tells_resolved`: of their end, too."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    channel_id: uuid.UUID
    rule_id: uuid.UUID | None
    min_severity: AlertSeverity
    tells_resolved: bool


def is_told(routes: Iterable[NotificationRoute], alert: Alert, *, resolved: bool) -> bool:
    """Tell whether any of a channel's routes leads there for an alert that was opened, or resolved."""
    return any(
        route.rule_id in {None, alert.rule_id} and alert.severity >= route.min_severity and (route.tells_resolved or not resolved)
        for route in routes
    )


def told_at(channel: NotificationChannel, severity: AlertSeverity, now: datetime) -> datetime:
    """Return from when on a channel may be told of an alert: now, or when its quiet hours are over."""
    quiet = channel.quiet_hours
    if quiet is None or (quiet.passes is not None and severity >= quiet.passes):
        return now
    return quiet.end_of(now) or now


def address_faults(addresses: list[str]) -> Iterator[tuple[int | None, str]]:
    """Yield what is wrong with a list of e-mail addresses: the place of each that is (None: the list), and what would be right."""
    if not 1 <= len(addresses) <= MAX_ADDRESSES:
        yield None, f"There are {len(addresses)} addresses; give 1 to {MAX_ADDRESSES}."
    for place, address in enumerate(addresses):
        if len(address) > _MAX_ADDRESS or not _ADDRESS.fullmatch(address):
            yield place, f"{address[:80]!r} is no e-mail address; give one such as alerts@example.org, without a name."


def url_fault(url: str, *, insecure_allowed: bool) -> str | None:
    """Return what is wrong with a webhook's URL by its form alone; None where nothing is. Where it leads is checked when it is called.

    Args:
        url: as given.
        insecure_allowed: http will do, too.
    """
    schemes = ("https", "http") if insecure_allowed else ("https",)
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return f"{url[:80]!r} is no URL; give one such as https://example.org/alerts."
    if len(url) > _MAX_URL:
        return f"The URL has {len(url)} characters; {_MAX_URL} at most."
    if parts.scheme not in schemes or not parts.hostname or not port_is_fine or any(character.isspace() for character in url):
        return f"{url[:80]!r} cannot be called; give a URL that begins with {schemes[0]}:// and a host."
    if parts.username is not None or parts.password is not None:
        return "The URL holds a user or password, which would be shown to whoever sees it; the signature says who calls."
    return None
