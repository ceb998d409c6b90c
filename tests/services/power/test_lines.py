"""No line is overloaded, whoever is on it."""

from datetime import timedelta

import pytest

from ampyard.domain.access import system_principal
from ampyard.domain.equipment import PhaseRotation, SetPointKind, SetPoints
from ampyard.domain.supply import MeterReading
from ampyard.repositories.allocations import Steps
from ampyard.repositories.charge_points import Evses
from ampyard.services import power_nodes, site_meters
from ampyard.services.power_nodes import NewLimitException
from tests.fleet import user
from tests.services.power.yards import Yard, root_of, with_one_phase


async def test_a_line_is_not_overloaded_by_vehicles_on_one_phase(yard: Yard) -> None:
    # given both AC charge points on one phase, of unknown rotation, below 30 A on each line
    root = await root_of(yard)
    await with_one_phase(yard, CP_1=PhaseRotation.UNKNOWN, CP_3=PhaseRotation.UNKNOWN)
    await power_nodes.edit_power_node(yard.backend, user(yard.tenant_id), root.id, limit_a=300.0)
    assert (await yard.settle())["CP-1", 1] == 22.0
    now = yard.backend.clock()
    lowered = NewLimitException(root.id, now, now + timedelta(hours=1), None, 60.0, "A cable runs hot")
    await power_nodes.add_limit_exception(yard.backend, user(yard.tenant_id), lowered)

    limits = await yard.settle()

    # then a third of three-phase power and all of single-phase power flow on each line
    on_each_kw = sum((limit or 0.0) * (1 if key[0] in {"CP-1", "CP-3"} else 1 / 3) for key, limit in limits.items())
    assert on_each_kw <= 60.0 * 0.23
    assert on_each_kw > 60.0 * 0.23 - 0.5


async def test_what_is_not_ours_counts_on_the_lines_where_a_meter_sees_it(yard: Yard) -> None:
    # given 200 A on each line, of which the building takes most of L1; the AC charge points are on L2 and L3
    root, now = await root_of(yard), yard.backend.clock()
    await with_one_phase(yard, CP_1=PhaseRotation.S, CP_3=PhaseRotation.T)
    await power_nodes.edit_power_node(yard.backend, user(yard.tenant_id), root.id, limit_a=200.0)
    told = MeterReading(now, 37.95, 150.0, 10.0, 5.0)
    await site_meters.report_site_meter(yard.backend, user(yard.tenant_id), [(root.id, told)])

    limits = {key: limit or 0.0 for key, limit in (await yard.settle()).items()}

    # then 50 A of L1 are left for the DC ones together, and the others have all they can take: L1 is none of theirs
    assert sum(limits["CP-4", number] for number in (1, 2)) + limits["CP-2", 1] == pytest.approx(50.0 * 0.69, abs=0.5)
    assert (limits["CP-1", 1], limits["CP-3", 1]) == (22.0, 22.0)


async def test_an_ampere_between_two_lines_is_told_apart_from_one_to_neutral(yard: Yard) -> None:
    evses, listed = await yard.evses(), SetPoints(SetPointKind.WHOLE_AMPERES)
    async with yard.backend.unit_of_work(system_principal(yard.tenant_id, "test")) as work:
        wired = {"phases": 2, "phase_rotation": PhaseRotation.RS, "set_points": listed}
        await work.change(Evses, evses["CP-1", 1].id, **wired, voltage_v=208.0, line_to_line=True)
        await work.change(Evses, evses["CP-3", 1].id, **wired, voltage_v=230.0)
        await work.commit()
    await yard.tick()
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        (step,) = await Steps(snapshot).where()
    steps = {fact.evse_id: fact.charging.steps for fact in step.facts.evses if fact.charging is not None}
    # 1 A x 208 V between the lines, and 1 A x 230 V on each of two.
    assert steps[evses["CP-1", 1].id] == pytest.approx(0.208)
    assert steps[evses["CP-3", 1].id] == pytest.approx(0.46)
