import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.charging_requests import (
    OVERDUE,
    ChargingRequest,
    Difference,
    RequestFlaw,
    RequestSource,
    Statement,
    counting,
    difference,
    flaw_of,
    overruled,
    with_runs,
)
from ampyard.domain.priorities import PriorityLevel

NOW = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BUS = uuid.UUID(int=1)


def statement(external_id: str | None = "r-1", **more: object) -> Statement:
    said = Statement(external_id, "Bus 1", BUS, min_soc_percent=60.0, max_soc_percent=90.0)
    return replace(said, **more)  # type: ignore[arg-type]  # the names of its own fields


def request(said: Statement, source: RequestSource = RequestSource.VDV463, number: int = 1) -> ChargingRequest:
    return ChargingRequest(
        id=uuid.UUID(int=number),
        tenant_id=uuid.UUID(int=9),
        depot_id=uuid.UUID(int=8),
        source=source,
        link_id=uuid.UUID(int=7) if source is RequestSource.VDV463 else None,
        **{name: getattr(said, name) for name in Statement.__dataclass_fields__},
        reason=None,
        author="somebody",
        priority_id=None,
        withdrawn_at=None,
        withdrawn_by=None,
        created_at=NOW,
        updated_at=NOW,
    )


def applied(known: list[ChargingRequest], changes: Difference) -> list[ChargingRequest]:
    """Return what is known once a list has been taken."""
    changed = {before.id: before.stating(said) for before, said in changes.changed}
    gone = {one.id for one in changes.withdrawn}
    kept = [changed.get(one.id, one) for one in known if one.id not in gone]
    return [*kept, *(request(said, number=1000 + n) for n, said in enumerate(changes.new))]


_MOMENTS = st.none() | st.integers(0, 48).map(lambda hours: NOW + hours * HOUR)
_STATEMENTS = st.builds(
    Statement,
    external_id=st.sampled_from([f"r-{n}" for n in range(6)]),
    vehicle_name=st.sampled_from(["Bus 1", "Bus 2"]),
    vehicle_id=st.sampled_from([BUS, uuid.UUID(int=2), None]),
    min_soc_percent=st.sampled_from([40.0, 60.0]),
    max_soc_percent=st.just(90.0),
    priority=st.none() | st.integers(0, 2),
    departs_at=_MOMENTS,
    ad_hoc=st.booleans(),
)
_LISTS = st.lists(_STATEMENTS, max_size=6, unique_by=lambda said: said.external_id)


@given(_LISTS, _LISTS, st.randoms(use_true_random=False))
def test_a_list_applied_to_any_other_gives_itself_and_nothing_the_second_time(
    before: list[Statement], after: list[Statement], order: Random
) -> None:
    known = [request(said, number=n) for n, said in enumerate(before)]
    order.shuffle(known)

    now_known = applied(known, difference(known, after))

    assert {one.external_id: one.statement for one in now_known} == {said.external_id: said for said in after}
    assert not difference(now_known, after)
    kept = {one.external_id: one.id for one in known}
    assert all(one.id == kept[one.external_id] for one in now_known if one.external_id in kept)


def test_a_list_tells_what_is_new_changed_missing_and_the_same() -> None:
    known = [request(statement(f"r-{n}"), number=n) for n in range(3)]

    found = difference(known, [statement("r-0"), statement("r-1", departs_at=NOW), statement("r-9")])

    assert found == Difference((statement("r-9"),), ((known[1], statement("r-1", departs_at=NOW)),), (known[2],))


def test_an_empty_list_withdraws_everything() -> None:
    known = [request(statement("r-0")), request(statement("r-1"), number=2)]

    assert difference(known, []) == Difference((), (), tuple(known))


def test_what_is_wrong_is_told_worst_first() -> None:
    assert flaw_of(statement()) is None
    assert flaw_of(statement(charge_point_name="CP-9:1")) is RequestFlaw.UNKNOWN_CHARGE_POINT
    assert flaw_of(statement(charge_point_name="CP-9:1", min_soc_percent=95.0)) is RequestFlaw.CONTRADICTORY
    assert flaw_of(statement(arrives_at=NOW, departs_at=NOW - HOUR)) is RequestFlaw.CONTRADICTORY
    assert flaw_of(statement(vehicle_id=None, min_soc_percent=95.0)) is RequestFlaw.UNKNOWN_VEHICLE


