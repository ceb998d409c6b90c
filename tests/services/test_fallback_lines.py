"""Fall-backs on the lines: single-phase EVSEs that pile up on one are refused by whichever way they come, and leave no trace."""

import base64
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from ampyard.domain.charge_points import ChargePoint, CurrentType, Evse
from ampyard.domain.equipment import PhaseRotation, SetPointKind, SetPoints
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.grid_links import LinkKind
from ampyard.domain.imports import ImportReport
from ampyard.domain.layouts import ConnectorFormat, ConnectorLayout, ConnectorStandard, EvseLayout, PowerType
from ampyard.domain.local_time import Weekday
from ampyard.domain.supply import PowerNodeKind, WeeklyLimit
from ampyard.domain.variables import ReportedVariable, VariableName
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.services import templates, variables
from ampyard.services.backend import Backend
from ampyard.services.charge_point_import import import_charge_points
from ampyard.services.charge_point_setup import NewChargePoint, Patch, create_charge_point, edit_charge_point, edit_charge_points
from ampyard.services.depots import create_depot
from ampyard.services.grid_links import NewGridLink, create_grid_link, edit_grid_link
from ampyard.services.imports import ImportFile
from ampyard.services.power_nodes import (
    NewLimitException,
    NewPowerNode,
    add_limit_exception,
    create_power_node,
    edit_power_node,
    move_power_node,
    set_weekly_limits,
)
from ampyard.services.templates import FromTemplate, NewTemplate
from tests.services.stations import online
from tests.services.supplied import HOUR, NOW, Site, new_site
from tests.services.test_depots import NEW

PLUG = ConnectorLayout(1, ConnectorStandard.IEC_62196_T2, ConnectorFormat.SOCKET, PowerType.AC_1_PHASE, 230, 32)
# 2.3 kW at 230 V: 10 A on its line.
ON_R = EvseLayout(1, CurrentType.AC, 7.36, 1.38, 1, 2.3, (PLUG,), phase_rotation=PhaseRotation.R)

NEW_IDENTITY = "NEW-1"


@pytest.fixture
async def site(backend: Backend) -> Site:
    """Return a site with 10 A each on L1 (CP-1), on L2 (CP-3), and 43.478 A on all (3 DC of 10 kW), and 54 A to be had on each line."""
    site = await new_site(backend)
    for identity, rotation in (("CP-1", PhaseRotation.R), ("CP-3", PhaseRotation.S)):
        await edit(site, identity, evses=(replace(ON_R, phase_rotation=rotation),))
    await edit_power_node(site.backend, site.who, (await site.node("Grid")).id, limit_a=54.0)
    return site


async def point(site: Site, identity: str) -> ChargePoint:
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        return next(one for one in await ChargePoints(snapshot).where() if one.identity == identity)


async def edit(site: Site, identity: str, **changes: Any) -> object:
    return await edit_charge_point(site.backend, site.who, (await point(site, identity)).id, **changes)


async def node_id(site: Site, name: str) -> Any:
    return (await site.node(name)).id


async def create(site: Site, node: str, rotation: PhaseRotation = PhaseRotation.R) -> object:
    evses = (replace(ON_R, phase_rotation=rotation),)
    return await create_charge_point(site.backend, site.who, NewChargePoint(await node_id(site, node), NEW_IDENTITY, None, evses))


async def link(site: Site, fallback_a: float) -> Any:
    wanted = NewGridLink(await node_id(site, "Grid"), LinkKind.SITE_CONTROLLER, "EMS", fallback_a=fallback_a)
    return await create_grid_link(site.backend, site.who, wanted)


# Each makes ready, and returns the change that is to be refused.
Change = Awaitable[object]


async def rewire(site: Site) -> Change:
    return edit(site, "CP-3", evses=(ON_R,))


async def forget_the_rotation(site: Site) -> Change:
    return edit(site, "CP-3", evses=(replace(ON_R, phase_rotation=PhaseRotation.UNKNOWN),))


async def raise_many(site: Site) -> Change:
    return edit_charge_points(site.backend, site.who, [(await point(site, "CP-1")).id], Patch(fallback_kw=2.5))


async def create_another(site: Site) -> Change:
    return create(site, "Feeder 1")


async def create_from_template(site: Site) -> Change:
    before = site.at(NOW - HOUR)
    template = await templates.create_template(before.backend, site.who, NewTemplate("One phase", None, None, (ON_R,)))
    new = [FromTemplate(NEW_IDENTITY, None, None)]
    return templates.create_from_template(site.backend, site.who, template.id, await node_id(site, "Feeder 2"), new)


