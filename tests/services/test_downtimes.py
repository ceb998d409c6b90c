"""Planned downtimes: announced before they begin, and never written into the past."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.access import Role, Scope
from ampyard.domain.availability import PlannedDowntime
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.life_cycle import ChargePointState
from ampyard.repositories.availability import PlannedDowntimes
from ampyard.repositories.charge_points import ChargePoints
from ampyard.services import downtimes, life_cycle
from ampyard.services.backend import Backend
from tests.fleet import new_fleet, user
from tests.grants import confined, group_of

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(backend: Backend, hours: float) -> Backend:
    return replace(backend, clock=lambda: T0 + hours * HOUR)


@pytest.fixture
async def ids(backend: Backend) -> dict[str, uuid.UUID]:
    """The charge points of a tenant of its own by identity, and the tenant."""
    seeded = await new_fleet(backend)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        return {cp.identity: cp.id for cp in await ChargePoints(snapshot).where()} | {"tenant": seeded.tenant_id}


async def planned(backend: Backend, ids: dict[str, uuid.UUID], start_h: float | None, end_h: float) -> PlannedDowntime:
    start = None if start_h is None else T0 + start_h * HOUR
    (downtime,) = await downtimes.plan_downtime(
        at(backend, 0), user(ids["tenant"]), [ids["CP-1"]], starts_at=start, ends_at=T0 + end_h * HOUR, reason=" New cable. "
    )
    return downtime


def window(downtime: PlannedDowntime) -> tuple[float, float]:
    return (downtime.starts_at - T0) / HOUR, (downtime.ends_at - T0) / HOUR


async def test_it_is_planned_for_all_that_are_named(backend: Backend, ids: dict[str, uuid.UUID]) -> None:
    named = [ids["CP-2"], ids["CP-1"]]
    made = await downtimes.plan_downtime(at(backend, 0), user(ids["tenant"]), named, ends_at=T0 + HOUR, reason="New cable.")
    assert [(one.charge_point_id, window(one), one.reason, one.author) for one in made] == [
        (point, (0, 1), "New cable.", "user:tester") for point in named
    ]
    async with backend.database.snapshot(ids["tenant"]) as snapshot:
        assert await PlannedDowntimes(snapshot).where(order_by=[PlannedDowntimes.table.c.id]) == made


@pytest.mark.parametrize(
    ("names", "start_h", "end_h", "reason", "error", "paths"),
    [
        (["CP-1"], -0.1, 1, "x", InvalidInputError, ["startsAt"]),
        (["CP-1"], 2, 2, "x", InvalidInputError, ["endsAt"]),
        (["CP-1"], -2, -1, "", InvalidInputError, ["startsAt", "reason"]),
        (["CP-1"], 1, 2, "x" * 501, InvalidInputError, ["reason"]),
        ([], 1, 2, "x", InvalidInputError, ["chargePointIds"]),
        (["CP-1", "CP-1"], 1, 2, "x", InvalidInputError, ["chargePointIds"]),
        (["CP-1", "CP-3"], 1, 2, "x", InvalidInputError, ["chargePointIds.1"]),
        (["CP-1", "nobody"], 1, 2, "x", NotFoundError, ["chargePointIds.1"]),
    ],
)
async def test_what_cannot_be_planned(
    backend: Backend,
    ids: dict[str, uuid.UUID],
    names: list[str],
    start_h: float,
    end_h: float,
    reason: str,
    error: type[DomainError],
    paths: list[str],
) -> None:
    for state in (ChargePointState.OUT_OF_SERVICE, ChargePointState.RETIRED):
        await life_cycle.change_states(backend, user(ids["tenant"]), [ids["CP-3"]], state, reason="Scrapped.")
    named = [ids.get(name, uuid.uuid4()) for name in names]
    with pytest.raises(error) as refused:
        await downtimes.plan_downtime(
            at(backend, 0), user(ids["tenant"]), named, starts_at=T0 + start_h * HOUR, ends_at=T0 + end_h * HOUR, reason=reason
        )
    all_of_it = [refused.value, *getattr(refused.value, "others", ())]
    assert [".".join(one.path) for one in all_of_it] == [f"input.{path}" for path in paths]
    async with backend.database.snapshot(ids["tenant"]) as snapshot:
        assert await PlannedDowntimes(snapshot).where() == []


async def test_it_is_moved_as_long_as_it_is_to_come(backend: Backend, ids: dict[str, uuid.UUID]) -> None:
    downtime, principal = await planned(backend, ids, 2, 4), user(ids["tenant"])
    moved = await downtimes.edit_downtime(at(backend, 1), principal, downtime.id, starts_at=T0 + 3 * HOUR, reason="Two cables.")
    assert (window(moved), moved.reason) == ((3, 4), "Two cables.")
    with pytest.raises(InvalidInputError, match="in the past"):
        await downtimes.edit_downtime(at(backend, 1), principal, downtime.id, starts_at=T0)
    with pytest.raises(InvalidInputError, match="has no length"):
        await downtimes.edit_downtime(at(backend, 1), principal, downtime.id, ends_at=T0 + 3 * HOUR)

    # once it has begun, only its end can be moved, and not into the past
    with pytest.raises(ConflictError, match="its end can still be moved"):
        await downtimes.edit_downtime(at(backend, 3.5), principal, downtime.id, starts_at=T0 + 3.8 * HOUR)
    with pytest.raises(InvalidInputError, match="what has passed was not planned"):
        await downtimes.edit_downtime(at(backend, 3.5), principal, downtime.id, ends_at=T0 + 3.2 * HOUR)
    assert window(await downtimes.edit_downtime(at(backend, 3.5), principal, downtime.id, ends_at=T0 + 5 * HOUR)) == (3, 5)
    with pytest.raises(ConflictError, match="It ended at"):
        await downtimes.edit_downtime(at(backend, 5), principal, downtime.id, ends_at=T0 + 6 * HOUR)


async def test_one_to_come_is_called_off_and_one_that_has_begun_ends(backend: Backend, ids: dict[str, uuid.UUID]) -> None:
    coming, running, principal = await planned(backend, ids, 2, 4), await planned(backend, ids, None, 4), user(ids["tenant"])
    off = await downtimes.cancel_downtime(at(backend, 1), principal, coming.id)
    assert (window(off), off.cancelled_at) == ((2, 4), T0 + HOUR)
    ended = await downtimes.cancel_downtime(at(backend, 1), principal, running.id)
    assert (window(ended), ended.cancelled_at) == ((0, 1), None)
    with pytest.raises(ConflictError, match="It was cancelled at"):
        await downtimes.cancel_downtime(at(backend, 1), principal, coming.id)
    with pytest.raises(ConflictError, match="It ended at"):
        await downtimes.cancel_downtime(at(backend, 1), principal, running.id)
    # what does not count does not overlap a period
    async with backend.database.snapshot(ids["tenant"]) as snapshot:
        assert len(await PlannedDowntimes(snapshot).where()) == 2


async def test_who_may(backend: Backend, ids: dict[str, uuid.UUID]) -> None:
    downtime = await planned(backend, ids, 2, 4)
    reader = user(ids["tenant"], Scope.FLEET_READ)
    with pytest.raises(ForbiddenError):
        await downtimes.cancel_downtime(at(backend, 0), reader, downtime.id)
    elsewhere = confined(ids["tenant"], await group_of(backend, ids["tenant"], charge_point_id=ids["CP-2"]), role=Role.INSTALLER)
    with pytest.raises(NotFoundError):
        await downtimes.cancel_downtime(at(backend, 0), elsewhere, downtime.id)
    with pytest.raises(NotFoundError):
        await downtimes.plan_downtime(at(backend, 0), elsewhere, [ids["CP-1"]], ends_at=T0 + HOUR, reason="x")
