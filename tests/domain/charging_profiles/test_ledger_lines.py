"""What is promised ahead fits each line, by complex phasors, whichever answers never come."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ampyard.domain.charging_profiles import HORIZON, Ledger, Promise, Supplied, wanted_schedule
from ampyard.domain.limit_schedules import Schedule, Step, highest_of
from ampyard.domain.power import Lines
from tests.domain.power.wired import VOLTAGE_V, phasors_a

NOW = datetime(2026, 11, 2, 8, 7, tzinfo=UTC)
QUARTER = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
GRID, FEEDER = uuid.UUID(int=1), uuid.UUID(int=2)


def evse(number: int) -> uuid.UUID:
    return uuid.UUID(int=100 + number)


def at(minutes: int) -> datetime:
    return QUARTER + timedelta(minutes=minutes)


def constant(kw: float) -> Schedule:
    return Schedule.constant(kw, NOW)


def test_a_plan_is_cut_to_what_is_left_on_its_line() -> None:
    node = Supplied(GRID, None, constant(100.0), (constant(10.0), constant(4.0), constant(50.0)))
    other = Promise(evse(2), GRID, 0.0, constant(9.0), Lines.L1_L2_L3)
    ledger = Ledger([node], [Promise(evse(1), GRID, 0.5, None, Lines.L1), other], now=NOW)

    fitted = ledger.fit(evse(1), wanted_schedule(2.0, [Step(at(30), 20.0)], 0.5, now=NOW))

    assert [fitted.at(moment) for moment in (NOW, at(15), at(30), QUARTER + HORIZON)] == [2.0, 2.0, 7.0, 0.5]


def test_what_the_next_vehicle_may_draw_on_other_lines_is_kept_free() -> None:
    node = Supplied(GRID, None, constant(100.0), (constant(10.0), constant(4.0), constant(4.0)))
    single = Promise(evse(1), GRID, 1.38, None, Lines.L1, rest_kw=2.76, rest_line_kw=(0.0, 1.38, 1.38))
    ledger = Ledger([node], [single, Promise(evse(2), GRID, 0.0, None, Lines.L2)], now=NOW)

    fitted = ledger.fit(evse(2), wanted_schedule(1.0, [Step(at(30), 20.0)], 0.0, now=NOW))

    assert fitted.at(at(30)) == pytest.approx(2.62)


def test_no_more_counts_than_the_phases_in_use_can_give() -> None:
    node = Supplied(GRID, None, constant(100.0), (constant(10.0),) * 3)
    # 16 A on three phases were told, before it was known that the vehicle has one, of 7.36 kW at most.
    known = Promise(evse(1), GRID, 0.0, constant(11.04), Lines.L1, most_kw=7.36)
    assert Ledger([node], [known], now=NOW).overfull() == frozenset()
    assert Ledger([node], [Promise(evse(1), GRID, 0.0, constant(11.04), Lines.L1)], now=NOW).overfull() == {evse(1)}


def test_who_is_on_no_full_line_is_not_cut() -> None:
    node = Supplied(GRID, None, constant(100.0), (constant(3.0), constant(30.0), constant(30.0)))
    promises = [Promise(evse(n), GRID, 0.0, constant(5.0), lines) for n, lines in ((1, Lines.L1), (2, Lines.L2))]
    assert Ledger([node], promises, now=NOW).overfull() == {evse(1)}


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.booleans())
def test_whatever_is_told_and_answered_every_line_bears_what_may_be_drawn_ahead(seed: int, between_lines: bool) -> None:  # noqa: FBT001
    dice = random.Random(seed)
    kinds = [it for it in Lines if between_lines or it not in {Lines.L1_TO_L2, Lines.L2_TO_L3, Lines.L3_TO_L1, Lines.PAIR_UNKNOWN}]
    lines = {evse(n): dice.choice(kinds) for n in range(dice.randint(1, 8))}
    fallbacks = {it: dice.choice([0.0, 1.4, 4.14]) for it in lines}
    homes = {it: dice.choice((GRID, FEEDER)) for it in lines}

    def drawn_kw(node_id: uuid.UUID, kw: dict[uuid.UUID, float]) -> list[float]:
        known, beside = [0j, 0j, 0j], 0.0
        for it, one in kw.items():
            if node_id == GRID or homes[it] == node_id:
                currents, unknown = phasors_a(lines[it], one)
                known, beside = [a + b for a, b in zip(known, currents, strict=True)], beside + unknown
        return [(abs(current) + beside) * VOLTAGE_V / 1000 for current in known]

    # given lines on which all fall-backs fit, some of them with a limit that falls later
    limits = {
        node_id: [
            Schedule((Step(NOW, least + (more := dice.uniform(0, 20))), Step(at(60), least + more * dice.random())))
            for least in drawn_kw(node_id, fallbacks)
        ]
        for node_id in (GRID, FEEDER)
    }
    nodes = [Supplied(it, None if it == GRID else GRID, None, tuple(limits[it])) for it in limits]  # type: ignore[arg-type]  # three of them
    known: dict[uuid.UUID, Schedule | None] = dict.fromkeys(lines)
    held: dict[uuid.UUID, list[Schedule]] = {it: [] for it in lines}

    for _ in range(10):
        ledger = Ledger(nodes, [Promise(it, homes[it], fallbacks[it], known[it], lines[it]) for it in lines], now=NOW)
        assert ledger.overfull() == frozenset()
        chosen = dice.choice(list(lines))
        plan = {step.begins_at: step for step in (Step(at(dice.randrange(0, 240)), dice.uniform(0, 40)) for _ in range(4))}
        told = ledger.fit(chosen, wanted_schedule(fallbacks[chosen], plan.values(), fallbacks[chosen], now=NOW))
        before = known[chosen]
        if dice.random() < 0.5:
            known[chosen], held[chosen] = told, [told]
        else:
            known[chosen] = told if before is None else highest_of(before, told)
            held[chosen].append(told)

        for minutes in range(0, 240, 13):
            kw = {it: max([fallbacks[it], *(schedule.at(at(minutes)) for schedule in held[it])]) for it in lines}
            for node_id, of_node in limits.items():
                for line, limit in zip(drawn_kw(node_id, kw), of_node, strict=True):
                    assert line <= limit.at(at(minutes)) + 1e-5