def test_requests_count_by_departure_and_without_one_last() -> None:
    late = request(statement("a", departs_at=NOW + 9 * HOUR), number=1)
    open_end = request(statement("b"), number=2)
    soon = request(statement("c", departs_at=NOW + HOUR), number=3)

    assert counting([late, open_end, soon], at=NOW) == {BUS: [soon, late, open_end]}


def test_what_is_flawed_withdrawn_or_long_overdue_does_not_count() -> None:
    said = statement()
    nobody = request(replace(said, vehicle_id=None, flaw=RequestFlaw.UNKNOWN_VEHICLE))
    odd = request(replace(said, flaw=RequestFlaw.CONTRADICTORY))
    withdrawn = replace(request(said), withdrawn_at=NOW)
    overdue = request(replace(said, departs_at=NOW - OVERDUE))
    late = request(replace(said, departs_at=NOW - OVERDUE + timedelta(seconds=1)))
    elsewhere = request(replace(said, flaw=RequestFlaw.UNKNOWN_CHARGE_POINT), number=2)

    assert counting([nobody, odd, withdrawn, overdue], at=NOW) == {}
    assert counting([late, elsewhere], at=NOW) == {BUS: [late, elsewhere]}


def test_a_person_overrules_a_management_system_for_the_same_stay_alone() -> None:
    person = request(statement(None, departs_at=NOW + 5 * HOUR), RequestSource.GRAPH, number=1)
    same_stay = request(statement("a", departs_at=NOW + 3 * HOUR), number=2)
    next_stay = request(statement("b", arrives_at=NOW + 5 * HOUR, departs_at=NOW + 9 * HOUR), number=3)
    everything = [same_stay, next_stay, person]

    assert counting(everything, at=NOW) == {BUS: [person, next_stay]}
    assert overruled(everything, at=NOW) == {same_stay.id: person}


def test_a_person_who_names_no_departure_overrules_until_it_is_withdrawn() -> None:
    person = request(statement(None), RequestSource.GRAPH, number=1)
    other = request(statement("b", arrives_at=NOW + 5 * HOUR), number=3)

    assert counting([other, person], at=NOW) == {BUS: [person]}
    assert counting([other, replace(person, withdrawn_at=NOW)], at=NOW) == {BUS: [other]}


@given(st.permutations(range(4)))
def test_who_counts_does_not_depend_on_the_order_of_reading(order: list[int]) -> None:
    requests = [
        request(statement(None, departs_at=NOW + 2 * HOUR), RequestSource.GRAPH, number=1),
        request(statement("a", departs_at=NOW + HOUR), number=2),
        request(statement("b", arrives_at=NOW + 3 * HOUR, level=PriorityLevel.HIGH), number=3),
        request(statement("c", vehicle_id=uuid.UUID(int=5)), number=4),
    ]

    found = counting([requests[n] for n in order], at=NOW)

    assert found == {BUS: [requests[0], requests[2]], uuid.UUID(int=5): [requests[3]]}


def test_a_request_goes_with_the_run_whose_departure_is_nearest() -> None:
    runs = {uuid.UUID(int=abs(n)): NOW + n * HOUR for n in (-1, 2, 5, 9)}
    near = request(statement("a", departs_at=NOW + 2.5 * HOUR), number=1)
    far = request(statement("b", departs_at=NOW + 7.1 * HOUR), number=2)
    left = request(statement("c", departs_at=NOW - HOUR), number=3)
    undated = request(statement("d"), number=4)

    assert with_runs([left, near, far], runs, at=NOW) == {uuid.UUID(int=1): left, uuid.UUID(int=2): near, uuid.UUID(int=9): far}
    assert with_runs([near, undated], runs, at=NOW) == {uuid.UUID(int=2): near, uuid.UUID(int=5): undated}
    assert with_runs([request(statement("e", departs_at=NOW + 20 * HOUR))], runs, at=NOW) == {}
    assert with_runs([near], {}, at=NOW) == {}
