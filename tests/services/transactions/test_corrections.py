"""Corrections stand beside what was measured; a stuck transaction is closed without touching its registers."""

import math
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from ampyard.domain.access import Principal, Scope
from ampyard.domain.anomalies import Resolution
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.corrections import Correction, effective
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.transactions import StopReason, Transaction, TransactionState
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.tables import audit_record, transaction, transaction_correction
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import charge_points
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.transactions.anomalies import sweep_silent
from ampyard.services.transactions.corrections import NewCorrection, close_transaction, correct_transaction, void_correction
from tests.charging import charge, finish, station_of
from tests.fleet import new_fleet, user

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


async def new_station(backend: Backend) -> Station:
    return await station_of(backend, (await new_fleet(backend)).tenant_id)


async def corrections(backend: Backend, cp: Station) -> list[Correction]:
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        return await Corrections(snapshot).where(order_by=[Corrections.table.c.id])


async def stored(backend: Backend, cp: Station, transaction_id: uuid.UUID) -> Transaction:
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        found = await Transactions(snapshot).by_id(transaction_id)
    assert found is not None
    return found


async def test_a_correction_is_a_new_record_and_the_newest_counts(backend: Backend) -> None:
    cp = await new_station(backend)
    ended = await charge(backend, cp, (at(0), 0.0), end=(at(60), 5000.0))
    before = await stored(backend, cp, ended.id)
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        other = next(v for v in await Vehicles(snapshot).where() if v.id != ended.vehicle_id)

    first = await correct_transaction(backend, user(cp.tenant_id), NewCorrection(ended.id, " Meter broken. ", energy_wh=4000.0))
    second = await correct_transaction(backend, user(cp.tenant_id), NewCorrection(ended.id, "Wrong card.", vehicle_id=other.id))

    known = await corrections(backend, cp)
    assert known == [first, second]
    assert (first.reason, first.author) == ("Meter broken.", "user:tester")
    counts = effective(before, known)
    assert (counts.energy_wh, counts.vehicle_id) == (5000.0, other.id)
    # the measured row is as it was, but that its cost is to be worked out
    after = await stored(backend, cp, ended.id)
    assert after == replace(before, cost_due=True)

    void = await void_correction(backend, user(cp.tenant_id), second.id, reason="It was the right one.")
    assert void.voids_id == second.id
    assert effective(before, await corrections(backend, cp)).energy_wh == 4000.0
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        actions = [row.action for row in await snapshot.fetch(select(audit_record.c.action).where(audit_record.c.target_id == ended.id))]
    assert sorted(actions) == ["transaction.correct", "transaction.correct", "transaction.void_correction"]


async def test_nobody_can_change_a_correction(backend: Backend) -> None:
    cp = await new_station(backend)
    ended = await charge(backend, cp, (at(0), 0.0), end=(at(60), 5000.0))
    await correct_transaction(backend, user(cp.tenant_id), NewCorrection(ended.id, "Meter broken.", energy_wh=4000.0))
    for statement in (transaction_correction.update().values(energy_wh=1.0), transaction_correction.delete()):
        async with backend.unit_of_work(user(cp.tenant_id)) as work:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await work.session.execute(statement)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "Nothing is corrected"),
        ({"energy_wh": -1.0}, "The energy is -1.0 Wh; give 0 or more"),
        ({"energy_wh": math.inf}, "The energy is inf Wh"),
        ({"energy_wh": 1.0, "reason": "  "}, "say why"),
        ({"energy_wh": 1.0, "reason": "x" * 501}, "has 501 characters"),
        ({"started_at": at(30), "ended_at": at(20)}, "before it begins"),
        ({"ended_at": datetime(2100, 1, 1, tzinfo=UTC)}, "in the future"),
    ],
)
async def test_what_cannot_be_is_refused(backend: Backend, wanted: dict[str, Any], words: str) -> None:
    cp = await new_station(backend)
    ended = await charge(backend, cp, (at(0), 0.0), end=(at(60), 5000.0))
    with pytest.raises(InvalidInputError, match=words):
        await correct_transaction(backend, user(cp.tenant_id), NewCorrection(**{"transaction_id": ended.id, "reason": "Why.", **wanted}))
    assert await corrections(backend, cp) == []


