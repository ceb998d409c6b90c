"""No lost link overloads a node: whatever was told, whichever answers came, and whoever falls back."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ampyard.domain.charging_profiles import HORIZON, Ledger, Promise, Supplied, left_for_evses, wanted_schedule
from ampyard.domain.limit_schedules import Schedule, Step, highest_of

NOW = datetime(2026, 11, 2, 8, 7, tzinfo=UTC)
QUARTER = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
GRID, FEEDER = uuid.UUID(int=1), uuid.UUID(int=2)


def evse(number: int) -> uuid.UUID:
    return uuid.UUID(int=100 + number)


def at(minutes: int) -> datetime:
    return QUARTER + timedelta(minutes=minutes)


def test_a_plan_is_cut_where_others_were_promised_the_room() -> None:
    other = Schedule((Step(NOW, 20.0), Step(at(15), 40.0), Step(at(60), 5.0)))
    nodes = [Supplied(GRID, None, Schedule.constant(50.0, NOW)), Supplied(FEEDER, GRID, None)]
    ledger = Ledger(nodes, [Promise(evse(1), FEEDER, 5.0, None), Promise(evse(2), GRID, 5.0, other)], now=NOW)

    fitted = ledger.fit(evse(1), wanted_schedule(30.0, [Step(at(30), 22.0)], 5.0, now=NOW))

    # 20 kW of the other leave 30, 40 kW leave 10, and 5 kW all that is planned
    assert [fitted.at(moment) for moment in (NOW, at(0), at(15), at(30), at(60), NOW + HORIZON)] == [30.0, 30.0, 10.0, 10.0, 22.0, 5.0]


def test_a_limit_that_falls_later_makes_promises_too_large() -> None:
    promised = Schedule((Step(NOW, 30.0), Step(at(120), 5.0)))
    left = left_for_evses({NOW: 50.0, at(60): 20.0}, taken_kw=3.0)
    ledger = Ledger([Supplied(GRID, None, left)], [Promise(evse(1), GRID, 5.0, promised), Promise(evse(2), GRID, 5.0, None)], now=NOW)

    assert ledger.overfull() == {evse(1)}
    ledger.promise(evse(1), ledger.fit(evse(1), promised))
    assert ledger.overfull() == frozenset()


def test_an_evse_hangs_on_a_node() -> None:
    with pytest.raises(ValueError, match="no node of the tree"):
        Ledger([], [Promise(evse(1), GRID, 5.0, None)], now=NOW)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_whatever_is_told_and_answered_every_node_bears_what_may_be_drawn_ahead(seed: int) -> None:
    # given a tree whose fall-backs fit, with limits that change over time
    dice = random.Random(seed)
    ids = [uuid.UUID(int=n + 1) for n in range(dice.randint(1, 6))]
    parents = {node_id: dice.choice(ids[:n]) if n else None for n, node_id in enumerate(ids)}
    fallbacks = {evse(n): dice.choice([0.0, 1.4, 4.14, 10.0]) for n in range(dice.randint(1, 8))}
    homes = {evse_id: dice.choice(ids) for evse_id in fallbacks}

    def path(node_id: uuid.UUID | None) -> list[uuid.UUID]:
        return [] if node_id is None else [node_id, *path(parents[node_id])]

    below = {node_id: [evse_id for evse_id, home in homes.items() if node_id in path(home)] for node_id in ids}
    limits = {
        node_id: Schedule(
            tuple(
                Step(NOW if not n else at(15 * n), sum(fallbacks[it] for it in members) + dice.uniform(0, 60))
                for n in sorted({0, *(dice.randrange(1, 16) for _ in range(3))})
            )
        )
        for node_id, members in below.items()
    }
    held: dict[uuid.UUID, list[Schedule]] = {evse_id: [] for evse_id in fallbacks}
    known: dict[uuid.UUID, Schedule | None] = dict.fromkeys(fallbacks)

    for _ in range(12):
        nodes = [Supplied(node_id, parents[node_id], limits[node_id]) for node_id in ids]
        ledger = Ledger(nodes, [Promise(it, homes[it], fallbacks[it], known[it]) for it in fallbacks], now=NOW)
        assert ledger.overfull() == frozenset()

        # when one is told a plan, and it is confirmed, refused or never answered
        chosen = dice.choice(list(fallbacks))
        plan = [Step(at(dice.randrange(0, 240)), dice.uniform(0, 80)) for _ in range(dice.randrange(5))]
        now_kw = fallbacks[chosen]  # what may be sent for the present is not the ledger's to say
        told = ledger.fit(chosen, wanted_schedule(now_kw, {step.begins_at: step for step in plan}.values(), fallbacks[chosen], now=NOW))
        before = known[chosen]
        match dice.choice(["accepted", "refused", "lost"]):
            case "accepted":
                known[chosen], held[chosen] = told, [told]
            case "lost":
                known[chosen] = told if before is None else highest_of(before, told)
                held[chosen].append(told)

        # then whichever of its schedules each obeys, or its fall-back, every node bears it at any time ahead
        for minutes in range(0, 240, 7):
            moment = at(minutes)
            drawn = {it: max([fallbacks[it], *(schedule.at(moment) for schedule in held[it])]) for it in fallbacks}
            for node_id, members in below.items():
                assert sum(drawn[it] for it in members) <= limits[node_id].at(moment) + 1e-6
