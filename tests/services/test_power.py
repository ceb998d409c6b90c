"""The now step: limits go out as commands, within every node's limit at every moment, and priorities tell."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.access import system_principal
from ampyard.domain.alerts import Alert, AlertKind
from ampyard.domain.allocation import Allocation, BoundBy, Replay
from ampyard.domain.charge_points import Evse
from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.domain.equipment import PhaseRotation, SetPointKind, SetPoints
from ampyard.domain.errors import NotFoundError
from ampyard.domain.local_time import Weekday
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.supply import MeterReading, PowerNode, WeeklyLimit
from ampyard.domain.transactions import Measurand, Reading, Transaction
from ampyard.repositories.alerts import Alerts
from ampyard.repositories.allocations import Allocations, Steps
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.commands import Commands
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.tenants import Tenants
from ampyard.repositories.transactions import Transactions
from ampyard.services import charge_points, commands, power, power_nodes, priorities, site_meters, transactions
from ampyard.services.alerts.looking import look
from ampyard.services.alerts.rules import add_missing_default_rules
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.power.replaying import replay_now, told
from ampyard.services.power_nodes import NewLimitException
from ampyard.services.priorities import NewPriority
from ampyard.services.transactions import Report
from tests.fleet import new_fleet, user
from tests.services.stations import confirm_defaults, online

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass
class Yard:
    """A depot with all five EVSEs charging: CP-1 AC and CP-2 DC on feeder 1, CP-3 AC and CP-4 with two DC on feeder 2."""

    backend: Backend
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    stations: dict[str, Station]

    def wait_until(self, moment: datetime) -> None:
        self.backend = replace(self.backend, clock=lambda: moment)

    async def tick(self) -> list[Command]:
        """Run a step and return the limits that now wait to be sent."""
        await power.tick(self.backend, self.tenant_id, self.depot_id)
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            column = Commands.table.c
            return await Commands(snapshot).where(column.state == CommandState.PENDING, column.kind == CommandKind.SET_LIMIT)

    async def answer(self, waiting: list[Command], state: CommandState = CommandState.ACCEPTED) -> None:
        for command in waiting:
            await commands.claim(self.backend, self.tenant_id, command.id)
            await commands.finish(self.backend, self.tenant_id, command.id, state, state.value)

    async def settle(self) -> dict[tuple[str, int], float | None]:
        """Step and accept until nothing changes; return the confirmed limits by (identity, EVSE number)."""
        for _ in range(6):
            waiting = await self.tick()
            if not waiting:
                break
            await self.answer(waiting)
        return {key: evse.limit_kw for key, evse in (await self.evses()).items()}

    async def evses(self) -> dict[tuple[str, int], Evse]:
        identities = {station.charge_point_id: identity for identity, station in self.stations.items()}
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return {(identities[evse.charge_point_id], evse.evse_no): evse for evse in await Evses(snapshot).where()}

    async def transaction(self, identity: str, evse_no: int = 1) -> Transaction:
        evse = (await self.evses())[identity, evse_no]
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return (await Transactions(snapshot).active_of_evses([evse.id]))[evse.id]


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    seeded = await new_fleet(backend, grid_kw=200.0)
    stations = await online(backend, seeded.tenant_id)
    plugs = [("CP-1", 1), ("CP-2", 1), ("CP-3", 1), ("CP-4", 1), ("CP-4", 2)]
    for number, (identity, evse_no) in enumerate(plugs, start=1):
        report = Report(at=T0, evse_no=evse_no, id_tag=f"TAG-{number}", register_wh=0.0, ocpp_transaction_id=f"tx-{number}")
        await transactions.start(backend, stations[identity], report)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        (depot,) = await Depots(snapshot).where()
    return Yard(backend, seeded.tenant_id, depot.id, stations)


async def test_the_grid_limit_is_shared_fairly_and_used_up(yard: Yard) -> None:
    # given 22 + 120 + 22 + 120 + 120 kW wanted (the vehicles take 120 kW DC, 22 kW AC) on a 200 kW grid
    limits = await yard.settle()

    # then both AC get all they want, and the three DC share the remaining 156 kW
    assert limits == {("CP-1", 1): 22.0, ("CP-2", 1): 52.0, ("CP-3", 1): 22.0, ("CP-4", 1): 52.0, ("CP-4", 2): 52.0}


async def test_a_higher_priority_gets_more_and_reductions_come_first(yard: Yard) -> None:
    await yard.settle()
    boosted = await yard.transaction("CP-2")
    wanted = NewPriority(PriorityLevel.CRITICAL, transaction_id=boosted.id)
    await priorities.set_priority(yard.backend, user(yard.tenant_id), wanted)

    first = await yard.tick()
    assert {c.payload["evse_id"] for c in first} == {str(e.id) for key, e in (await yard.evses()).items() if key[0] != "CP-2"}
    await yard.answer(first)
    limits = await yard.settle()

    # 120 kW first; the others share 80 kW
    assert limits == {("CP-1", 1): 20.0, ("CP-2", 1): 120.0, ("CP-3", 1): 20.0, ("CP-4", 1): 20.0, ("CP-4", 2): 20.0}


async def test_nothing_is_raised_before_what_pays_for_it_is_confirmed(yard: Yard) -> None:
    await yard.settle()
    boosted = await yard.transaction("CP-2")
    await priorities.set_priority(yard.backend, user(yard.tenant_id), NewPriority(PriorityLevel.HIGH, transaction_id=boosted.id))

    waiting = await yard.tick()
    one = str((await yard.evses())["CP-4", 1].id)
    await yard.answer([c for c in waiting if c.payload["evse_id"] == one])
    await yard.answer([c for c in waiting if c.payload["evse_id"] != one], CommandState.EXPIRED)
    raised = await yard.tick()

    # only what the one confirmed reduction (52 to 20 kW) has freed
    assert [c.payload["limit_kw"] for c in raised if c.payload["evse_id"] == str(boosted.evse_id)] == [52.0 + 32.0]


async def test_a_refused_raise_leaves_what_was_in_force(yard: Yard) -> None:
    waiting = await yard.tick()
    await yard.answer(waiting, CommandState.REJECTED)

    assert [evse.limit_kw for evse in (await yard.evses()).values()] == [None] * 5
    assert await yard.tick() == []  # it is asked again, but not at once


async def test_an_offline_charge_point_keeps_its_power_reserved(yard: Yard) -> None:
    await yard.settle()
    await charge_points.disconnected(yard.backend, yard.stations["CP-2"])

    limits = await yard.settle()

    assert limits["CP-2", 1] == 52.0
    assert sum(limit or 0 for limit in limits.values()) == 200.0


async def test_a_charge_point_that_comes_back_is_told_its_limit_again(yard: Yard) -> None:
    await yard.settle()
    await charge_points.disconnected(yard.backend, yard.stations["CP-2"])
    yard.stations = await online(yard.backend, yard.tenant_id)

    waiting = await yard.tick()

    assert sorted(c.payload["limit_kw"] for c in waiting) == [22.0, 22.0, 52.0, 52.0, 52.0]


async def test_a_limit_of_another_transaction_does_not_count(yard: Yard) -> None:
    waiting = await yard.tick()
    old = await yard.transaction("CP-1")
    await transactions.end(yard.backend, yard.stations["CP-1"], Report(at=T0, ocpp_transaction_id=old.ocpp_transaction_id, register_wh=1.0))
    await yard.answer(waiting)

    assert (await yard.evses())["CP-1", 1].limit_kw is None


async def test_it_is_sent_once(yard: Yard) -> None:
    first = await yard.tick()
    second = await yard.tick()
    assert len(first) == 5
    assert first == second
    assert {c.kind for c in first} == {CommandKind.SET_LIMIT}


# What the nodes may supply at the moment


async def root_of(yard: Yard) -> PowerNode:
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        (root,) = await PowerNodes(snapshot).where(PowerNodes.table.c.parent_id.is_(None))
    return root


def allowed(limits: dict[tuple[str, int], float | None]) -> float:
    return round(sum(limit or 0.0 for limit in limits.values()), 1)


async def test_an_exception_lowers_what_is_shared_from_its_begin_to_its_end_and_says_so(yard: Yard) -> None:
    await yard.settle()
    root, now = await root_of(yard), yard.backend.clock()
    lowered = NewLimitException(root.id, now, now + timedelta(hours=1), 100.0, None, "The grid operator asks for it")
    await power_nodes.add_limit_exception(yard.backend, user(yard.tenant_id), lowered)

    limits = await yard.settle()

    assert allowed(limits) == 100.0
    reasons = {evse.limit_reason for evse in (await yard.evses()).values()}
    assert "Gets 20 kW, its share of what Grid (100 kW by an exception) can supply." in reasons
    yard.wait_until(now + timedelta(hours=1))
    assert allowed(await yard.settle()) == 200.0


async def test_weekly_limits_are_obeyed_by_the_clock_of_the_depot(yard: Yard) -> None:
    root = await root_of(yard)
    night = WeeklyLimit(Weekday.SATURDAY, 23 * 60, 24 * 60, 80.0, None)
    await power_nodes.set_weekly_limits(yard.backend, user(yard.tenant_id), root.id, [night])
    # A Saturday in Berlin, where the depot is: an hour later in UTC's day it is Sunday there.
    evening = datetime(2027, 1, 9, 22, 30, tzinfo=UTC)
    counted = {}
    for moment in (evening - timedelta(hours=1), evening, evening + timedelta(hours=1)):
        yard.wait_until(moment)
        counted[moment - evening] = allowed(await yard.settle())
    assert list(counted.values()) == [200.0, 80.0, 200.0]


async def test_a_limit_in_amperes_and_what_is_not_ours_are_left_out_of_what_is_shared(yard: Yard) -> None:
    root, who = await root_of(yard), user(yard.tenant_id)
    # 200 A x 230 V x 3 = 138 kW, of which the building takes 38.
    await power_nodes.edit_power_node(yard.backend, who, root.id, limit_a=200.0, unmanaged_fallback_kw=60.0)
    await site_meters.report_site_meter(yard.backend, who, [(root.id, MeterReading(yard.backend.clock(), 38.0))])
    assert allowed(await yard.settle()) == 100.0

    # Once the meter is silent, the fall-back counts.
    yard.wait_until(yard.backend.clock() + timedelta(minutes=6))
    assert allowed(await yard.settle()) == 78.0


async def test_a_reduction_for_what_is_not_ours_comes_before_any_raise(yard: Yard) -> None:
    await yard.settle()
    root, now = await root_of(yard), yard.backend.clock()
    await site_meters.report_site_meter(yard.backend, user(yard.tenant_id), [(root.id, MeterReading(now, 150.0))])
    waiting = await yard.tick()
    confirmed = {str(evse.id): evse.limit_kw or 0.0 for evse in (await yard.evses()).values()}
    assert all(command.payload["limit_kw"] < confirmed[command.payload["evse_id"]] for command in waiting)
    await yard.answer(waiting)
    assert allowed(await yard.settle()) == 50.0


# Who cannot be relied on


async def measure(yard: Yard, identity: str, power_kw: float, *, evse_no: int = 1) -> None:
    at = yard.backend.clock()
    readings = [Reading(at, Measurand.POWER_IMPORT, power_kw, "kW")]
    await transactions.measured(yard.backend, yard.stations[identity], evse_no, readings, ocpp_transaction_id=None)


def later(yard: Yard, **passed: float) -> None:
    yard.wait_until(yard.backend.clock() + timedelta(**passed))


async def alerts_of(yard: Yard) -> list[Alert]:
    await look(yard.backend, yard.tenant_id)
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        return await Alerts(snapshot).where(Alerts.table.c.kind == AlertKind.OVERDRAW)


async def test_what_one_draws_in_excess_is_taken_from_the_others_and_an_alert_opens_until_it_obeys(yard: Yard) -> None:
    yard.wait_until(yard.backend.clock())
    await add_missing_default_rules(yard.backend, user(yard.tenant_id))
    assert (await yard.settle())["CP-2", 1] == 52.0
    later(yard, seconds=5)
    await measure(yard, "CP-2", 92.0)

    limits = await yard.settle()

    # 92 kW are gone, 44 go to the two AC, 64 to the two other DC.
    assert limits == {("CP-1", 1): 22.0, ("CP-2", 1): 52.0, ("CP-3", 1): 22.0, ("CP-4", 1): 32.0, ("CP-4", 2): 32.0}
    evse = (await yard.evses())["CP-2", 1]
    assert evse.overdrawn_since == yard.backend.clock()
    assert evse.limit_reason == "Draws 92 kW, more than the 52 kW it may: what it draws is taken from others until it obeys."
    (alert,) = await alerts_of(yard)
    assert alert.summary == "EVSE 1 draws 92.0 kW, more than the 52.0 kW that it may"
    assert (alert.target_id, alert.resolved_at) == (evse.id, None)

    later(yard, seconds=5)
    await measure(yard, "CP-2", 52.0)
    assert (await yard.settle())["CP-4", 1] == 52.0
    assert (await yard.evses())["CP-2", 1].overdrawn_since is None
    await alerts_of(yard)
    later(yard, seconds=60)
    assert [alert.resolved_at is not None for alert in await alerts_of(yard)] == [True]


async def test_who_has_had_no_time_to_follow_is_not_blamed(yard: Yard) -> None:
    yard.wait_until(yard.backend.clock())
    await yard.settle()
    later(yard, seconds=4)
    await measure(yard, "CP-2", 92.0)
    limits = await yard.settle()
    assert limits["CP-4", 1] == 52.0
    assert (await yard.evses())["CP-2", 1].overdrawn_since is None


async def test_a_charge_point_that_refused_its_default_profile_counts_at_its_rating(yard: Yard) -> None:
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        for evse in (await yard.evses()).values():
            await work.change(Evses, evse.id, fallback_in_force_kw=None)
        await work.commit()
    await confirm_defaults(yard.backend, yard.stations["CP-2"], CommandState.REJECTED)
    tx = await yard.transaction("CP-2")
    end = Report(at=T0, ocpp_transaction_id=tx.ocpp_transaction_id, register_wh=1.0)
    await transactions.end(yard.backend, yard.stations["CP-2"], end)

    # Nothing charges there, and all of its 150 kW stay reserved: the other four share what that leaves of 200 kW.
    assert allowed(await yard.settle()) == 50.0

    await confirm_defaults(yard.backend, yard.stations["CP-2"])
    assert allowed(await yard.settle()) == 172.0  # all that feeder 2 can supply, and 22 kW


async def test_a_needed_reduction_does_not_wait_for_the_answer_to_an_earlier_limit(yard: Yard) -> None:
    first = await yard.tick()
    root, now = await root_of(yard), yard.backend.clock()
    taken, *untaken = first
    await commands.claim(yard.backend, yard.tenant_id, taken.id)
    halved = NewLimitException(root.id, now, now + timedelta(hours=1), 100.0, None, "Half of it")
    await power_nodes.add_limit_exception(yard.backend, user(yard.tenant_id), halved)

    second = await yard.tick()

    # What nobody had sent yet has been withdrawn; what was sent already is followed by a lower limit.
    assert {it.id for it in second}.isdisjoint(it.id for it in first)
    assert {it.payload["evse_id"] for it in second} == {it.payload["evse_id"] for it in first}
    assert sum(it.payload["limit_kw"] for it in second) == 100.0
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        withdrawn = await Commands(snapshot).by_ids([it.id for it in untaken])
    assert {(it.state, it.outcome) for it in withdrawn.values()} == {(CommandState.EXPIRED, "A lower limit has taken its place.")}
    # The answer to the earlier one changes nothing for good.
    await commands.finish(yard.backend, yard.tenant_id, taken.id, CommandState.ACCEPTED, "Accepted")
    await yard.answer(second)
    assert allowed(await yard.settle()) == 100.0


# Why did it get that


async def allocations_of(yard: Yard) -> list[Allocation]:
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        column = Allocations.table.c
        return await Allocations(snapshot).where(order_by=[column.decided_at, column.id])


async def replays_of(yard: Yard, transaction_id: uuid.UUID) -> list[Replay | None]:
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        return [it.replay for it in await power.replay_transaction(snapshot, transaction_id)]


async def test_what_each_got_is_kept_where_it_changes_and_comes_out_again(yard: Yard) -> None:
    await yard.tick()
    first = await allocations_of(yard)
    evses = await yard.evses()
    assert {it.evse_id: it.power_kw for it in first} == {
        evses[key].id: kw
        for key, kw in {("CP-1", 1): 22.0, ("CP-2", 1): 52.0, ("CP-3", 1): 22.0, ("CP-4", 1): 52.0, ("CP-4", 2): 52.0}.items()
    }
    root = await root_of(yard)
    by_evse = {it.evse_id: it for it in first}
    assert by_evse[evses["CP-1", 1].id].bound_by is BoundBy.ABILITY
    limited = by_evse[evses["CP-2", 1].id]
    assert (limited.bound_by, limited.power_node_id, limited.planned_kw, limited.waiting_since) == (BoundBy.NODE, root.id, None, None)
    assert len({it.step_id for it in first}) == 1

    # Nothing has changed: nothing is added.
    await yard.settle()
    assert await allocations_of(yard) == first

    boosted = await yard.transaction("CP-2")
    await priorities.set_priority(yard.backend, user(yard.tenant_id), NewPriority(PriorityLevel.CRITICAL, transaction_id=boosted.id))
    await yard.settle()
    mine = [it for it in await allocations_of(yard) if it.transaction_id == boosted.id]
    assert [(it.power_kw, it.priority) for it in mine] == [(52.0, PriorityLevel.NORMAL), (120.0, PriorityLevel.CRITICAL)]
    replayed = await replays_of(yard, boosted.id)
    assert [(it.same, it.power_kw, it.explanation) for it in replayed if it is not None] == [
        (True, it.power_kw, it.explanation) for it in mine
    ]


async def test_what_is_not_kept_any_more_is_not_computed_again(yard: Yard) -> None:
    await yard.tick()
    (transaction,) = [await yard.transaction("CP-1")]
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        for step in await Steps(work.session).where():
            await work.remove(Steps, step.id)
        await work.commit()
    assert await replays_of(yard, transaction.id) == [None]
    with pytest.raises(NotFoundError, match="There is no such transaction"):
        await replays_of(yard, uuid.uuid4())


async def test_a_person_is_told_line_by_line(yard: Yard) -> None:
    yard.wait_until(T0)
    await yard.tick()
    transaction = await yard.transaction("CP-2")
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        (tenant,) = await Tenants(snapshot).where(Tenants.table.c.id == yard.tenant_id)

    (one,) = await replay_now(yard.backend, tenant.slug, transaction.id)

    kept = "2026-11-02T08:00:00+00:00  52 kW  Gets 52 kW, its share of what Grid can supply."
    assert told(one) == f"{kept}  [the same again]"
    assert told(replace(one, replay=None)) == f"{kept}  [what it was computed from is not kept any more]"
    assert one.replay is not None
    otherwise = replace(one.replay, same=False, power_kw=7.0, explanation="Because.")
    assert told(replace(one, replay=otherwise)) == f"{kept}  [now: 7 kW: Because.]"
    assert told(replace(one, replay=replace(otherwise, power_kw=None))) == f"{kept}  [now: nothing]"
    with pytest.raises(NotFoundError, match="nobody"):
        await replay_now(yard.backend, "nobody", transaction.id)


async def test_an_evse_that_gets_nothing_is_told_since_when_it_waits(yard: Yard) -> None:
    yard.wait_until(yard.backend.clock())
    began = yard.backend.clock()
    root = await root_of(yard)
    await site_meters.report_site_meter(yard.backend, user(yard.tenant_id), [(root.id, MeterReading(began, 199.0))])
    await yard.tick()
    later(yard, seconds=9)
    await site_meters.report_site_meter(yard.backend, user(yard.tenant_id), [(root.id, MeterReading(yard.backend.clock(), 195.5))])
    await yard.settle()
    assert {it.waiting_since for it in await allocations_of(yard) if it.power_kw == 0} == {began}


async def test_a_line_is_not_overloaded_by_vehicles_on_one_phase(yard: Yard) -> None:
    # given both AC charge points on one phase, of unknown rotation, below 30 A on each line
    root = await root_of(yard)
    evses = await yard.evses()
    async with yard.backend.unit_of_work(system_principal(yard.tenant_id, "test")) as work:
        for identity in ("CP-1", "CP-3"):
            of_one_phase = {"phases": 1, "min_power_kw": 1.38, "fallback_kw": 1.38, "fallback_in_force_kw": 1.38}
            await work.change(Evses, evses[identity, 1].id, **of_one_phase)
        await work.commit()
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
    root, evses, now = await root_of(yard), await yard.evses(), yard.backend.clock()
    async with yard.backend.unit_of_work(system_principal(yard.tenant_id, "test")) as work:
        for identity, rotation in (("CP-1", PhaseRotation.S), ("CP-3", PhaseRotation.T)):
            await work.change(Evses, evses[identity, 1].id, phases=1, phase_rotation=rotation)
        await work.commit()
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
