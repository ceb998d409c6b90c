"""What keeps somebody from more where the supply does not: ability, plan, ramp, minimum, set-points; and how urgency and weight share."""

from datetime import timedelta

import pytest

from ampyard.domain.power import Demand, Node, Reason, Share, explain, share_power
from tests.domain.power.cases import GRID, MORNING, evse


def wants(number: int = 1, wanted_kw: float = 22.0, **fields: object) -> Demand:
    given = {"priority": 1, "minimum_kw": 0.0, "current_kw": 0.0, "fallback_kw": 0.0, "online": True} | fields
    since = MORNING + timedelta(minutes=number)
    return Demand(evse_id=evse(number), node_id=GRID, since=since, wanted_kw=wanted_kw, **given)  # type: ignore[arg-type]  # as it takes them


def shared(limit_kw: float, *demands: Demand) -> list[float]:
    by_id = {share.evse_id: share.target_kw for share in share_power([Node(GRID, None, limit_kw)], demands)}
    return [by_id[d.evse_id] for d in demands]


@pytest.mark.parametrize(
    ("demand", "target_kw", "reason"),
    [
        (wants(), 22.0, Reason.WANTED),
        (wants(planned_kw=7.0), 7.0, Reason.PLANNED),
        (wants(planned_kw=0.0), 0.0, Reason.PLANNED),
        (wants(planned_kw=2.0, minimum_kw=4.2), 4.2, Reason.PLANNED),  # less would stop it
        (wants(planned_kw=30.0), 22.0, Reason.WANTED),
        (wants(planned_kw=7.0, urgency=1.0), 22.0, Reason.WANTED),  # there is no time left for the plan
        (wants(current_kw=6.0, ramp_kw=5.0), 11.0, Reason.RAMPING),
        (wants(ramp_kw=2.0, minimum_kw=4.2), 4.2, Reason.RAMPING),  # else it would never start
        (wants(current_kw=30.0, ramp_kw=5.0), 22.0, Reason.WANTED),
        (wants(wanted_kw=3.0, minimum_kw=4.2), 4.2, Reason.MINIMUM),
        (wants(steps=0.69), 21.39, Reason.STEP),  # 31 A of three phases
        (wants(steps=0.69, wanted_kw=22.08), 22.08, Reason.WANTED),
        (wants(steps=(6.0, 12.0, 24.0)), 12.0, Reason.STEP),
        (wants(steps=(6.0, 12.0, 24.0), minimum_kw=30.0), 0.0, Reason.WANTED),  # its charger cannot charge this vehicle
        (wants(wanted_kw=0.0), 0.0, Reason.WANTED),
    ],
)
def test_what_keeps_it_from_more(demand: Demand, target_kw: float, reason: Reason) -> None:
    (share,) = share_power([Node(GRID, None, 100.0)], [demand])

    assert (share.target_kw, share.reason, share.binding_node_id) == (target_kw, reason, None)


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (Reason.PLANNED, "Gets 7 kW, as planned: there is time to charge when that is better."),
        (Reason.MINIMUM, "Keeps 7 kW, the least it can charge with, though it takes less."),
        (Reason.RAMPING, "Gets 7 kW for now: its limit rises step by step."),
        (Reason.STEP, "Gets 7 kW: its charger knows no set-point between that and what it could use."),
    ],
)
def test_it_is_explained(reason: Reason, sentence: str) -> None:
    assert explain(Share(evse(1), 7.0, reason), {}) == sentence


def test_what_a_plan_leaves_goes_to_who_wants_it() -> None:
    assert shared(30.0, wants(1, planned_kw=5.0), wants(2, 50.0)) == [5.0, 25.0]


def test_twice_the_weight_is_twice_the_power() -> None:
    assert shared(30.0, wants(1, 50.0, weight=2.0), wants(2, 50.0)) == [20.0, 10.0]


def test_who_must_charge_at_full_power_comes_before_the_others_of_its_class() -> None:
    assert shared(30.0, wants(1, minimum_kw=4.2), wants(2, urgency=1.2), wants(3, urgency=0.9)) == [4.2, 22.0, 3.8]


def test_what_set_points_leave_is_shared_by_those_who_can_use_it() -> None:
    # Level 10 gives the first 6 of its list; the 14 left are what the other wants at most.
    assert shared(20.0, wants(1, steps=(6.0, 12.0, 24.0)), wants(2)) == [6.0, 14.0]


def test_whoever_waits_yields_to_who_is_on_and_who_gets_less_to_higher_classes() -> None:
    demands = [wants(1, priority=2), wants(2, minimum_kw=4.2), wants(3, minimum_kw=4.2)]

    shares = share_power([Node(GRID, None, 28.0)], demands)

    assert [(share.target_kw, share.rank, share.yielded_to) for share in shares] == [
        (22.0, 1, ()),
        (6.0, 1, (evse(1),)),
        (0.0, 2, (evse(1), evse(2))),
    ]


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        (0.0, "The step is 0.0 kW; it must be more than 0"),
        ((), r"The set-points \(\) are no list"),
        ((6.0, 6.0), "each higher than the one before"),
        ((0.0, 6.0), "give powers above 0 kW"),
    ],
)
def test_set_points_that_are_none_are_refused(steps: float | tuple[float, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        shared(10.0, wants(steps=steps))


@pytest.mark.parametrize(("weight", "urgency"), [(0.0, 0.0), (1.0, -0.1), (1.0, float("nan"))])
def test_weight_and_urgency_that_are_none_are_refused(weight: float, urgency: float) -> None:
    with pytest.raises(ValueError, match="a weight must be more than 0, an urgency a number from 0 up"):
        shared(10.0, wants(weight=weight, urgency=urgency))
