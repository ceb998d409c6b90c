"""The supply tree: its nodes and their limits over time, each change audited, told and planned anew, each refusal without a trace."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ampyard.domain.access import Role, Scope
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.local_time import Weekday
from ampyard.domain.supply import LimitException, PowerNode, PowerNodeKind, WeeklyLimit
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.supply import LimitExceptions
from ampyard.repositories.unit_of_work import PLANNER_CHANNEL
from ampyard.services.backend import Backend
from ampyard.services.depots import create_depot
from ampyard.services.power_nodes import (
    NewLimitException,
    NewPowerNode,
    add_limit_exception,
    create_power_node,
    edit_power_node,
    move_power_node,
    remove_limit_exception,
    remove_power_node,
    set_weekly_limits,
)
from tests.fleet import user
from tests.grants import confined, group_of
from tests.services.supplied import FALLBACKS_KW, FALLBACKS_OF_FEEDER_2_KW, HOUR, NOW, Site, new_site
from tests.services.test_depots import NEW

NIGHT = WeeklyLimit(Weekday.MONDAY, 22 * 60, 24 * 60, 80.0, None)


@pytest.fixture
async def site(backend: Backend) -> Site:
    return await new_site(backend)


async def panel(site: Site, parent: str = "Grid", *, name: str = "Panel", **more: Any) -> PowerNode:
    wanted = NewPowerNode(site.depot_id, (await site.node(parent)).id, PowerNodeKind.PANEL, name, **({"limit_kw": 40.0} | more))
    return await create_power_node(site.backend, site.who, wanted)


async def lowered(site: Site, node: str, limit_kw: float, *, begin: timedelta = timedelta(), length: timedelta = HOUR) -> LimitException:
    begin_at = NOW + begin
    wanted = NewLimitException((await site.node(node)).id, begin_at, begin_at + length, limit_kw, None, "Works on the line")
    return await add_limit_exception(site.backend, site.who, wanted)


async def test_a_node_is_made_audited_told_and_planned(site: Site) -> None:
    async with site.backend.database.listen(PLANNER_CHANNEL) as heard:
        node = await panel(site, limit_a=63.0, unmanaged_fallback_kw=5.0)
        assert await asyncio.wait_for(heard.get(), 5.0) == (PLANNER_CHANNEL, f"{site.tenant_id}:{site.depot_id}")

    assert await site.node("Panel") == node
    ((action, detail),) = await site.audited()
    assert (action, detail["limit_a"], detail["depot_id"]) == ("power_node.create", 63.0, str(site.depot_id))
    assert ("depot.updated", site.depot_id) in await site.events()


async def test_a_limit_in_amperes_alone_makes_that_in_kw(site: Site) -> None:
    assert (await panel(site, limit_kw=None, limit_a=32.0)).limit_kw == pytest.approx(22.08)
    with pytest.raises(InvalidInputError, match="A power node needs a limit; give limitKw, limitA, or both"):
        await panel(site, name="Another", limit_kw=None)


async def test_each_depot_has_one_root_also_where_two_are_made_at_once(site: Site) -> None:
    depot = await create_depot(site.backend, site.who, NEW)
    wanted = [NewPowerNode(depot.id, None, PowerNodeKind.GRID_CONNECTION, f"Root {n}", 100.0) for n in range(2)]

    made = await asyncio.gather(*(create_power_node(site.backend, site.who, one) for one in wanted), return_exceptions=True)

    assert [type(one) for one in made if isinstance(one, Exception)] == [ConflictError]
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        assert len((await PowerNodes(snapshot).of_depots([depot.id]))[depot.id]) == 1


async def test_an_edit_tells_what_was_before(site: Site) -> None:
    grid = await site.node("Grid")
    edited = await edit_power_node(site.at(NOW + HOUR).backend, site.who, grid.id, limit_kw=180.0, limit_a=300.0)
    assert edited == await site.node("Grid") == replace(grid, limit_kw=180.0, limit_a=300.0, updated_at=NOW + HOUR)
    await edit_power_node(site.backend, site.who, grid.id, limit_a=None)
    ((action, detail),) = await site.audited()
    assert (action, detail) == ("power_node.edit", {"limit_a": None, "before": {"limit_a": 300.0}})


async def test_a_node_moves_with_all_below_it_but_not_below_itself_nor_the_root(site: Site) -> None:
    feeder_2, node = await site.node("Feeder 2"), await panel(site, "Feeder 1")
    moved = await move_power_node(site.backend, site.who, node.id, feeder_2.id)
    assert moved.parent_id == feeder_2.id
    before = await site.everything()
    grid = await site.node("Grid")
    for what, where, message in (
        (feeder_2.id, node.id, "hangs below Feeder 2 itself"),
        (grid.id, feeder_2.id, "Grid is the root of its depot and supplies all the others; it stays"),
    ):
        with pytest.raises(ConflictError, match=message):
            await move_power_node(site.backend, site.who, what, where)
    assert await site.everything() == before


async def test_two_moves_at_once_make_no_circle(site: Site) -> None:
    one, two = await panel(site, name="One"), await panel(site, name="Two")
    moves = (move_power_node(site.backend, site.who, a.id, b.id) for a, b in ((one, two), (two, one)))
    made = await asyncio.gather(*moves, return_exceptions=True)
    assert [type(it) for it in made if isinstance(it, Exception)] == [ConflictError]
    assert {(await site.node("One")).parent_id, (await site.node("Two")).parent_id} != {one.id, two.id}


async def test_only_a_node_on_which_nothing_hangs_is_removed(site: Site) -> None:
    node = await panel(site, "Feeder 1")
    await lowered(site, "Panel", 10.0)
    feeder, grid = await site.node("Feeder 1"), await site.node("Grid")
    for full, message in (
        (feeder, "1 power nodes and 2 charge points hang on Feeder 1"),
        (grid, "2 power nodes and 0 charge points hang on Grid"),
    ):
        with pytest.raises(ConflictError, match=f"{message}; move them elsewhere before it is removed"):
            await remove_power_node(site.backend, site.who, full.id)

    assert (await remove_power_node(site.backend, site.who, node.id)).id == site.depot_id

    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        assert await PowerNodes(snapshot).by_id(node.id) is None
        assert await LimitExceptions(snapshot).where() == []
    assert (await site.audited())[-1] == ("power_node.remove", {"name": "Panel", "depot_id": str(site.depot_id)})


async def test_weekly_limits_are_set_as_a_whole_in_order_of_the_week(site: Site) -> None:
    grid = await site.node("Grid")
    noon = WeeklyLimit(Weekday.SUNDAY, 11 * 60, 14 * 60, None, 250.0)

    set_ = await set_weekly_limits(site.backend, site.who, grid.id, [noon, NIGHT])

    assert set_.weekly_limits == (await site.node("Grid")).weekly_limits == (NIGHT, noon)
    ((action, detail),) = await site.audited()
    assert action == "power_node.set_weekly_limits"
    assert detail == {"weekly_limits": [[1, 1320, 1440, 80.0, None], [7, 660, 840, None, 250.0]], "before": {"weekly_limits": []}}
    # The same again leaves no trace; none at all takes them away.
    before = await site.everything()
    await set_weekly_limits(site.backend, site.who, grid.id, [NIGHT, noon])
    assert await site.everything() == before
    assert (await set_weekly_limits(site.backend, site.who, grid.id, [])).weekly_limits == ()


async def test_an_exception_counts_from_when_it_is_set_and_is_taken_back(site: Site) -> None:
    rule = await lowered(site, "Grid", 60.0)
    assert (rule.author, rule.reason) == ("user:tester", "Works on the line")
    assert (await site.power("Grid")).limit_kw == 60.0
    assert (await site.at(NOW + HOUR).power("Grid")).limit_kw == 200.0

    node = await remove_limit_exception(site.backend, site.who, rule.id)

    assert node == await site.node("Grid")
    assert (await site.power("Grid")).limit_kw == 200.0
    assert [action for action, _ in await site.audited()] == ["power_node.add_limit_exception", "power_node.remove_limit_exception"]


@pytest.mark.parametrize(
    ("wanted", "path", "message"),
    [
        ({"valid_until": NOW}, ("input", "validUntil"), "is in the past; now is"),
        ({"valid_from": NOW + 2 * HOUR}, ("input",), "would never be in force"),
        ({"limit_kw": None}, ("input",), "limits nothing"),
        ({"limit_kw": -1.0}, ("input",), "has the limit -1; give a number from 0 up"),
        ({"reason": "  "}, ("input", "reason"), "Give a reason of 1 to 500 characters"),
    ],
)
async def test_an_exception_that_says_nothing_is_refused(site: Site, wanted: dict[str, Any], path: tuple[str, ...], message: str) -> None:
    before = await site.everything()
    sound = NewLimitException((await site.node("Grid")).id, NOW, NOW + HOUR, 100.0, None, "Works")
    with pytest.raises(InvalidInputError, match=message) as refused:
        await add_limit_exception(site.backend, site.who, replace(sound, **wanted))
    assert refused.value.path == path
    assert await site.everything() == before


# No node is ever to be overloaded by fall-backs alone, by whatever change.


async def edit_grid(site: Site) -> object:
    return await edit_power_node(site.backend, site.who, (await site.node("Grid")).id, limit_kw=FALLBACKS_KW - 0.01)


async def limit_current(site: Site) -> object:
    # 35 A x 230 V x 3 = 24.15 kW, one phase less is 16.1 kW.
    return await edit_power_node(site.backend, site.who, (await site.node("Feeder 2")).id, limit_a=35.0, phases=2)


async def limit_week(site: Site) -> object:
    return await set_weekly_limits(site.backend, site.who, (await site.node("Grid")).id, [replace(NIGHT, limit_kw=38.0)])


async def limit_for_a_time(site: Site) -> object:
    return await lowered(site, "Grid", 38.0, begin=timedelta(days=200))


async def move_below_a_panel(site: Site) -> object:
    node = await panel(site.at(NOW - HOUR), name="Small", limit_kw=20.0)
    return await move_power_node(site.backend, site.who, (await site.node("Feeder 2")).id, node.id)


async def assume_unmanaged(site: Site) -> object:
    return await edit_power_node(site.backend, site.who, (await site.node("Grid")).id, unmanaged_fallback_kw=170.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit_grid, r"Central: the fall-back profiles below Grid add up to 38.28 kW, but it can supply 38.27 kW\. Lower"),
        (limit_current, r"the fall-back profiles below Feeder 2 add up to 24.14 kW, but it can supply 16.1 kW\. Lower"),
        (limit_week, r"below Grid add up to 38.28 kW, but it can supply 38 kW at times\. Lower"),
        (limit_for_a_time, r"below Grid add up to 38.28 kW, but it can supply 38 kW at times\. Lower"),
        (move_below_a_panel, r"below Small add up to 24.14 kW, but it can supply 20 kW\. Lower"),
        (assume_unmanaged, r"the fall-back profiles and unmanaged loads below Grid add up to 208.28 kW, but it can supply 200 kW\. Lower"),
    ],
)
async def test_what_fall_backs_would_not_fit_is_refused(site: Site, change: Callable[[Site], Awaitable[object]], message: str) -> None:
    nodes = {name: await site.node(name) for name in ("Grid", "Feeder 1", "Feeder 2")}
    with pytest.raises(InvalidInputError, match=message) as refused:
        await change(site)
    assert refused.value.path[0] == "input"
    assert {name: await site.node(name) for name in nodes} == nodes
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        assert await LimitExceptions(snapshot).where() == []
    assert await site.audited() == []


async def test_what_just_fits_is_taken(site: Site) -> None:
    await edit_power_node(site.backend, site.who, (await site.node("Feeder 2")).id, limit_kw=FALLBACKS_OF_FEEDER_2_KW)
    await lowered(site, "Grid", FALLBACKS_KW + 0.86)
    await edit_power_node(site.backend, site.who, (await site.node("Feeder 1")).id, limit_kw=15.0, unmanaged_fallback_kw=0.86)


async def test_two_changes_that_fit_alone_but_not_together_are_looked_at_one_after_the_other(site: Site) -> None:
    # A hole of 2 kW in the grid's lowest limit, of which each wants 1.5 kW.
    await lowered(site, "Grid", FALLBACKS_KW + 2.0)
    feeders = [await site.node("Feeder 1"), await site.node("Feeder 2")]
    edits = (edit_power_node(site.backend, site.who, feeder.id, unmanaged_fallback_kw=1.5) for feeder in feeders)
    made = await asyncio.gather(*edits, return_exceptions=True)
    assert [type(it) for it in made if isinstance(it, Exception)] == [InvalidInputError]


async def test_an_exception_that_is_over_stands_in_nobodys_way(site: Site) -> None:
    await lowered(site, "Grid", 50.0)
    grid = await site.node("Grid")
    with pytest.raises(InvalidInputError, match="at times"):
        await edit_power_node(site.backend, site.who, grid.id, unmanaged_fallback_kw=20.0)
    assert (await edit_power_node(site.at(NOW + HOUR).backend, site.who, grid.id, unmanaged_fallback_kw=20.0)).unmanaged_fallback_kw == 20.0


# Who may

Change = Callable[[Site, Any, Any], Awaitable[object]]
CHANGES: list[Change] = [
    lambda site, who, node: create_power_node(site.backend, who, NewPowerNode(site.depot_id, node, PowerNodeKind.PANEL, "Panel", 1.0)),
    lambda site, who, node: edit_power_node(site.backend, who, node, name="Other"),
    lambda site, who, node: move_power_node(site.backend, who, node, node),
    lambda site, who, node: remove_power_node(site.backend, who, node),
    lambda site, who, node: set_weekly_limits(site.backend, who, node, [NIGHT]),
    lambda site, who, node: add_limit_exception(site.backend, who, NewLimitException(node, None, NOW + HOUR, 100.0, None, "Works")),
]


@pytest.mark.parametrize("change", CHANGES)
async def test_who_may_not_is_told_so_and_a_stranger_finds_nothing(
    site: Site, change: Callable[[Site, Any, Any], Awaitable[object]]
) -> None:
    feeder = await site.node("Feeder 1")
    elsewhere = await group_of(site.backend, site.tenant_id, name="Empty")
    reader = user(site.tenant_id, Scope.FLEET_READ)
    before = await site.everything()
    refused: list[tuple[Any, Any, type[DomainError]]] = [
        (reader, feeder.id, ForbiddenError),
        (confined(site.tenant_id, elsewhere, role=Role.ADMINISTRATOR), feeder.id, NotFoundError),
        (site.who, new_id(), NotFoundError),
    ]
    for who, node_id, error in refused:
        with pytest.raises(error):
            await change(site, who, node_id)
    assert await site.everything() == before


async def test_a_grant_on_the_depot_is_enough(site: Site) -> None:
    group = await group_of(site.backend, site.tenant_id, depot_id=site.depot_id)
    feeder = await site.node("Feeder 1")
    edited = await edit_power_node(site.backend, confined(site.tenant_id, group, role=Role.ADMINISTRATOR), feeder.id, name="Feeder A")
    assert edited.name == "Feeder A"
    with pytest.raises(ForbiddenError, match="This needs the scope depots:write"):
        await edit_power_node(site.backend, confined(site.tenant_id, group, role=Role.VIEWER), feeder.id, name="Feeder B")