async def move_a_charge_point(site: Site) -> Change:
    depot = await create_depot(site.backend, site.who, NEW)
    await create_power_node(site.backend, site.who, NewPowerNode(depot.id, None, PowerNodeKind.GRID_CONNECTION, "Elsewhere", limit_kw=50.0))
    await create(site, "Elsewhere")
    return edit(site, NEW_IDENTITY, power_node_id=await node_id(site, "Feeder 1"))


async def lower_the_limit(site: Site) -> Change:
    return edit_power_node(site.backend, site.who, await node_id(site, "Grid"), limit_a=53.0)


async def lower_the_voltage(site: Site) -> Change:
    return edit_power_node(site.backend, site.who, await node_id(site, "Grid"), voltage_v=220.0)


async def assume_unmanaged(site: Site) -> Change:
    return edit_power_node(site.backend, site.who, await node_id(site, "Grid"), unmanaged_fallback_kw=1.0)


async def add_a_node_with_unmanaged(site: Site) -> Change:
    wanted = NewPowerNode(site.depot_id, await node_id(site, "Grid"), PowerNodeKind.PANEL, "Hall", limit_kw=50.0, unmanaged_fallback_kw=1.0)
    return create_power_node(site.backend, site.who, wanted)


async def limit_a_week(site: Site) -> Change:
    night = WeeklyLimit(Weekday.MONDAY, 22 * 60, 24 * 60, None, 53.0)
    return set_weekly_limits(site.backend, site.who, await node_id(site, "Grid"), [night])


async def limit_for_a_time(site: Site) -> Change:
    wanted = NewLimitException(await node_id(site, "Grid"), None, NOW + HOUR, None, 53.0, "A cable runs hot")
    return add_limit_exception(site.backend, site.who, wanted)


async def move_a_feeder(site: Site) -> Change:
    wanted = NewPowerNode(site.depot_id, await node_id(site, "Grid"), PowerNodeKind.PANEL, "Small", limit_a=35.0)
    small = await create_power_node(site.backend, site.who, wanted)
    return move_power_node(site.backend, site.who, await node_id(site, "Feeder 2"), small.id)


async def add_a_link(site: Site) -> Change:
    return link(site, 53.0)


async def lower_a_link(site: Site) -> Change:
    made, _ = await link(site, 54.0)
    return edit_grid_link(site.backend, site.who, made.id, fallback_a=53.0)


async def switch_a_link_on(site: Site) -> Change:
    made, _ = await link(site, 54.0)
    await edit_grid_link(site.backend, site.who, made.id, enabled=False)
    await edit_grid_link(site.backend, site.who, made.id, fallback_a=53.0)
    return edit_grid_link(site.backend, site.who, made.id, enabled=True)


PATHS: dict[Callable[[Site], Awaitable[Change]], str] = {
    rewire: "Central: the fall-back profiles below Grid add up to 63.4783 A on L1, but it can supply 54 A on each line. Spread",
    forget_the_rotation: "below Grid add up to 63.4783 A on L1, but it can supply 54 A on each line. Spread",
    raise_many: "below Grid add up to 54.3478 A on L1, but it can supply 54 A on each line. Spread",
    create_another: "below Grid add up to 63.4783 A on L1, but it can supply 54 A on each line. Spread",
    create_from_template: "below Grid add up to 63.4783 A on L1, but it can supply 54 A on each line. Spread",
    move_a_charge_point: "below Grid add up to 63.4783 A on L1, but it can supply 54 A on each line. Spread",
    lower_the_limit: "below Grid add up to 53.4783 A on L1, but it can supply 53 A on each line. Spread",
    lower_the_voltage: "below Grid add up to 55.9091 A on L1, but it can supply 54 A on each line. Spread",
    assume_unmanaged: "profiles and unmanaged loads below Grid add up to 54.9275 A on L1, but it can supply 54 A on each line. Spread",
    add_a_node_with_unmanaged: "unmanaged loads below Grid add up to 54.9275 A on L1, but it can supply 54 A on each line. Spread",
    limit_a_week: "below Grid add up to 53.4783 A on L1, but it can supply 53 A on each line at times. Spread",
    limit_for_a_time: "below Grid add up to 53.4783 A on L1, but it can supply 53 A on each line at times. Spread",
    move_a_feeder: "below Small add up to 38.9855 A on L2, but it can supply 35 A on each line. Spread",
    add_a_link: "below Grid add up to 53.4783 A on L1, but it can supply 53 A on each line at times. Spread",
    lower_a_link: "below Grid add up to 53.4783 A on L1, but it can supply 53 A on each line at times. Spread",
    switch_a_link_on: "below Grid add up to 53.4783 A on L1, but it can supply 53 A on each line at times. Spread",
}


