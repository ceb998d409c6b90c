"""What is odd is flagged while charge points report, kept once, and decided on by a person."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.access import Principal, PrincipalKind, Scope
from ampyard.domain.anomalies import Anomaly, AnomalyKind, Resolution
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.transactions import StopReason
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.transactions import Transactions
from ampyard.services import charge_points, transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.transactions import Report
from ampyard.services.transactions.anomalies import resolve_anomaly, sweep_silent
from ampyard.services.transactions.corrections import NewCorrection, correct_transaction
from tests.charging import charge, finish, measure, station_of
from tests.fleet import new_fleet, user

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


async def new_station(backend: Backend) -> Station:
    return await station_of(backend, (await new_fleet(backend)).tenant_id)


async def anomalies(backend: Backend, cp: Station) -> list[Anomaly]:
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        return await Anomalies(snapshot).where(order_by=[Anomalies.table.c.id])


async def kinds(backend: Backend, cp: Station) -> list[tuple[AnomalyKind, uuid.UUID | None]]:
    return sorted((anomaly.kind, anomaly.transaction_id) for anomaly in await anomalies(backend, cp))


async def test_a_charging_as_it_should_be_has_none(backend: Backend) -> None:
    cp = await new_station(backend)
    await charge(backend, cp, (at(0), 1000.0), (at(10), 2000.0), (at(20), 3000.0), end=(at(30), 3000.0))
    await charge(backend, cp, (at(30), 3000.0), (at(40), 4000.0))
    assert await anomalies(backend, cp) == []


async def test_a_meter_that_goes_back_is_flagged_once_while_nobody_has_looked(backend: Backend) -> None:
    cp = await new_station(backend)
    running = await charge(backend, cp, (at(0), 1000.0), (at(10), 2000.0), (at(20), 1500.0), (at(30), 1600.0))
    (first,) = await anomalies(backend, cp)
    assert (first.kind, first.transaction_id, first.charge_point_id) == (AnomalyKind.METER_BACKWARDS, running.id, cp.charge_point_id)
    assert first.detail == {"at": at(20).isoformat(), "register_wh": 1500.0, "before_wh": 2000.0}

    await resolve_anomaly(backend, user(cp.tenant_id), first.id, Resolution.ACCEPT_AS_MEASURED)
    await measure(backend, cp, running.ocpp_transaction_id, [(at(20), 1500.0)])
    assert len(await anomalies(backend, cp)) == 1, "it was decided on"
    await measure(backend, cp, running.ocpp_transaction_id, [(at(40), 1700.0)])
    assert len(await anomalies(backend, cp)) == 2, "this is new"


async def test_an_end_without_energy_is_flagged(backend: Backend) -> None:
    cp = await new_station(backend)
    ended = await charge(backend, cp, (at(0), 1000.0), end=(at(30), 1000.0))
    await finish(backend, cp, ended, (at(30), 1000.0))
    assert await kinds(backend, cp) == [(AnomalyKind.ZERO_ENERGY, ended.id)]


async def test_more_energy_than_the_evse_can_deliver_is_flagged(backend: Backend) -> None:
    cp = await new_station(backend)
    running = await charge(backend, cp, (at(0), 0.0), (at(10), 50_000.0), (at(20), 90_000.0))
    assert await kinds(backend, cp) == [(AnomalyKind.IMPLAUSIBLE_ENERGY, running.id)]


@pytest.mark.parametrize(("begins", "offline", "odd"), [(True, True, True), (False, False, True), (True, False, False)])
async def test_a_begin_that_is_not_known_is_flagged(backend: Backend, *, begins: bool, offline: bool, odd: bool) -> None:
    cp = await new_station(backend)
    report = Report(at=at(0), evse_no=1, ocpp_transaction_id="tx", id_tag="TAG-1", begins=begins, offline=offline)
    begun = (await transactions.start(backend, cp, report)).transaction
    assert begun.begin_register_missing == odd
    assert await kinds(backend, cp) == ([(AnomalyKind.MISSING_BEGIN_REGISTER, begun.id)] if odd else [])


async def test_a_transaction_the_evse_started_anew_upon_never_ended_until_its_end_comes(backend: Backend) -> None:
    cp = await new_station(backend)
    lost = await charge(backend, cp, (at(0), 0.0), (at(10), 1000.0))
    await charge(backend, cp, (at(60), 5000.0))
    (flagged,) = await anomalies(backend, cp)
    assert (flagged.kind, flagged.transaction_id, flagged.resolution) == (AnomalyKind.NEVER_ENDED, lost.id, None)

    ended = (await finish(backend, cp, lost, (at(30), 3000.0))).transaction
    (resolved,) = await anomalies(backend, cp)
    assert ended.stop_reason == StopReason.LOCAL
    assert (resolved.resolution, resolved.resolved_by) == (Resolution.ACCEPT_AS_MEASURED, "system:CP-1")


async def test_transactions_that_overlap_on_an_evse_are_flagged(backend: Backend) -> None:
    cp = await new_station(backend)
    first = await charge(backend, cp, (at(0), 0.0), (at(10), 1000.0), end=(at(60), 3000.0))
    late = await charge(backend, cp, (at(30), 3000.0), (at(40), 3500.0), end=(at(90), 4000.0))
    (found,) = await anomalies(backend, cp)
    assert (found.kind, found.transaction_id) == (AnomalyKind.OVERLAP, late.id)
    assert found.detail["transaction_id"] == str(first.id)


async def test_silence_is_swept_up_while_the_charge_point_is_on_the_line(backend: Backend) -> None:
    # given a transaction of which nothing is heard for a day, at a charge point that is there
    cp = await new_station(backend)
    early = replace(backend, clock=lambda: T0)
    await charge_points.connected(early, cp, OcppVersion.V16)
    running = await charge(early, cp, (at(0), 0.0), (at(10), 1000.0))
    soon = replace(backend, clock=lambda: T0 + timedelta(hours=23))
    later = replace(backend, clock=lambda: T0 + timedelta(hours=25))

    await sweep_silent(soon)
    assert await anomalies(backend, cp) == []
    assert await sweep_silent(later) >= 1
    await sweep_silent(later)
    assert await kinds(backend, cp) == [(AnomalyKind.NEVER_ENDED, running.id)]


async def test_an_unknown_end_is_an_anomaly_of_its_charge_point(backend: Backend) -> None:
    cp = await new_station(backend)
    report = Report(at=at(0), ocpp_transaction_id="4711", register_wh=9000.0, stop_reason="Local")
    for _ in range(2):
        await transactions.keep_unknown_end(backend, cp, report)
    (found,) = await anomalies(backend, cp)
    assert (found.kind, found.transaction_id, found.charge_point_id) == (AnomalyKind.UNKNOWN_END, None, cp.charge_point_id)
    assert found.detail["ocpp_transaction_id"] == "4711"

    with pytest.raises(ConflictError, match="correct it first"):
        await resolve_anomaly(backend, user(cp.tenant_id), found.id, Resolution.CORRECTED)
    resolved = await resolve_anomaly(backend, user(cp.tenant_id), found.id, Resolution.NOT_BILLED, note="A test bench.")
    assert (resolved.resolution, resolved.resolved_by, resolved.note) == (Resolution.NOT_BILLED, "user:tester", "A test bench.")


async def test_an_anomaly_is_decided_on_once_and_by_those_who_may(backend: Backend) -> None:
    cp = await new_station(backend)
    ended = await charge(backend, cp, (at(0), 1000.0), end=(at(30), 1000.0))
    (found,) = await anomalies(backend, cp)
    viewer = Principal(cp.tenant_id, "viewer", PrincipalKind.USER, frozenset({Scope.FLEET_READ}))
    somebody = user(cp.tenant_id)

    with pytest.raises(ForbiddenError):
        await resolve_anomaly(backend, viewer, found.id, Resolution.NOT_BILLED)
    with pytest.raises(NotFoundError, match="no such anomaly"):
        await resolve_anomaly(backend, somebody, uuid.uuid4(), Resolution.NOT_BILLED)
    with pytest.raises(InvalidInputError, match="501 characters; 500 at most"):
        await resolve_anomaly(backend, somebody, found.id, Resolution.NOT_BILLED, note="x" * 501)
    with pytest.raises(ConflictError, match="correct it first"):
        await resolve_anomaly(backend, somebody, found.id, Resolution.CORRECTED)
    assert await anomalies(backend, cp) == [found]

    await correct_transaction(backend, somebody, NewCorrection(ended.id, "The meter stood still.", energy_wh=700.0))
    resolved = await resolve_anomaly(backend, somebody, found.id, Resolution.CORRECTED)
    with pytest.raises(ConflictError, match=r"was resolved at .* by user:tester as CORRECTED; that stands"):
        await resolve_anomaly(backend, somebody, found.id, Resolution.NOT_BILLED)
    assert await anomalies(backend, cp) == [resolved]
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        assert (await Transactions(snapshot).where())[0].energy_wh == 0.0, "what was measured stays"
