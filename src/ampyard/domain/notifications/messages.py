"""What is written to a channel: a mail in plain text and HTML, or the body of a webhook."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from ampyard.domain.alerts import Alert, AlertSeverity
from ampyard.domain.notifications.channels import NotificationChannel
from ampyard.domain.notifications.deliveries import NotedChange, NotificationDelivery

_MAX_SUBJECT = 200
_TEST = "This is a test of the notification channel {name}. Nothing is wrong."
_VERBS = {NotedChange.OPENED: "opened", NotedChange.RESOLVED: "resolved"}


@dataclass(frozen=True, slots=True)
class Told:
    """A change of an alert as it is told.

    `names` are those of what it is about, as far as the channel may be told of that; `time_zone` is its depot's.
    """

    alert: Alert
    change: NotedChange
    at: datetime
    names: tuple[str, ...]
    time_zone: str

    @property
    def headline(self) -> str:
        """What it is about, and what of it."""
        return ", ".join([*self.names, self.alert.summary])


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail's subject and its text in both forms."""

    subject: str
    text: str
    html: str


def mail_of(channel: NotificationChannel, told: Sequence[Told], link: str) -> Mail:
    """Return the mail that tells a channel of changes, oldest first; of none: a test.

    Args:
        channel: whom it goes to.
        told: the changes.
        link: where alerts are looked at.
    """
    if not told:
        sentence = _TEST.format(name=channel.name)
        return Mail(f"Test of {channel.name}"[:_MAX_SUBJECT], f"{sentence}\n", _page(f"<p>{escape(sentence)}</p>"))
    lines = [_line(one) for one in told]
    text = "\n".join([*lines, "", f"See {link}", ""])
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    html = _page(f'<ul>{items}</ul><p><a href="{escape(link)}">{escape(link)}</a></p>')
    return Mail(_subject(told), text, html)


def webhook_of(delivery: NotificationDelivery, channel: NotificationChannel, told: Sequence[Told]) -> dict[str, Any]:
    """Return the body of a webhook: `type`, `timestamp` and `data`, as Standard Webhooks recommends; ids are the database's."""
    if not told:
        data: dict[str, Any] = {"channel": channel.name, "message": _TEST.format(name=channel.name)}
        return {"type": "alert.test", "timestamp": delivery.created_at.isoformat(), "data": data}
    (one,) = told
    return {"type": f"alert.{_VERBS[one.change]}", "timestamp": one.at.isoformat(), "data": _fields(one)}


def _fields(told: Told) -> dict[str, Any]:
    alert = told.alert
    targets = ("depot", "charge_point", "power_node", "vehicle", "transaction", "assignment", "rule")
    ids = {f"{name}_id": getattr(alert, f"{name}_id") for name in targets}
    return {
        "id": str(alert.id),
        "kind": alert.kind.value,
        "severity": alert.severity.name,
        "state": alert.state.value,
        "summary": alert.summary,
        "facts": alert.facts,
        "since": alert.since.isoformat(),
        "opened_at": alert.opened_at.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
        **{name: str(value) for name, value in ids.items() if value is not None},
        "names": list(told.names),
    }


def _subject(told: Sequence[Told]) -> str:
    if len(told) == 1:
        (one,) = told
        subject = f"{_mark(one)}: {one.headline}"
    else:
        worst = max((one.alert.severity for one in told if one.change is NotedChange.OPENED), default=None)
        subject = f"{'Resolved' if worst is None else worst.name.title()}: {len(told)} changes of alerts"
    # A subject is one line: what others have named must not begin another header.
    return " ".join(subject.split())[:_MAX_SUBJECT]


def _line(told: Told) -> str:
    at = told.at.astimezone(ZoneInfo(told.time_zone)).strftime("%Y-%m-%d %H:%M %Z")
    return f"{at}  {_mark(told)}: {told.headline}"


def _mark(told: Told) -> str:
    return "Resolved" if told.change is NotedChange.RESOLVED else AlertSeverity(told.alert.severity).name.title()


def _page(body: str) -> str:
    return f"<!DOCTYPE html><html><body>{body}</body></html>\n"
