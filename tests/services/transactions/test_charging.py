"""What charge points report becomes transactions; a repetition changes nothing."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Text, column, select, text

from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.errors import NotFoundError
from ampyard.domain.id_tags import Authorization
from ampyard.domain.transactions import Measurand, Reading, StopReason, Transaction, TransactionState
from ampyard.repositories.partitions import make_partitions
from ampyard.repositories.tables import audit_record
from ampyard.repositories.transactions import MeterSamples, Transactions
from ampyard.services import charge_points, transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.transactions import Report
from tests.fleet import new_fleet

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


async def station(backend: Backend, identity: str = "CP-1") -> Station:
    seeded = await new_fleet(backend, password=f"pw-{uuid.uuid4()}")
    async with backend.database.system_snapshot() as snapshot:
        from ampyard.repositories.directory import Directory

        login = next(x for x in await Directory(snapshot).charge_point_logins(identity) if x.tenant_id == seeded.tenant_id)
    found = Station(login.tenant_id, login.charge_point_id, identity, uuid.uuid4())
    await charge_points.connected(backend, found, OcppVersion.V16)
    return found


async def all_of(backend: Backend, at: Station) -> list[Transaction]:
    async with backend.database.snapshot(at.tenant_id) as snapshot:
        return await Transactions(snapshot).where()


def energy(at: datetime, wh: float) -> Reading:
    return Reading(at, Measurand.ENERGY_REGISTER, wh, "Wh")


async def test_a_transaction_runs_from_start_to_stop(backend: Backend) -> None:
    cp = await station(backend)
    start = Report(at=T0, evse_no=1, connector_no=1, id_tag="tag-1", register_wh=1000.0)

    started = await transactions.start(backend, cp, start)
    ocpp_id = started.transaction.ocpp_transaction_id
    later = T0 + timedelta(minutes=5)
    power = Reading(later, Measurand.POWER_IMPORT, 11.0, "kW")
    await transactions.measured(backend, cp, 1, [energy(later, 1900.0), power], ocpp_transaction_id=ocpp_id)
    (running,) = await all_of(backend, cp)
    ended = await transactions.end(
        backend, cp, Report(at=T0 + timedelta(minutes=10), ocpp_transaction_id=ocpp_id, register_wh=2800.0, stop_reason="EVDisconnected")
    )

    assert started.authorization is Authorization.ACCEPTED
    assert started.transaction.vehicle_id is not None
    assert (running.energy_wh, running.power_kw, running.measured_at) == (900.0, 11.0, later)
    assert ended.transaction.state is TransactionState.ENDED
    assert (ended.transaction.energy_wh, ended.transaction.power_kw, ended.transaction.stop_reason) == (1800.0, 0.0, "EVDisconnected")
    assert await all_of(backend, cp) == [replace(ended.transaction, updated_at=(await all_of(backend, cp))[0].updated_at)]


async def test_repeated_messages_change_nothing_twice(backend: Backend) -> None:
    cp = await station(backend)
    start = Report(at=T0, evse_no=1, id_tag="TAG-1", register_wh=1000.0)
    first = await transactions.start(backend, cp, start)
    again = await transactions.start(backend, cp, start)
    ocpp_id = first.transaction.ocpp_transaction_id
    readings = [energy(T0 + timedelta(seconds=10), 1100.0)]
    for _ in range(2):
        await transactions.measured(backend, cp, 1, readings, ocpp_transaction_id=ocpp_id)
    stop = Report(at=T0 + timedelta(minutes=1), ocpp_transaction_id=ocpp_id, register_wh=1200.0, stop_reason="Local")
    once = await transactions.end(backend, cp, stop)
    twice = await transactions.end(backend, cp, replace(stop, at=T0 + timedelta(minutes=2), stop_reason="Remote"))

    assert again.transaction.id == first.transaction.id
    (stored,) = await all_of(backend, cp)
    assert (stored.ended_at, stored.stop_reason, stored.energy_wh) == (once.transaction.ended_at, "Local", 200.0)
    assert twice.transaction.stop_reason == "Local"
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        assert await MeterSamples(snapshot).count() == 1


async def test_a_start_on_an_evse_whose_transaction_never_ended_closes_it(backend: Backend) -> None:
    cp = await station(backend)
    lost = await transactions.start(backend, cp, Report(at=T0, evse_no=1, id_tag="TAG-1", register_wh=0.0))
    await transactions.start(backend, cp, Report(at=T0 + timedelta(hours=1), evse_no=1, id_tag="TAG-2", register_wh=5000.0))

    stored = {t.id: t for t in await all_of(backend, cp)}
    assert len(stored) == 2
    assert (stored[lost.transaction.id].state, stored[lost.transaction.id].stop_reason) == (TransactionState.ENDED, StopReason.ABANDONED)

    # ... and the truth, should it come late, replaces the assumption
    report = Report(
        at=T0 + timedelta(minutes=50), ocpp_transaction_id=lost.transaction.ocpp_transaction_id, register_wh=5000.0, stop_reason="PowerLoss"
    )
    late = await transactions.end(backend, cp, report)
    assert (late.transaction.stop_reason, late.transaction.energy_wh) == ("PowerLoss", 5000.0)


async def test_an_unknown_tag_is_told_so_and_the_transaction_is_kept(backend: Backend) -> None:
    cp = await station(backend)
    outcome = await transactions.start(backend, cp, Report(at=T0, evse_no=1, id_tag="NOBODY", register_wh=0.0))

    assert outcome.authorization is Authorization.INVALID
    assert (outcome.transaction.id_tag, outcome.transaction.vehicle_id) == ("NOBODY", None)


async def test_an_unknown_evse_is_refused_and_nothing_is_kept(backend: Backend) -> None:
    cp = await station(backend)
    with pytest.raises(NotFoundError, match="CP-1 has no EVSE 7; known: 1"):
        await transactions.start(backend, cp, Report(at=T0, evse_no=7, id_tag="TAG-1", register_wh=0.0))
    assert await all_of(backend, cp) == []


async def test_the_meter_never_makes_energy_shrink(backend: Backend) -> None:
    cp = await station(backend)
    started = await transactions.start(backend, cp, Report(at=T0, evse_no=1, id_tag="TAG-1", register_wh=1000.0))
    ocpp_id = started.transaction.ocpp_transaction_id
    for second, register in ((10, 1500.0), (20, 1400.0)):
        await transactions.measured(backend, cp, 1, [energy(T0 + timedelta(seconds=second), register)], ocpp_transaction_id=ocpp_id)

    (stored,) = await all_of(backend, cp)
    assert stored.energy_wh == 500.0


async def test_the_end_of_an_unknown_transaction_is_kept_once(backend: Backend) -> None:
    cp = await station(backend)
    report = Report(at=T0, ocpp_transaction_id="-1", register_wh=4200.0, stop_reason="PowerLoss")
    with pytest.raises(NotFoundError, match="has no transaction -1"):
        await transactions.end(backend, cp, report)
    for _ in range(2):
        await transactions.keep_unknown_end(backend, cp, report)

    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        rows = await snapshot.fetch(select(audit_record.c.detail).where(audit_record.c.action == "transaction.unknown_end"))
    assert [(row.detail["register_wh"], row.detail["stop_reason"]) for row in rows] == [(4200.0, "PowerLoss")]


async def test_samples_from_ahead_of_their_month_move_into_it(backend: Backend) -> None:
    cp = await station(backend)
    ahead = (datetime.now(UTC) + timedelta(days=200)).replace(microsecond=0)
    await transactions.measured(backend, cp, 1, [energy(ahead, 7.0)], ocpp_transaction_id=None)

    async with backend.database.session(cp.tenant_id) as session:
        await make_partitions(session, months_ahead=8)
        await session.commit()

    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        kept = await snapshot.fetch(select(column("tableoid").cast(Text), *MeterSamples.columns()).select_from(MeterSamples.table))
        (name,) = await snapshot.fetch(text("SELECT relname FROM pg_class WHERE oid = :oid"), {"oid": int(kept[0][0])})
    assert [row.value for row in kept] == [7.0]
    assert name[0] == f"meter_sample_{ahead:%Y_%m}"
