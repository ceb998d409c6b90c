"""Telling subscribers of alerts."""

from ampyard.domain.alerts import Alert
from ampyard.domain.events import Event, EventKind
from ampyard.repositories.unit_of_work import UnitOfWork


def publish(work: UnitOfWork, alert: Alert, *, raised: bool) -> None:
    """Have those who watch alerts told that one was raised, or has changed."""
    kind = EventKind.ALERT_RAISED if raised else EventKind.ALERT_UPDATED
    work.publish(Event(kind, alert.id, alert.depot_id, {"severity": int(alert.severity)}))
