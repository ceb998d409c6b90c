"""An EVSE that says it obeys higher limits than it was told: until it says otherwise, or what it obeyed has ended."""

from datetime import timedelta

import pytest

from ampyard.domain.alerts import AlertKind, AlertState
from ampyard.domain.ids import new_id
from ampyard.domain.schedule_checks import ComparedPeriod, ScheduleCheck, ScheduleVerdict
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.schedule_checks import ScheduleChecks
from ampyard.services.backend import Backend
from tests.charging import charge, finish
from tests.services.alerts.watch import Watch, watch

SAME, LOWER, HIGHER, UNKNOWN = ScheduleVerdict.SAME, ScheduleVerdict.LOWER, ScheduleVerdict.HIGHER, ScheduleVerdict.UNKNOWN


@pytest.fixture
async def here(backend: Backend) -> Watch:
    here = await watch(backend)
    await here.rule(AlertKind.SCHEDULE_HIGHER)
    return here


async def answer(here: Watch, verdict: ScheduleVerdict, *obeyed_kw: float) -> None:
    """Have CP-1 answer what it obeys, of which 11 kW were told, a minute after what was before."""
    here.pass_time(minutes=1)
    async with here.backend.unit_of_work(here.admin) as work:
        (evse,) = (await Evses(work.session).of_charge_points([here.stations["CP-1"].charge_point_id])).popitem()[1]
        periods = tuple(
            ComparedPeriod(work.now + n * timedelta(hours=1), 11.0, kw, HIGHER if kw > 11.0 else SAME) for n, kw in enumerate(obeyed_kw)
        )
        check = ScheduleCheck(new_id(), work.tenant_id, evse.charge_point_id, evse.id, new_id(), verdict, periods, work.now)
        await work.add(ScheduleChecks, check)
        await work.commit()


@pytest.mark.parametrize("otherwise", [SAME, LOWER])
async def test_it_is_told_of_until_another_answer_takes_it_back(here: Watch, otherwise: ScheduleVerdict) -> None:
    transaction = await charge(here.backend, here.stations["CP-1"], (here.now, 0.0))
    await answer(here, SAME, 11.0)
    assert await here.look() == []
    await answer(here, HIGHER, 11.0, 16.0, 22.0)
    (alert,) = await here.look()
    assert (alert.target_id, alert.transaction_id, alert.vehicle_id) == (transaction.evse_id, transaction.id, transaction.vehicle_id)
    assert alert.summary == "EVSE 1 says that it obeys 22.0 kW, though it was told 11.0 kW"

    # An answer that tells nothing takes nothing back.
    await answer(here, UNKNOWN)
    assert [one.state for one in await here.look()] == [AlertState.OPEN]
    await answer(here, otherwise, 11.0)
    assert [one.state for one in await here.look()] == [AlertState.RESOLVED]


async def test_it_ends_with_the_transaction_and_says_nothing_of_the_next(here: Watch) -> None:
    transaction = await charge(here.backend, here.stations["CP-1"], (here.now, 0.0))
    await answer(here, HIGHER, 22.0)
    assert [one.state for one in await here.look()] == [AlertState.OPEN]
    here.pass_time(minutes=1)
    await finish(here.backend, here.stations["CP-1"], transaction, (here.now, 500.0))
    assert [one.state for one in await here.look()] == [AlertState.RESOLVED]
    await charge(here.backend, here.stations["CP-1"], (here.now, 500.0))
    assert [one.state for one in await here.look()] == [AlertState.RESOLVED]


async def test_an_idle_one_is_told_of_until_a_vehicle_comes(here: Watch) -> None:
    await answer(here, HIGHER, 22.0)
    (alert,) = await here.look()
    assert (alert.state, alert.transaction_id) == (AlertState.OPEN, None)
    here.pass_time(minutes=1)
    await charge(here.backend, here.stations["CP-1"], (here.now, 0.0))
    assert [one.state for one in await here.look()] == [AlertState.RESOLVED]
