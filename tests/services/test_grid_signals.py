"""Limits from outside, entered by hand: they count at once wherever limits do, end by themselves, and leave records."""

from datetime import timedelta
from typing import Any

import pytest

from ampyard.domain.access import Scope
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.grid_signals import GridSignal, SignalState
from ampyard.domain.ids import new_id
from ampyard.domain.supply import LimitSource, effective_limit
from ampyard.repositories.grid_signals import limits_of_depot
from ampyard.repositories.supply import Supply
from ampyard.services.backend import Backend
from ampyard.services.grid_signals import NewGridSignal, set_grid_signal, withdraw_grid_signal
from tests.fleet import user
from tests.services.supplied import FALLBACKS_KW, HOUR, NOW, Site, new_site


@pytest.fixture
async def site(backend: Backend) -> Site:
    return await new_site(backend)


async def told(
    site: Site, limit_kw: float | None = 80.0, node: str = "Grid", *, begin: float = 0.0, end: float = 1.0, **more: Any
) -> GridSignal:
    wanted = NewGridSignal(
        (await site.node(node)).id, NOW + begin * HOUR, NOW + end * HOUR, limit_kw, more.get("limit_a"), "The DSO called"
    )
    return await set_grid_signal(site.backend, site.who, wanted)


async def limit_kw(site: Site, hours: float = 0.0, node: str = "Grid") -> float:
    later = site.at(NOW + hours * HOUR)
    return (await later.power(node)).limit_kw


async def test_a_limit_counts_from_its_begin_to_its_end_and_is_restored_without_a_job(site: Site) -> None:
    await told(site, begin=1, end=2)
    assert [await limit_kw(site, hours) for hours in (0.0, 1.0, 1.9, 2.0)] == [200.0, 80.0, 80.0, 200.0]


async def test_it_is_audited_told_and_planned(site: Site) -> None:
    signal = await told(site)
    ((action, detail),) = await site.audited()
    assert (action, detail["limit_kw"], detail["reason"]) == ("grid_signal.set", 80.0, "The DSO called")
    assert ("depot.updated", site.depot_id) in await site.events()
    assert signal.author == site.who.author


async def test_everybody_who_asks_for_the_limit_sees_the_same(site: Site) -> None:
    signal = await told(site)
    grid = await site.node("Grid")
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        (state,) = (it for it in await Supply(snapshot).of_depot(site.depot_id, at=NOW) if it.node.id == grid.id)
        ahead = await limits_of_depot(snapshot, site.depot_id, at=NOW)
    assert (state.limit(NOW).source, state.limit(NOW).signal_id) == (LimitSource.GRID_SIGNAL, signal.id)
    assert effective_limit(grid, [], NOW, "Europe/Berlin", ahead[grid.id]) == state.limit(NOW)
    assert set(ahead) == {grid.id}


async def test_several_exceptions_and_signals_at_a_time_are_read_once_each(site: Site) -> None:
    for limit in (90.0, 70.0, 80.0):
        await told(site, limit)
    grid = await site.node("Grid")
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        state = (await Supply(snapshot).states([grid.id], at=NOW))[grid.id]
    assert sorted(signal.limit_kw or 0 for signal in state.grid.signals) == [70.0, 80.0, 90.0]
    assert state.limit(NOW).limit_kw == 70.0


async def test_a_current_counts_as_the_power_it_makes(site: Site) -> None:
    await told(site, None, limit_a=100.0)
    assert await limit_kw(site) == pytest.approx(69.0)


async def test_a_limit_below_the_fall_backs_is_taken_and_says_by_how_much_they_exceed_it(site: Site) -> None:
    assert (await told(site, 20.0)).excess_kw == pytest.approx(FALLBACKS_KW - 20.0)
    assert (await told(site, FALLBACKS_KW)).excess_kw is None
    assert await limit_kw(site) == 20.0


async def test_one_that_is_withdrawn_counts_no_longer(site: Site) -> None:
    signal = await told(site)
    withdrawn = await withdraw_grid_signal(site.backend, site.who, signal.id)
    assert withdrawn.state(NOW) is SignalState.WITHDRAWN
    assert await limit_kw(site) == 200.0
    assert [action for action, _ in await site.audited()] == ["grid_signal.set", "grid_signal.withdraw"]


async def test_what_is_over_cannot_be_withdrawn(site: Site) -> None:
    signal = await told(site)
    later = site.at(NOW + HOUR)
    before = await site.everything()
    with pytest.raises(ConflictError, match="It is EXPIRED since 2026-11-02T09:00"):
        await withdraw_grid_signal(later.backend, site.who, signal.id)
    assert await site.everything() == before


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"ends_at": NOW}, InvalidInputError, "is in the past; now is"),
        ({"begins_at": NOW + 2 * HOUR}, InvalidInputError, "would never be in force"),
        ({"limit_kw": None}, InvalidInputError, "limits nothing"),
        ({"reason": " "}, InvalidInputError, "Give a reason of 1 to 500 characters"),
        ({"power_node_id": new_id()}, NotFoundError, "There is no such power node"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    site: Site, change: dict[str, Any], error: type[DomainError], said: str
) -> None:
    wanted = {
        "power_node_id": (await site.node("Grid")).id,
        "begins_at": None,
        "ends_at": NOW + HOUR,
        "limit_kw": 80.0,
        "limit_a": None,
        "reason": "Because",
    }
    before = await site.everything()
    with pytest.raises(error, match=said):
        await set_grid_signal(site.backend, site.who, NewGridSignal(**(wanted | change)))
    assert await site.everything() == before


async def test_who_may_not_change_depots_sets_no_limit(site: Site) -> None:
    before = await site.everything()
    wanted = NewGridSignal((await site.node("Grid")).id, None, NOW + timedelta(hours=1), 80.0, None, "Because")
    with pytest.raises(ForbiddenError, match="depots:write"):
        await set_grid_signal(site.backend, user(site.tenant_id, Scope.FLEET_READ), wanted)
    assert await site.everything() == before
