"""What people do about alerts: they acknowledge, note and resolve them."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

from ampyard.domain.access import Principal, Scope
from ampyard.domain.alerts import Alert, AlertChange, AlertChangeKind, AlertState
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.ids import new_id
from ampyard.domain.notifications.deliveries import NotedChange
from ampyard.repositories.alerts import AlertChanges, Alerts
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.alerts.telling import publish
from ampyard.services.backend import Backend
from ampyard.services.notifications.queueing import queue

_NOTE_LENGTH = 2_000
_AT_ONCE = 200


async def acknowledge_alerts(backend: Backend, principal: Principal, alert_ids: Sequence[uuid.UUID], *, note: str | None) -> list[Alert]:
    """Say that somebody looks after alerts; those that are acknowledged already stay as they are, but for a note.

    Raises:
        ForbiddenError: the principal lacks `alerts:handle`, for one of them at least.
        InvalidInputError: none, too many, or too long a note.
        NotFoundError: there is no such alert.
        ConflictError: one is resolved.
    """
    return await _handle(backend, principal, alert_ids, AlertChangeKind.ACKNOWLEDGED, note)


async def resolve_alerts(backend: Backend, principal: Principal, alert_ids: Sequence[uuid.UUID], *, note: str | None) -> list[Alert]:
    """End alerts by hand; no other opens for the same until what they are about has been over. Errors as for `acknowledge_alerts`."""
    return await _handle(backend, principal, alert_ids, AlertChangeKind.RESOLVED, note)


async def note_alert(backend: Backend, principal: Principal, alert_id: uuid.UUID, *, note: str) -> Alert:
    """Leave a note at an alert, whatever its state. Errors as for `acknowledge_alerts`."""
    return (await _handle(backend, principal, [alert_id], AlertChangeKind.NOTED, note))[0]


async def _handle(
    backend: Backend, principal: Principal, alert_ids: Sequence[uuid.UUID], kind: AlertChangeKind, note: str | None
) -> list[Alert]:
    principal.require(Scope.ALERTS_HANDLE)
    if not 1 <= len(alert_ids) <= _AT_ONCE:
        raise InvalidInputError(f"There are {len(alert_ids)} alerts; give 1 to {_AT_ONCE}.", ("input", "alertIds"))
    if note is not None and not 1 <= len(note.strip()) <= _NOTE_LENGTH:
        raise InvalidInputError(f"The note has {len(note.strip())} characters; give 1 to {_NOTE_LENGTH}.", ("input", "note"))
    async with backend.unit_of_work(principal, Scope.ALERTS_HANDLE) as work:
        # In one order, whoever handles which at the same time.
        locked = {alert_id: await work.require(Alerts, alert_id, "alert") for alert_id in sorted(set(alert_ids))}
        handled = {alert_id: await _change(work, alert, kind, note) for alert_id, alert in locked.items()}
        alerts = [handled[alert_id] for alert_id in dict.fromkeys(alert_ids)]
        work.answers(**({"alert": alerts[0]} if kind is AlertChangeKind.NOTED else {"alerts": alerts}))
        await work.commit()
    return alerts


async def _change(work: UnitOfWork, alert: Alert, kind: AlertChangeKind, note: str | None) -> Alert:
    author = work.principal.author
    changed = replace(alert, note=note or alert.note)
    match kind:
        case AlertChangeKind.ACKNOWLEDGED if alert.state is AlertState.RESOLVED:
            raise ConflictError(f"The alert was resolved at {alert.resolved_at}; there is nothing to acknowledge.")
        case AlertChangeKind.ACKNOWLEDGED if alert.state is AlertState.OPEN:
            changed = replace(changed, state=AlertState.ACKNOWLEDGED, acknowledged_at=work.now, acknowledged_by=author)
        case AlertChangeKind.RESOLVED if alert.state is not AlertState.RESOLVED:
            changed = replace(changed, state=AlertState.RESOLVED, resolved_at=work.now, resolved_by=author)
    if changed.state is alert.state:
        if note is None:
            return alert
        kind = AlertChangeKind.NOTED
    changed = replace(changed, updated_at=work.now)
    names = ("state", "acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "note", "updated_at")
    await work.change(Alerts, alert.id, **{name: getattr(changed, name) for name in names})
    await work.add(AlertChanges, AlertChange(new_id(), work.tenant_id, alert.id, kind, work.now, author, note))
    await work.audit(f"alert.{kind.value.lower()}", "alert", alert.id, note=note)
    publish(work, changed, raised=False)
    if kind is AlertChangeKind.RESOLVED:
        await queue(work, [(changed, NotedChange.RESOLVED)])
    return changed
