"""Cables and phases through the services' step: what is given, why, and what goes out."""

from dataclasses import replace

import pytest

from ampyard.domain.allocation import BoundBy
from ampyard.domain.charge_points import CurrentType
from ampyard.domain.equipment import PhaseRotation
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.layouts import EvseLayout
from ampyard.domain.variables import ReportedVariable, VariableName
from ampyard.repositories.allocations import Allocations
from ampyard.repositories.charge_points import Connectors
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import charge_point_setup, power_nodes, variables
from ampyard.services.evse_layouts import of_charge_points
from tests.fleet import user
from tests.services.power.yards import Yard, root_of, with_one_phase


async def with_cable(yard: Yard, amperes: int) -> None:
    """Have CP-1, of 22 kW on three phases, have a cable for so many amperes."""
    evse = (await yard.evses())["CP-1", 1]
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        for connector in (await Connectors(work.session).of_evses([evse.id]))[evse.id]:
            await work.change(Connectors, connector.id, max_amperage_a=amperes)
        await work.commit()


async def with_vehicle(yard: Yard, **changes: int | None) -> None:
    """Change the vehicle at CP-1."""
    transaction = await yard.transaction("CP-1")
    assert transaction.vehicle_id is not None
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        await work.change(Vehicles, transaction.vehicle_id, **changes)
        await work.commit()


async def takes(yard: Yard, units: str) -> None:
    """Have CP-1 tell in which units it takes limits."""
    told = [ReportedVariable(VariableName("", "ChargingScheduleAllowedChargingRateUnit"), units)]
    await variables.reported(yard.backend, yard.stations["CP-1"], told)


async def test_nobody_gets_more_than_the_cable_carries_and_is_told_that_it_is_the_cable(yard: Yard) -> None:
    await with_cable(yard, 16)

    limits = await yard.settle()

    # 16 A on three phases; the DC ones share what that leaves.
    assert limits["CP-1", 1] == 11.0
    assert limits["CP-2", 1] == pytest.approx((200.0 - 11.0 - 22.0) / 3, abs=0.1)
    evse = (await yard.evses())["CP-1", 1]
    assert evse.limit_reason == "Gets 11 kW: its cable carries no more than 11.04 kW."
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        (allocation,) = await Allocations(snapshot).where(Allocations.table.c.evse_id == evse.id)
    assert allocation.bound_by is BoundBy.CABLE


async def test_a_single_phase_vehicle_has_one_phase_of_its_evse_and_begins_with_its_part_of_the_least(yard: Yard) -> None:
    await with_vehicle(yard, ac_phases=1)
    assert (await yard.settle())["CP-1", 1] == pytest.approx(22.0 / 3, abs=0.1)
    # Below 6 A on three phases, above 6 A on one.
    root = await root_of(yard)
    await power_nodes.edit_power_node(yard.backend, user(yard.tenant_id), root.id, limit_kw=40.0)

    limit_kw = (await yard.settle())["CP-1", 1]

    assert limit_kw is not None
    assert 1.38 <= limit_kw <= 4.14


async def test_the_connector_in_use_counts_and_not_the_weaker_one_beside_it(yard: Yard) -> None:
    evse = (await yard.evses())["CP-1", 1]
    transaction = await yard.transaction("CP-1")
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        (strong,) = (await Connectors(work.session).of_evses([evse.id]))[evse.id]
        weak = replace(strong, id=transaction.id, connector_no=2, max_amperage_a=8)
        await work.add(Connectors, weak)
        await work.change(Transactions, transaction.id, connector_id=strong.id)
        await work.commit()
    assert (await yard.settle())["CP-1", 1] == 22.0

    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        await work.change(Transactions, transaction.id, connector_id=None)
        await work.commit()

    # Which it is nobody knows now: 8 A are 5.52 kW.
    assert (await yard.settle())["CP-1", 1] == 5.5


async def test_a_fall_back_above_the_cable_is_refused(yard: Yard) -> None:
    evse = (await yard.evses())["CP-1", 1]
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        (layout,) = (await of_charge_points(work, [evse.charge_point_id]))[evse.charge_point_id]
    too_thin = replace(layout, connectors=(replace(layout.connectors[0], max_amperage_a=10),), fallback_kw=8.0)

    with pytest.raises(InvalidInputError) as refused:
        await edit(yard, too_thin)

    told = "8 kW is more than the 6.9 kW that connector 1 carries with 10 A; give that or less, or another maxAmperageA."
    assert told in str(refused.value)
    assert refused.value.path == ("input", "evses", "0", "fallbackKw")
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        assert (await of_charge_points(work, [evse.charge_point_id]))[evse.charge_point_id] == (layout,)
    await edit(yard, replace(too_thin, fallback_kw=6.9))


