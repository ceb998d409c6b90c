"""Whatever is lost, late or offline, what may be drawn stays within every limit: of every node and each of its lines."""

import random
import uuid
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ampyard.domain.power import Lines, Reserved, SetPoint, share_power, stage
from tests.domain.power.cases import Case, on_random_trees
from tests.domain.power.wired import overloads, random_case


class Yard:
    """Chargers behind links that fail: for each, every limit that it may be obeying, which always includes its fall-back."""

    def __init__(self, case: Case, draw: random.Random) -> None:
        self.case, self.draw = case, draw
        self.may_obey = {d.evse_id: {d.fallback_kw} for d in case.demands}
        self.offline: set[uuid.UUID] = set()
        self.late: list[SetPoint] = []

    def step(self) -> None:
        """Links drop and come back, answers arrive late or never, wishes change; then share, stage and send."""
        for d in self.case.demands:
            if self.draw.random() < 0.15:
                self.offline ^= {d.evse_id}
        for set_point in self.late:
            self.confirm(set_point)
        self.late = []
        wishes = [0.0, 3.7, 11.0, 22.0, 50.0]
        demands = [
            replace(
                d,
                wanted_kw=self.draw.choice(wishes) if self.draw.random() < 0.2 else d.wanted_kw,
                priority=self.draw.choice((1, 2)),
                current_kw=max(self.may_obey[d.evse_id]),
                online=d.evse_id not in self.offline,
            )
            for d in self.case.demands
        ]
        self.case = case = replace(self.case, demands=demands)
        shares = share_power(case.nodes, case.demands, case.reserved, reserve_fallbacks=True)
        for set_point in stage(case.nodes, case.demands, shares, case.reserved, reserve_fallbacks=True):
            self.send(set_point)

    def send(self, set_point: SetPoint) -> None:
        """It may arrive or not; the answer may come at once, later, or never."""
        fate = self.draw.random()
        self.may_obey[set_point.evse_id].add(set_point.limit_kw)
        if fate < 0.5:
            self.confirm(set_point)
        elif fate < 0.7:
            self.late.append(set_point)

    def confirm(self, set_point: SetPoint) -> None:
        """It obeys that, and what was sent to it since."""
        d = next(d for d in self.case.demands if d.evse_id == set_point.evse_id)
        if d.evse_id not in self.offline:
            self.may_obey[d.evse_id] = {set_point.limit_kw}

    def worst(self) -> Case:
        """Return the case in which everyone draws the most that it may: the highest limit, or the fall-back where the link is lost."""
        return replace(self.case, demands=[replace(d, online=True) for d in self.case.demands])

    def overloads(self) -> list[tuple[uuid.UUID, str]]:
        """Return what would then be too much."""
        most_kw = {d.evse_id: max(d.fallback_kw, *self.may_obey[d.evse_id]) for d in self.case.demands}
        return overloads(self.worst(), most_kw)


@settings(on_random_trees, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_no_limit_is_exceeded_whichever_links_and_answers_are_lost(seed: int, count: int) -> None:
    draw = random.Random(seed)
    case = random_case(draw, count)
    demands = [replace(d, fallback_kw=draw.choice((0.0, 1.38, 4.14)), ramp_kw=None, planned_kw=None) for d in case.demands]
    yard = Yard(replace(case, demands=demands), draw)
    if yard.overloads():  # such fall-backs are refused at configuration time
        yard = Yard(replace(case, demands=[replace(d, fallback_kw=0.0) for d in demands]), draw)

    for _ in range(8):
        yard.step()
        assert yard.overloads() == []


@settings(on_random_trees, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_who_wants_its_fallback_has_it_as_it_is_counted_anyway(seed: int, count: int) -> None:
    draw = random.Random(seed)
    case = random_case(draw, count)
    demands = [replace(d, fallback_kw=4.2, steps=None, minimum_kw=4.14, ramp_kw=None, planned_kw=None) for d in case.demands]
    case = replace(case, demands=demands)

    shares = share_power(case.nodes, case.demands, case.reserved, reserve_fallbacks=True)

    wanted_kw = {d.evse_id: d.wanted_kw for d in demands}
    assert all(share.target_kw >= min(wanted_kw[share.evse_id], 4.2) - 0.1 for share in shares)


@settings(on_random_trees, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_room_for_a_meter_that_shows_more_or_falls_silent_is_made_in_one_step(seed: int, count: int) -> None:
    """What is reserved rises, as a reading does or the fall-back of a silent meter; all reductions go out at once, and no raise before."""
    draw = random.Random(seed)
    case = random_case(draw, count)
    case = replace(case, demands=[replace(d, fallback_kw=0.0, online=True, ramp_kw=None) for d in case.demands])
    yard = Yard(case, random.Random(0))
    yard.may_obey = {share.evse_id: {share.target_kw} for share in share_power(case.nodes, case.demands, case.reserved)}
    more = [Reserved(draw.choice(case.nodes).id, draw.uniform(0, 60), Lines.L2) for _ in range(2)]
    demands = [replace(d, current_kw=max(yard.may_obey[d.evse_id])) for d in case.demands]
    yard.case = case = replace(case, demands=demands, reserved=[*case.reserved, *more])

    shares = share_power(case.nodes, case.demands, case.reserved, reserve_fallbacks=True)
    for set_point in stage(case.nodes, case.demands, shares, case.reserved, reserve_fallbacks=True):
        yard.confirm(set_point)

    assert yard.overloads() == []