async def test_corrections_that_contradict_what_is_are_refused(backend: Backend) -> None:
    cp = await new_station(backend)
    running = await charge(backend, cp, (at(0), 0.0), (at(10), 500.0))
    me = user(cp.tenant_id)

    def refused(error: type[Exception], words: str) -> Any:
        return pytest.raises(error, match=words)

    with refused(ConflictError, "still runs"):
        await correct_transaction(backend, me, NewCorrection(running.id, "Why.", energy_wh=1.0))
    with refused(NotFoundError, "no such transaction"):
        await correct_transaction(backend, me, NewCorrection(uuid.uuid4(), "Why.", energy_wh=1.0))
    with refused(NotFoundError, "no such vehicle"):
        await correct_transaction(backend, me, NewCorrection(running.id, "Why.", vehicle_id=uuid.uuid4()))
    with refused(ForbiddenError, "transactions:correct"):
        await correct_transaction(backend, user(cp.tenant_id, Scope.FLEET_READ), NewCorrection(running.id, "Why.", energy_wh=1.0))
    with refused(NotFoundError, "no such correction"):
        await void_correction(backend, me, uuid.uuid4(), reason="Why.")
    assert await corrections(backend, cp) == []

    first = await correct_transaction(backend, me, NewCorrection(running.id, "Earlier.", started_at=at(-5)))
    void = await void_correction(backend, me, first.id, reason="No.")
    with refused(ConflictError, "taken back already"):
        await void_correction(backend, me, first.id, reason="No.")
    with refused(ConflictError, "make it anew"):
        await void_correction(backend, me, void.id, reason="Yes.")
    assert await corrections(backend, cp) == [first, void]


async def test_a_stuck_transaction_is_closed_by_hand_and_its_evse_is_free(backend: Backend) -> None:
    # given a transaction that ended in silence, its EVSE limited
    cp = await new_station(backend)
    stuck = await charge(backend, cp, (at(0), 0.0), (at(10), 1000.0))
    await charge(backend, cp, (at(20), 0.0), (at(30), 1000.0), end=(at(40), 1000.0), evse_no=1, id_tag="TAG-2")
    stuck = await charge(backend, cp, (at(50), 1000.0), (at(60), 2000.0))
    wanted = NewCorrection(stuck.id, "The cable is in the vehicle shed.", energy_wh=1500.0, ended_at=at(75))

    closed = await close_transaction(backend, user(cp.tenant_id), wanted)

    after = await stored(backend, cp, stuck.id)
    assert (after.state, after.stop_reason_kind) == (TransactionState.ENDED, StopReason.CLOSED_BY_HAND)
    assert (after.energy_wh, after.meter_wh) == (1000.0, 2000.0)
    assert closed.id == stuck.id
    (correction,) = await corrections(backend, cp)
    assert (correction.energy_wh, correction.ended_at) == (1500.0, at(75))
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        assert stuck.evse_id not in await Transactions(snapshot).active_of_evses([stuck.evse_id])
        assert (await Evses(snapshot).by_ids([stuck.evse_id]))[stuck.evse_id].limit_kw is None

    # ... and the charge point's own end, should it come, is kept as measured; the correction goes on counting
    late = (await finish(backend, cp, stuck, (at(80), 2600.0))).transaction
    assert (late.stop_reason, late.energy_wh) == ("Local", 1600.0)
    assert effective(late, await corrections(backend, cp)).energy_wh == 1500.0
    with pytest.raises(ConflictError, match="has ended; correct it instead"):
        await close_transaction(backend, user(cp.tenant_id), wanted)


async def test_closing_resolves_that_it_never_ended(backend: Backend) -> None:
    cp = await new_station(backend)
    early = replace(backend, clock=lambda: T0)
    await charge_points.connected(early, cp, OcppVersion.V16)
    stuck = await charge(early, cp, (at(0), 0.0), (at(10), 1000.0))
    later = replace(backend, clock=lambda: T0 + timedelta(hours=25))
    await sweep_silent(later)
    await close_transaction(later, user(cp.tenant_id), NewCorrection(stuck.id, "Gone."))
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        (anomaly,) = await Anomalies(snapshot).where()
    assert (anomaly.resolution, anomaly.resolved_by, anomaly.note) == (Resolution.CORRECTED, "user:tester", "Gone.")


async def test_one_that_is_alive_is_stopped_and_not_closed(backend: Backend) -> None:
    cp = await new_station(backend)
    await charge_points.connected(backend, cp, OcppVersion.V16)
    running = await charge(backend, cp, (at(0), 0.0), (at(10), 1000.0))
    wanted = NewCorrection(running.id, "Why not.")
    refusals: list[tuple[Principal, type[Exception], str, Callable[[], NewCorrection]]] = [
        (user(cp.tenant_id), ConflictError, "stop it instead", lambda: wanted),
        (user(cp.tenant_id), NotFoundError, "no such transaction", lambda: replace(wanted, transaction_id=uuid.uuid4())),
        (user(cp.tenant_id, Scope.TRANSACTIONS_CONTROL), ForbiddenError, "transactions:correct", lambda: wanted),
    ]
    for principal, error, words, asked in refusals:
        with pytest.raises(error, match=words):
            await close_transaction(backend, principal, asked())
    await charge_points.disconnected(backend, cp)
    with pytest.raises(InvalidInputError, match="before it begins"):
        await close_transaction(backend, user(cp.tenant_id), replace(wanted, ended_at=at(-1)))
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        states = [row.state for row in await snapshot.fetch(select(transaction.c.state))]
    assert states == [TransactionState.ACTIVE]
    assert await corrections(backend, cp) == []
