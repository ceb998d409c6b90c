"""How long a condition must last, how long it must be over, and which rules mean what is seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.alerts import (
    AlertKind,
    AlertRule,
    AlertSeverity,
    Condition,
    Sighting,
    Step,
    StepKind,
    is_meant,
    next_step,
    with_defaults,
)

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
S = timedelta(seconds=1)
RULE_ID, TARGET, ALERT, DEPOT = (UUID(int=n) for n in range(1, 5))


def rule(kind: AlertKind = AlertKind.OFFLINE, **values: object) -> AlertRule:
    made = AlertRule(
        id=RULE_ID,
        tenant_id=UUID(int=9),
        name="A rule",
        kind=kind,
        severity=AlertSeverity.WARNING,
        enabled=True,
        resource_group_id=None,
        depot_id=None,
        honours_downtime=True,
        created_at=NOW,
        updated_at=NOW,
        **with_defaults(kind, {}),
    )
    return replace(made, **values)  # type: ignore[arg-type]  # the fields of the rule


RULE = rule(after_s=60, clear_after_s=30)
SEEN = Sighting(TARGET)


def condition(since_s: float, over_s: float | None = None, alert: UUID | None = None) -> Condition:
    """Return a condition that has held for so long, and has been over for so long."""
    return Condition(RULE_ID, TARGET, NOW - since_s * S, None if over_s is None else NOW - over_s * S, alert)


@pytest.mark.parametrize(
    ("known", "seen", "step"),
    [
        (None, SEEN, Step(StepKind.REMEMBER, condition(0))),
        (None, replace(SEEN, since=NOW - 59 * S), Step(StepKind.REMEMBER, condition(59))),
        (None, replace(SEEN, since=NOW - 60 * S), Step(StepKind.OPEN, condition(60))),
        # A charge point's clock that is ahead does not make a condition begin in the future.
        (None, replace(SEEN, since=NOW + 60 * S), Step(StepKind.REMEMBER, condition(0))),
        (condition(59), SEEN, Step(StepKind.NOTHING, condition(59))),
        (condition(60), SEEN, Step(StepKind.OPEN, condition(60))),
        (condition(600, alert=ALERT), SEEN, Step(StepKind.NOTHING, condition(600, alert=ALERT))),
        # It came back before it had been over for long enough: the same alert.
        (condition(600, 29, ALERT), SEEN, Step(StepKind.REMEMBER, condition(600, alert=ALERT))),
        # It was over before it had lasted long enough.
        (condition(59), None, Step(StepKind.FORGET, condition(59))),
        (condition(600, alert=ALERT), None, Step(StepKind.REMEMBER, condition(600, 0, ALERT))),
        (condition(600, 29, ALERT), None, Step(StepKind.NOTHING, condition(600, 29, ALERT))),
        (condition(600, 30, ALERT), None, Step(StepKind.RESOLVE, condition(600, 30, ALERT))),
    ],
)
def test_the_next_step(known: Condition | None, seen: Sighting | None, step: Step) -> None:
    assert next_step(RULE, known, seen, NOW) == step


def test_a_step_needs_something_to_be_taken_with() -> None:
    with pytest.raises(ValueError, match="neither something seen"):
        next_step(RULE, None, None, NOW)


def test_without_delays_an_alert_opens_and_is_over_at_once() -> None:
    at_once = rule(after_s=0, clear_after_s=0)
    assert next_step(at_once, None, SEEN, NOW).kind is StepKind.OPEN
    assert next_step(at_once, condition(5, alert=ALERT), None, NOW).kind is StepKind.RESOLVE


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 5), st.integers(0, 5))
def test_alerts_do_not_flap(looks: list[bool], after: int, clear_after: int) -> None:
    """Whatever comes and goes, looked at every second: between two alerts of a target it has been over for `clear_after_s` at least."""
    watched = rule(after_s=after, clear_after_s=clear_after)
    known: Condition | None = None
    opened: list[int] = []
    for second, holds in enumerate(looks):
        step = next_step(watched, known, SEEN if holds else None, NOW + second * S) if holds or known is not None else None
        if step is None:
            continue
        match step.kind:
            case StepKind.OPEN:
                opened.append(second)
                known = replace(step.condition, alert_id=ALERT)
            case StepKind.RESOLVE | StepKind.FORGET:
                known = None
            case _:
                known = step.condition
    for first, second in pairwise(opened):
        between = "".join("1" if holds else "0" for holds in looks[first : second + 1])
        assert "0" * max(1, clear_after) in between
    for second in opened:
        # It had been seen at every look of the time that it must last.
        assert all(looks[max(0, second - after) : second + 1])


def test_a_rule_of_a_depot_means_what_is_in_it() -> None:
    assert is_meant(rule(depot_id=DEPOT), replace(SEEN, depot_id=DEPOT), NOW)
    assert not is_meant(rule(depot_id=DEPOT), replace(SEEN, depot_id=ALERT), NOW)
    assert not is_meant(rule(depot_id=DEPOT), SEEN, NOW)
    assert is_meant(rule(), replace(SEEN, depot_id=DEPOT), NOW)


def test_planned_downtime_counts_where_the_rule_honours_it() -> None:
    planned = replace(SEEN, is_planned=True)
    assert not is_meant(rule(honours_downtime=True), planned, NOW)
    assert is_meant(rule(honours_downtime=False), planned, NOW)


@pytest.mark.parametrize(("load_kw", "margin", "meant"), [(100.1, 0.0, True), (100.0, 0.0, False), (105.0, 5.0, False), (105.1, 5.0, True)])
def test_a_node_must_be_above_its_limit_by_the_margin(load_kw: float, margin: float, meant: bool) -> None:  # noqa: FBT001 - a parameter
    seen = replace(SEEN, facts={"load_kw": load_kw, "limit_kw": 100.0})
    assert is_meant(rule(AlertKind.OVER_LIMIT, margin_percent=margin), seen, NOW) is meant


@pytest.mark.parametrize(
    ("risk", "minutes", "include_at_risk", "meant"),
    [
        ("NOT_READY", 60, False, True),
        ("NOT_READY", 61, False, False),
        ("AT_RISK", 60, False, False),
        ("AT_RISK", 60, True, True),
    ],
)
def test_readiness_is_looked_at_for_a_time_before_the_departure(risk: str, minutes: int, include_at_risk: bool, meant: bool) -> None:  # noqa: FBT001 - parameters
    seen = replace(SEEN, departs_at=NOW + timedelta(minutes=minutes), facts={"risk": risk})
    assert is_meant(rule(AlertKind.NOT_READY, within_minutes=60, include_at_risk=include_at_risk), seen, NOW) is meant
