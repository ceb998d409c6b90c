"""Limits on the wire, to a simulated charge point of each version: what it takes, what it obeys, and what it says that it obeys."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ampyard.connect.server import ConnectServer
from ampyard.domain.charge_points import Evse, OcppVersion
from ampyard.domain.charging_profiles import Ledger, Promise, Supplied
from ampyard.domain.commands import Command, CommandState
from ampyard.domain.limit_schedules import Schedule
from ampyard.domain.schedule_checks import ScheduleVerdict
from ampyard.domain.transactions import Transaction
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.settings import read_settings, write_settings
from ampyard.services import schedule_checks
from ampyard.services.backend import Backend
from ampyard.services.limits import give_limit, open_desk
from tests.connect.points import Point, eventually, new_point
from tests.connect.test_commands import outcome
from tests.fleet import user
from tests.simulator.conftest import fast_options, running

VERSIONS = pytest.mark.parametrize("version", OcppVersion)


def fleet_of(point: Point, folder: Path, **facts: Any) -> Path:
    """Write a fleet of this charge point alone, with a vehicle that wants 22 kW and whose tag is known."""
    charge_point = {
        "identity": point.identity,
        "password": point.password,
        "ocpp_version": point.version.value.removeprefix("ocpp"),
        "vendor": "Maker",
        "model": "Model",
        "serial_number": "S-1",
        "firmware_version": "1.0",
        "current_type": "AC",
        "fallback_kw": 4.2,
        "depot": "Yard",
        "evses": [{"evse_no": 1, "max_power_kw": 22.0, "phases": 3, "connector_type": "cType2"}],
    } | facts
    vehicle = {
        "name": "Van",
        "depot": "Yard",
        "id_tag": "TAG-1",
        "battery_kwh": 200.0,
        "max_ac_kw": 22.0,
        "max_dc_kw": 0.0,
        "initial_soc_percent": 10.0,
        "target_soc_percent": 90.0,
    }
    path = folder / "fleet.json"
    path.write_text(json.dumps({"charge_points": [charge_point], "vehicles": [vehicle]}))
    return path


async def charging(point: Point, *, clock_is_right: bool = True) -> Transaction:
    """Return the transaction, once it runs, and the charge point's clock, where it is right, and its smart charging are known."""

    async def ready() -> bool:
        open_now = await point.transactions()
        known = not clock_is_right or (await point.charge_point()).clock_at is not None
        async with point.backend.unit_of_work(user(point.tenant_id)) as work:
            desk = await open_desk(work, [await point.charge_point()])
        return bool(open_now) and known and desk.smart_charging[(await point.charge_point()).id].periods is not None

    await eventually(ready, patience_s=15.0)
    return (await point.transactions())[0]


async def give(point: Point, limit_kw: float, ahead: Mapping[datetime, float] | None = None, room_kw: float = 100.0) -> Command | None:
    """Give the limit of what runs there, and what comes after it, below a node with room for so much."""
    (transaction,) = await point.transactions()
    async with point.backend.unit_of_work(user(point.tenant_id)) as work:
        charge_point = await point.charge_point()
        ((evse, in_force_kw),) = await Evses(work.session).locked_of([charge_point.id], at=work.now)
        node = Supplied(charge_point.power_node_id, None, Schedule.constant(room_kw, work.now))
        ledger = Ledger([node], [Promise(evse.id, node.id, evse.fallback_kw, evse.in_force)], now=work.now)
        desk = await open_desk(work, [charge_point], ledger)
        command = await give_limit(
            work, charge_point, evse, transaction, limit_kw, in_force_kw=in_force_kw, ahead=list((ahead or {}).items()), desk=desk
        )
        await work.commit()
    return command


async def told(point: Point, command: Command | None) -> Evse:
    """Return the EVSE once it has confirmed a limit."""
    assert command is not None
    assert await outcome(point, command.id) == (CommandState.ACCEPTED, "Accepted")
    return (await point.evses())[0]


async def draws(point: Point, kw: float) -> None:
    """Wait until that much is drawn."""

    async def drawn() -> bool:
        return abs((await point.transactions())[0].power_kw - kw) < 0.01

    await eventually(drawn, patience_s=15.0)


