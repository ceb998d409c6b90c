"""Whom a channel tells of what, and when; what it may be given."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest

from ampyard.domain.alerts import Alert, AlertKind, AlertSeverity, AlertState
from ampyard.domain.notifications.channels import (
    ChannelKind,
    NotificationChannel,
    NotificationRoute,
    address_faults,
    is_told,
    told_at,
    url_fault,
)
from ampyard.domain.notifications.deliveries import RETRIES, next_try

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
ID, RULE, OTHER = (UUID(int=n) for n in (1, 2, 3))
CHANNEL = NotificationChannel(ID, ID, "Ops", ChannelKind.EMAIL, True, None, ["a@b"], None, None, None, None, None, NOW, NOW)
ALERT = Alert(
    id=ID,
    tenant_id=ID,
    rule_id=RULE,
    kind=AlertKind.OFFLINE,
    severity=AlertSeverity.WARNING,
    state=AlertState.OPEN,
    target_id=ID,
    depot_id=ID,
    charge_point_id=ID,
    power_node_id=None,
    vehicle_id=None,
    transaction_id=None,
    assignment_id=None,
    summary="Offline",
    facts={},
    since=NOW - timedelta(minutes=5),
    opened_at=NOW,
    acknowledged_at=None,
    acknowledged_by=None,
    resolved_at=None,
    resolved_by=None,
    note=None,
    updated_at=NOW,
)


def route(rule: UUID | None = None, severity: AlertSeverity = AlertSeverity.INFO, *, resolved: bool = False) -> NotificationRoute:
    return NotificationRoute(ID, ID, ID, rule, severity, resolved)


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        ([], (False, False)),
        ([route()], (True, False)),
        ([route(resolved=True)], (True, True)),
        ([route(RULE)], (True, False)),
        ([route(OTHER)], (False, False)),
        ([route(severity=AlertSeverity.WARNING)], (True, False)),
        ([route(severity=AlertSeverity.CRITICAL)], (False, False)),
        ([route(OTHER, resolved=True), route(RULE)], (True, False)),
    ],
)
def test_routes_lead_by_rule_and_severity(routes: list[NotificationRoute], told: tuple[bool, bool]) -> None:
    assert (is_told(routes, ALERT, resolved=False), is_told(routes, ALERT, resolved=True)) == told


NIGHT = replace(CHANNEL, quiet_begin=time(22), quiet_end=time(6), quiet_time_zone="Europe/Berlin", quiet_passes=AlertSeverity.CRITICAL)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        # 21:59, 22:00, 23:30, 5:59 and 6:00 in Berlin, on the night after 2 November.
        (datetime(2026, 11, 2, 20, 59, tzinfo=UTC), None),
        (datetime(2026, 11, 2, 21, 0, tzinfo=UTC), datetime(2026, 11, 3, 5, 0, tzinfo=UTC)),
        (datetime(2026, 11, 2, 22, 30, tzinfo=UTC), datetime(2026, 11, 3, 5, 0, tzinfo=UTC)),
        (datetime(2026, 11, 3, 4, 59, tzinfo=UTC), datetime(2026, 11, 3, 5, 0, tzinfo=UTC)),
        (datetime(2026, 11, 3, 5, 0, tzinfo=UTC), None),
        # The night in which clocks go back is nine hours long.
        (datetime(2026, 10, 24, 20, 0, tzinfo=UTC), datetime(2026, 10, 25, 5, 0, tzinfo=UTC)),
    ],
)
def test_quiet_hours_put_off_what_does_not_pass(at: datetime, ends: datetime | None) -> None:
    assert told_at(NIGHT, AlertSeverity.WARNING, at) == (ends or at)
    assert told_at(NIGHT, AlertSeverity.CRITICAL, at) == at
    assert told_at(replace(NIGHT, quiet_passes=None), AlertSeverity.CRITICAL, at) == (ends or at)
    assert told_at(CHANNEL, AlertSeverity.INFO, at) == at


@pytest.mark.parametrize(
    ("addresses", "faults"),
    [
        (["ops@example.org", "night+1@depot.example.org"], []),
        ([], [(None, "There are 0 addresses; give 1 to 50.")]),
        (["ops"], [(0, "'ops' is no e-mail address; give one such as alerts@example.org, without a name.")]),
        (
            ["a@b", "x@y\r\nBcc: z@z"],
            [(1, "'x@y\\r\\nBcc: z@z' is no e-mail address; give one such as alerts@example.org, without a name.")],
        ),
        (["a@b,c@d"], [(0, "'a@b,c@d' is no e-mail address; give one such as alerts@example.org, without a name.")]),
    ],
)
def test_addresses_are_single_and_plain(addresses: list[str], faults: list[tuple[int | None, str]]) -> None:
    assert list(address_faults(addresses)) == faults


@pytest.mark.parametrize(
    ("url", "insecure", "fault"),
    [
        ("https://example.org/alerts?a=b", False, None),
        ("https://example.org:8443/", False, None),
        ("http://example.org/", True, None),
        ("http://example.org/", False, "'http://example.org/' cannot be called; give a URL that begins with https:// and a host."),
        ("file:///etc/passwd", True, "'file:///etc/passwd' cannot be called; give a URL that begins with https:// and a host."),
        ("https://", False, "'https://' cannot be called; give a URL that begins with https:// and a host."),
        ("https://[::1", False, "'https://[::1' is no URL; give one such as https://example.org/alerts."),
        ("https://a b/", False, "'https://a b/' cannot be called; give a URL that begins with https:// and a host."),
        (
            "https://user:secret@example.org/",
            False,
            "The URL holds a user or password, which would be shown to whoever sees it; the signature says who calls.",
        ),
    ],
)
def test_urls(url: str, insecure: bool, fault: str | None) -> None:  # noqa: FBT001 - a parameter
    assert url_fault(url, insecure_allowed=insecure) == fault


def test_tries_come_ever_later_and_end() -> None:
    tries = [next_try(attempts, NOW) for attempts in range(1, len(RETRIES) + 2)]
    assert tries == [NOW + pause for pause in RETRIES] + [None]
    assert list(RETRIES) == sorted(RETRIES)
