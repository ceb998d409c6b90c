"""What people do about alerts, who may, and what a refusal leaves as it was."""

from uuid import UUID, uuid4

import pytest

from ampyard.domain.access import Grant, Principal, PrincipalKind, Scope
from ampyard.domain.alerts import Alert, AlertKind, AlertState
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.services import charge_points
from ampyard.services.alerts.handling import acknowledge_alerts, note_alert, resolve_alerts
from tests.fleet import user
from tests.services.alerts.watch import Watch


async def open_alerts(here: Watch, *identities: str) -> list[Alert]:
    await here.rule(AlertKind.OFFLINE)
    for identity in identities:
        await charge_points.disconnected(here.backend, here.stations[identity])
    return await here.look()


async def test_an_alert_is_acknowledged_noted_and_resolved_each_with_who_and_when(here: Watch) -> None:
    (alert,) = await open_alerts(here, "CP-1")
    here.pass_time(minutes=1)
    (acknowledged,) = await acknowledge_alerts(here.backend, here.admin, [alert.id], note="I go and look")
    noted = await note_alert(here.backend, here.admin, alert.id, note="A fuse")
    here.pass_time(minutes=1)
    (resolved,) = await resolve_alerts(here.backend, here.admin, [alert.id], note=None)

    assert (acknowledged.state, acknowledged.acknowledged_by, acknowledged.note) == (
        AlertState.ACKNOWLEDGED,
        "user:tester",
        "I go and look",
    )
    assert (noted.state, noted.note) == (AlertState.ACKNOWLEDGED, "A fuse")
    assert (resolved.state, resolved.resolved_by, resolved.resolved_at) == (AlertState.RESOLVED, "user:tester", here.now)
    assert resolved.note == "A fuse"
    assert await here.alerts() == [resolved]
    assert await here.changes(alert) == [
        ("OPENED", None, None),
        ("ACKNOWLEDGED", "user:tester", "I go and look"),
        ("NOTED", "user:tester", "A fuse"),
        ("RESOLVED", "user:tester", None),
    ]


async def test_doing_it_again_changes_nothing(here: Watch) -> None:
    (alert,) = await open_alerts(here, "CP-1")
    once = await acknowledge_alerts(here.backend, here.admin, [alert.id], note=None)
    here.pass_time(minutes=1)
    assert await acknowledge_alerts(here.backend, here.admin, [alert.id], note=None) == once
    done = await resolve_alerts(here.backend, here.admin, [alert.id], note=None)
    assert await resolve_alerts(here.backend, here.admin, [alert.id], note=None) == done
    assert [kind for kind, _, _ in await here.changes(alert)] == ["OPENED", "ACKNOWLEDGED", "RESOLVED"]


async def test_several_at_once_in_the_order_asked_for_or_none(here: Watch) -> None:
    alerts = await open_alerts(here, "CP-1", "CP-2", "CP-3")
    ids = [alert.id for alert in alerts]
    assert [a.id for a in await acknowledge_alerts(here.backend, here.admin, ids[::-1], note=None)] == ids[::-1]
    before = await here.alerts()
    with pytest.raises(NotFoundError, match=r"There is no such alert\."):
        await resolve_alerts(here.backend, here.admin, [*ids, uuid4()], note=None)
    assert await here.alerts() == before


@pytest.mark.parametrize(
    ("count", "note", "path", "told"),
    [
        (0, None, ("input", "alertIds"), "There are 0 alerts; give 1 to 200."),
        (201, None, ("input", "alertIds"), "There are 201 alerts; give 1 to 200."),
        (1, "  ", ("input", "note"), "The note has 0 characters; give 1 to 2000."),
        (1, "x" * 2001, ("input", "note"), "The note has 2001 characters; give 1 to 2000."),
    ],
)
async def test_what_is_asked_for_wrongly_is_refused(here: Watch, count: int, note: str | None, path: tuple[str, ...], told: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        await acknowledge_alerts(here.backend, here.admin, [UUID(int=n) for n in range(count)], note=note)
    assert (str(refusal.value), refusal.value.path) == (told, path)


async def test_what_is_resolved_is_not_acknowledged(here: Watch) -> None:
    (alert,) = await open_alerts(here, "CP-1")
    await resolve_alerts(here.backend, here.admin, [alert.id], note=None)
    before = await here.alerts()
    with pytest.raises(ConflictError, match="there is nothing to acknowledge"):
        await acknowledge_alerts(here.backend, here.admin, [alert.id], note=None)
    assert await here.alerts() == before


async def test_it_needs_the_scope_for_what_the_alert_is_about(here: Watch) -> None:
    alerts = await open_alerts(here, "CP-1")
    reader = user(here.tenant_id, Scope.FLEET_READ)
    elsewhere = Principal(
        tenant_id=here.tenant_id,
        subject="narrow",
        kind=PrincipalKind.USER,
        scopes=frozenset({Scope.FLEET_READ}),
        grants=(Grant(frozenset({Scope.ALERTS_HANDLE}), frozenset({uuid4()})),),
    )
    for nobody, told in ((reader, "alerts:handle"), (elsewhere, "may see this alert, but not do this to it")):
        with pytest.raises(ForbiddenError, match=told):
            await resolve_alerts(here.backend, nobody, [alerts[0].id], note=None)
    assert await here.alerts() == alerts
