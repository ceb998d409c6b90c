"""What a plan knows of lines: what nodes leave on each, and on which vehicles charge."""

import numpy as np
import numpy.typing as npt
import pytest

from ampyard.domain.charge_points import CurrentType
from ampyard.domain.equipment import PhaseRotation
from ampyard.domain.power import Lines
from ampyard.domain.supply import MeterReading
from ampyard.domain.transactions import ChargingState
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.power_nodes import edit_power_node
from ampyard.services.site_meters import report_site_meter
from tests.services.dispatching import NOW
from tests.services.planning.yards import PlannedYard, stay_of


async def wired(yard: PlannedYard, identity: str, rotation: PhaseRotation, *, vehicle: str | None = None) -> None:
    """Have the EVSE of a charge point be of alternating current with a single-phase vehicle, or with one phase itself."""
    async with yard.yard.work() as work:
        for evse in (await yard.outlook()).evses.values():
            point = (await yard.outlook()).charge_points[evse.charge_point_id]
            if point.identity == identity:
                phases = len(rotation.lines)
                changes = {"current_type": CurrentType.AC, "phases": phases, "phase_rotation": rotation, "fallback_kw": 1.38 * phases}
                await work.change(Evses, evse.id, **changes)
        if vehicle is not None:
            await work.change(Vehicles, yard.yard.vehicles[vehicle].id, ac_phases=1, max_ac_kw=7.36)
        await work.commit()


async def left_on_grid(yard: PlannedYard) -> npt.NDArray[np.float64]:
    """What is left on each line of the grid connection in the first slot."""
    grid = (await yard.nodes((await yard.posed()).problem))["Grid"]
    return np.array([limits[0] for limits in grid.line_limits_kw])


async def test_a_node_leaves_on_each_line_what_others_do_not_take_there(yard: PlannedYard) -> None:
    await wired(yard, "CP-1", PhaseRotation.S)
    grid = await yard.named_node("Grid")
    await edit_power_node(yard.backend, yard.yard.principal, grid.id, limit_a=300.0)
    reading = MeterReading(NOW, 2.3, l1_a=10.0, l2_a=0.0, l3_a=0.0)
    await report_site_meter(yard.backend, yard.yard.principal, [(grid.id, reading)])

    nodes = await yard.nodes((await yard.posed()).problem)

    # 300 A are 69 kW. CP-1 keeps 1.38 kW on L2, three DC EVSEs a third of 30 kW each, CP-3 a third of 4.14 kW.
    evenly = 69.0 - (30.0 + 4.14) / 3
    assert [limits[0] for limits in nodes["Grid"].line_limits_kw] == pytest.approx([evenly - 2.3, evenly - 1.38, evenly])
    assert nodes["Feeder 1"].line_limits_kw == ()


async def test_a_stay_is_on_the_lines_of_its_vehicle(yard: PlannedYard) -> None:
    await wired(yard, "CP-2", PhaseRotation.STR, vehicle="Bus 1")
    transaction = await yard.plugged()
    assert stay_of(await yard.posed(), transaction).lines is Lines.L2


async def test_who_cannot_be_planned_is_left_out_of_its_line_alone(yard: PlannedYard) -> None:
    await wired(yard, "CP-2", PhaseRotation.TRS, vehicle="Bus 1")
    await edit_power_node(yard.backend, yard.yard.principal, (await yard.named_node("Grid")).id, limit_a=300.0)
    before = await left_on_grid(yard)
    stopped = await yard.plugged()
    async with yard.yard.work() as work:
        await work.change(Transactions, stopped.id, charging_state=ChargingState.SUSPENDED_EV)
        await work.commit()

    after = await left_on_grid(yard)

    # Its fall-back of 4.14 kW is on L3 now; before, a third of it was on each.
    assert before - after == pytest.approx(np.array([-1.38, -1.38, 2.76]))