@VERSIONS
async def test_a_plan_is_followed_by_itself_and_read_back(
    server: ConnectServer, backend: Backend, tmp_path: Path, version: OcppVersion
) -> None:
    point = await new_point(backend, version)
    async with running(fast_options(f"ws://127.0.0.1:{server.port}/ocpp", fleet_of(point, tmp_path))):
        await charging(point)
        now = backend.clock().replace(microsecond=0)
        evse = await told(point, await give(point, 11.04, {now + timedelta(seconds=5): 8.28, now + timedelta(seconds=8): 16.56}))
        assert evse.told is not None
        assert [round(step.kw, 6) for step in evse.told.steps] == [11.04, 8.28, 16.56, evse.fallback_kw]
        await draws(point, 11.04)

        # the charge point follows without a word of ours
        await draws(point, 8.28)
        await draws(point, 16.56)

        checked = await schedule_checks.check_schedule(backend, user(point.tenant_id), evse.id)
        assert checked.check is not None
        assert checked.check.verdict is ScheduleVerdict.SAME
        assert [round(period.expected_kw, 6) for period in checked.check.periods] == [16.56, evse.fallback_kw]

        # told something else behind our back, it says so
        async with backend.unit_of_work(user(point.tenant_id)) as work:
            await work.change(Evses, evse.id, told=Schedule.constant(6.0, work.now))
            await work.commit()
        tampered = await schedule_checks.check_schedule(backend, user(point.tenant_id), evse.id)
        assert tampered.check is not None
        assert tampered.check.verdict is ScheduleVerdict.HIGHER

        # cleared, its fall-back holds
        command = await schedule_checks.clear_profiles(backend, user(point.tenant_id), evse.id)
        assert command.state is CommandState.ACCEPTED
        assert ((await point.evses())[0].limit_kw, (await point.evses())[0].told) == (None, None)
        await draws(point, evse.fallback_kw)


@VERSIONS
async def test_a_charger_is_told_in_what_it_takes(server: ConnectServer, backend: Backend, tmp_path: Path, version: OcppVersion) -> None:
    point = await new_point(backend, version)
    fleet = fleet_of(point, tmp_path, rate_units=["A"], max_periods=1, phase_rotation="STR")
    async with running(fast_options(f"ws://127.0.0.1:{server.port}/ocpp", fleet)):
        await charging(point)
        # 16 A on three phases, for as long as the first step of the plan lasts: it would refuse W, and more periods than one
        now = backend.clock().replace(microsecond=0)
        command = await give(point, 11.1, {now + timedelta(seconds=6): 22.0})
        evse = await told(point, command)
        assert command is not None
        assert (command.payload["profile"]["unit"], command.payload["profile"]["periods"]) == ("A", [[0, 16.0]])
        assert evse.told is not None
        assert [round(step.kw, 6) for step in evse.told.steps] == [11.04, evse.fallback_kw]
        await draws(point, 11.04)

        # then its fall-back holds, which was told in amperes as well, once it was known that it takes no W
        await draws(point, evse.fallback_kw)
        if version is OcppVersion.V16:
            assert evse.phase_rotation.value == "STR"


async def test_a_raise_waits_its_turn_and_a_reduction_never_does(server: ConnectServer, backend: Backend, tmp_path: Path) -> None:
    point = await new_point(backend)
    async with running(fast_options(f"ws://127.0.0.1:{server.port}/ocpp", fleet_of(point, tmp_path))):
        await charging(point)
        async with backend.unit_of_work(user(point.tenant_id)) as work:
            before = await read_settings(work.session, work.tenant_id)
            assert before.values.profile_interval_s == 60
            await write_settings(work.session, work.tenant_id, before.values, after=before.version, author="test", at=work.now)
            await work.commit()

        writes = (await told(point, await give(point, 8.0))).profile_writes
        # less than an ampere on three phases is not worth a write
        assert await give(point, 8.6) is None
        sent = 0
        for n in range(10):
            command = await give(point, 9.0 + n)
            if command is not None:
                await told(point, command)
                sent += 1
        assert sent == 5  # the first write was one of six
        evse = await told(point, await give(point, 5.0))
        assert (evse.limit_kw, evse.profile_writes) == (5.0, writes + 6)
        assert await give(point, 22.0) is None
        assert (await point.evses())[0].in_force == evse.in_force


async def test_what_is_promised_ahead_fits_the_node_above(server: ConnectServer, backend: Backend, tmp_path: Path) -> None:
    point = await new_point(backend)
    async with running(fast_options(f"ws://127.0.0.1:{server.port}/ocpp", fleet_of(point, tmp_path))):
        await charging(point)
        quarter = backend.clock().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        evse = await told(point, await give(point, 8.0, {quarter: 20.0}, room_kw=12.42))
        assert evse.told is not None
        assert max(step.kw for step in evse.told.steps) == pytest.approx(12.42)
        assert evse.told.at(quarter) == pytest.approx(12.42)
        async with backend.database.snapshot(point.tenant_id) as snapshot:
            (charge_point,) = await ChargePoints(snapshot).where()
        assert charge_point.clock_offset_s is not None
        assert abs(charge_point.clock_offset_s) < 5