@pytest.mark.parametrize(("path", "message"), PATHS.items(), ids=lambda it: getattr(it, "__name__", ""))
async def test_whatever_would_overload_a_line_is_refused(site: Site, path: Callable[[Site], Awaitable[Change]], message: str) -> None:
    change = await path(site)
    before = await site.everything()
    with pytest.raises(InvalidInputError) as refused:
        await change
    assert message in str(refused.value)
    assert refused.value.path[0] == "input"
    assert await site.everything() == before


async def test_an_import_that_would_overload_a_line_is_refused(site: Site) -> None:
    before = await site.everything()
    report = await imported(site, "NEW-1,Central,Feeder 1,AC,7.36,2.3,IEC_62196_T2,1")
    (error,) = report.errors
    assert (error.line, error.column) == (2, "fall-back kW")
    assert "below Grid add up to 63.4783 A on L1, but it can supply 54 A on each line. Spread" in error.message
    assert await site.everything() == before


async def test_an_import_leaves_how_evses_are_connected(site: Site) -> None:
    wired = replace(ON_R, phase_rotation=PhaseRotation.S, voltage_v=240.0, set_points=SetPoints(SetPointKind.WHOLE_AMPERES))
    await edit(site, "CP-3", evses=(wired,))
    report = await imported(site, "CP-3,Central,Feeder 2,AC,7.36,2.3,IEC_62196_T2,")
    assert report.errors == ()
    (evse,) = await evses_of(site, "CP-3")
    assert (evse.phases, evse.phase_rotation, evse.voltage_v, evse.set_points) == (1, PhaseRotation.S, 240.0, wired.set_points)
    # With other phases it is not known which lines they are.
    assert (await imported(site, "CP-3,Central,Feeder 2,AC,7.36,0.3,IEC_62196_T2,3")).errors == ()
    (evse,) = await evses_of(site, "CP-3")
    assert (evse.phases, evse.phase_rotation) == (3, PhaseRotation.UNKNOWN)


async def imported(site: Site, line: str) -> ImportReport:
    content = f"identity,depot,power node,current type,max power kW,fall-back kW,standard,phases\n{line}"
    file = ImportFile("points.csv", base64.b64encode(content.encode()).decode())
    return await import_charge_points(site.backend, site.who, file, dry_run=False)


async def evses_of(site: Site, identity: str) -> list[Evse]:
    charge_point = await point(site, identity)
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        return (await Evses(snapshot).of_charge_points([charge_point.id]))[charge_point.id]


async def test_the_same_spread_over_three_lines_is_taken(site: Site) -> None:
    await create(site, "Feeder 1", PhaseRotation.T)
    assert await rotations(site) == {"CP-1": ["R"], "CP-3": ["S"], NEW_IDENTITY: ["T"]}


async def test_between_two_lines_currents_add_up_as_phasors(site: Site) -> None:
    # 2.3 kW between L1 and L2, 398.4 V: 5.77 A in each, 30 degrees off what is there: the root of (53.478 + 5)² + 2.887² on L1.
    across = replace(ON_R, phases=2, phase_rotation=PhaseRotation.RS, voltage_v=398.4, line_to_line=True)
    await edit(site, "CP-3", evses=(replace(ON_R, phase_rotation=PhaseRotation.T),))
    wanted = NewChargePoint(await node_id(site, "Feeder 1"), NEW_IDENTITY, None, (across,))
    with pytest.raises(InvalidInputError, match=r"below Grid add up to 58\.5495 A on L1"):
        await create_charge_point(site.backend, site.who, wanted)
    await edit_power_node(site.backend, site.who, await node_id(site, "Grid"), limit_a=58.55)
    await create_charge_point(site.backend, site.who, wanted)


async def test_what_a_charge_point_tells_of_its_wiring_counts_even_where_it_does_not_fit(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    station = (await online(site.backend, site.tenant_id))["CP-3"]
    told = [ReportedVariable(VariableName("ChargingStation", "PhaseRotation"), "RST")]
    told += [ReportedVariable(VariableName("EVSE", "PhaseRotation", evse_no=1), "R")]
    with caplog.at_level(logging.WARNING):
        await variables.reported(site.backend, station, told)
    assert (await rotations(site))["CP-3"] == ["R"]
    (said,) = [record.getMessage() for record in caplog.records if "EVSEs are connected" in record.getMessage()]
    assert said.startswith("CP-3 told how its EVSEs are connected. Central: the fall-back profiles below Grid add up to 63.4783 A on L1")


async def rotations(site: Site) -> dict[str, list[str]]:
    """Return how the single-phase EVSEs of each charge point are connected."""
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        identities = {one.id: one.identity for one in await ChargePoints(snapshot).where()}
        evses: list[Evse] = list(await Evses(snapshot).where(Evses.table.c.current_type == CurrentType.AC))
    return {identities[evse.charge_point_id]: [evse.phase_rotation.value] for evse in evses}