async def edit(yard: Yard, layout: EvseLayout) -> None:
    point_id = (await yard.evses())["CP-1", 1].charge_point_id
    await charge_point_setup.edit_charge_point(yard.backend, user(yard.tenant_id), point_id, evses=(layout,))


async def test_an_unknown_vehicle_is_told_amperes_and_a_known_one_watts(yard: Yard) -> None:
    await with_vehicle(yard, ac_phases=None)
    (told,) = [it.payload["profile"] for it in await yard.tick() if it.charge_point_id == yard.stations["CP-1"].charge_point_id]
    assert (told["unit"], told["periods"], told["phases"]) == ("A", [[0, 31.8]], None)
    (told,) = [it.payload["profile"] for it in await yard.tick() if it.charge_point_id == yard.stations["CP-3"].charge_point_id]
    assert (told["unit"], told["periods"][0]) == ("W", [0, 22000.0])


async def test_an_unknown_vehicle_counts_on_one_line_alone_where_only_watts_are_taken(yard: Yard) -> None:
    # Given 100 A on each line, of which the other fall-backs leave less than 22 kW take on one.
    await with_vehicle(yard, ac_phases=None)
    root = await root_of(yard)
    await power_nodes.edit_power_node(yard.backend, user(yard.tenant_id), root.id, limit_a=130.0)
    in_amperes = await yard.settle()
    assert in_amperes["CP-1", 1] is not None
    await takes(yard, "Power")

    in_watts = await yard.settle()

    def on_a_line_a(limits: dict[tuple[str, int], float | None], of_first: float) -> float:
        return sum((kw or 0.0) * 1000 / 230 * (of_first if key[0] == "CP-1" else 1 / 3) for key, kw in limits.items())

    assert on_a_line_a(in_amperes, 1 / 3) <= 130.0
    assert on_a_line_a(in_watts, 1.0) <= 130.0
    assert in_watts["CP-1", 1] is not None
    assert in_watts["CP-1", 1] < in_amperes["CP-1", 1]


async def test_watts_are_held_against_the_lines_as_it_is_set_up(yard: Yard) -> None:
    # Five fall-backs on three lines in amperes are (4.14 + 4.14 + 3 x 10) / 0.69 = 55.5 A; one of 4.14 kW on one line 12 A more.
    root = await root_of(yard)
    await power_nodes.edit_power_node(yard.backend, user(yard.tenant_id), root.id, limit_a=56.0)
    await power_nodes.edit_power_node(yard.backend, user(yard.tenant_id), root.id, limit_a=70.0)
    await takes(yard, "Power")

    with pytest.raises(InvalidInputError, match=r"add up to 67\.4783 A on L1, but it can supply 60 A on each line"):
        await power_nodes.edit_power_node(yard.backend, user(yard.tenant_id), root.id, limit_a=60.0)


async def test_lines_of_vehicles_with_one_phase_are_not_overloaded_ahead_either(yard: Yard) -> None:
    # Given both AC ones on L1, and 40 A there that are left to them now; in an hour nothing but what all fall back to.
    await with_one_phase(yard, CP_1=PhaseRotation.R, CP_3=PhaseRotation.R)
    root = await root_of(yard)
    await power_nodes.edit_power_node(yard.backend, user(yard.tenant_id), root.id, limit_a=120.0)

    await yard.settle()

    promised = [evse.told for evse in (await yard.evses()).values()]
    kinds = [(evse.current_type, evse.phases) for evse in (await yard.evses()).values()]
    assert (CurrentType.AC, 1) in kinds
    for told_by in {step.begins_at for told in promised if told is not None for step in told.steps}:
        on_l1 = [
            (told.at(told_by) if told is not None else 0.0) * (1.0 if kind == (CurrentType.AC, 1) else 1 / 3)
            for told, kind in zip(promised, kinds, strict=True)
        ]
        assert sum(on_l1) <= 120.0 * 0.23 + 1e-6
