"""Without a link, a station of 2.1 follows what it was told for a while and then its fall-back, whatever its clock says."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ampyard.connect.options import ConnectOptions
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.charging_profiles import making
from ampyard.domain.clocks import clock_is_right
from ampyard.services.backend import Backend
from ampyard.services.power import tick
from ampyard.simulator import run
from tests.connect.points import Point, eventually, new_point, serving
from tests.connect.test_charging_profiles import charging, draws, fleet_of, give, told
from tests.simulator.conftest import fast_options, running

_OPTIONS = ConnectOptions(boot_grace_s=0.3)
_HORIZON_S = 6.0
_WRONG = timedelta(minutes=10)


class Link:
    """A connect process that can be away."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._stack = AsyncExitStack()
        self.port = 0

    async def up(self) -> None:
        self.port = (await self._stack.enter_async_context(serving(self._backend, _OPTIONS, self.port))).port

    async def down(self) -> None:
        await self._stack.aclose()


async def drawn_since(point: Point, moment: datetime, *, until: datetime) -> list[tuple[datetime, float]]:
    """Return (when, kW) of what was measured since a moment, by the right clock, once it is known for up to another."""
    drawn: list[tuple[datetime, float]] = []

    async def known() -> bool:
        drawn[:] = [
            (sample.sampled_at - _WRONG, sample.value / 1000)
            for sample in await point.samples()
            if sample.measurand == "Power.Active.Import" and sample.sampled_at - _WRONG > moment
        ]
        return any(at > until for at, _ in drawn)

    await eventually(known, patience_s=15.0)
    return drawn


@pytest.mark.parametrize("version", [OcppVersion.V201, OcppVersion.V21])
async def test_a_limit_ends_without_a_link_and_is_sent_again_with_it(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: OcppVersion
) -> None:
    # given a clock that is wrong, and a limit above the fall-back
    monkeypatch.setattr(making, "HORIZON", timedelta(seconds=_HORIZON_S))
    monkeypatch.setattr(run, "_utc_now", lambda: datetime.now(UTC) + _WRONG)
    minds = version is OcppVersion.V21
    point, link = await new_point(backend, version), Link(backend)
    await link.up()
    async with running(fast_options(f"ws://127.0.0.1:{link.port}/ocpp", fleet_of(point, tmp_path))):
        try:
            await charging(point, clock_is_right=False)
            assert not clock_is_right(await point.charge_point(), backend.clock())
            command = await give(point, 11.04)
            evse = await told(point, command)
            assert command is not None
            assert command.payload["profile"]["max_offline_s"] == (_HORIZON_S if minds else None)
            assert command.payload["profile"]["start_at"] is None
            assert (evse.fallback_kw, evse.in_force) == (4.14, evse.told)
            await draws(point, 11.04)

            # when the link is lost for less, nothing changes
            lost_at = datetime.now(UTC)
            await link.down()
            await asyncio.sleep(0.5)
            await link.up()
            assert {kw for _, kw in await drawn_since(point, lost_at, until=datetime.now(UTC))} == {11.04}
            assert (await point.evses())[0].told is None
            # what it obeys after a time away is not known, so that the same is sent again
            await told(point, await give(point, 11.04))

            # when it is lost for longer
            lost_at = datetime.now(UTC)
            await link.down()
            lost_by = datetime.now(UTC)
            await asyncio.sleep(_HORIZON_S + 1.0)
            await link.up()

            # then it has followed the limit for so long, and its fall-back since, with the link as well
            over_by = lost_by + timedelta(seconds=_HORIZON_S + 0.5)
            drawn = await drawn_since(point, lost_at, until=datetime.now(UTC) + timedelta(seconds=0.5))
            assert {kw for at, kw in drawn if at < lost_at + timedelta(seconds=_HORIZON_S)} == {11.04}
            assert {kw for at, kw in drawn if at > over_by} == ({4.14} if minds else {11.04})
            # it was never counted for less than it might draw, and the next step tells it again
            counted = (await point.evses())[0].in_force
            assert counted is not None
            assert [step.kw for step in counted.steps] == [11.04]
            charge_point = await point.charge_point()
            await tick(backend, point.tenant_id, charge_point.depot_id)
            await draws(point, 22.0)
        finally:
            await link.down()
