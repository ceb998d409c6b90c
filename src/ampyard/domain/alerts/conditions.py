"""From what is seen again and again to alerts that open once: how long a condition must last, and how long it must be over."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ampyard.domain.alerts.kinds import AlertKind
from ampyard.domain.alerts.rules import AlertRule


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something of a kind that is so now of a target, whichever rules there are.

    `since` is from when on it has been so, as far as what is stored says; None: it does not. `is_planned`: the charge point is down as
    planned. `facts` are figures, without names.
    """

    target_id: uuid.UUID
    since: datetime | None = None
    depot_id: uuid.UUID | None = None
    charge_point_id: uuid.UUID | None = None
    power_node_id: uuid.UUID | None = None
    vehicle_id: uuid.UUID | None = None
    transaction_id: uuid.UUID | None = None
    assignment_id: uuid.UUID | None = None
    is_planned: bool = False
    departs_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Condition:
    """What is remembered of a rule's condition of a target from one look to the next.

    It has held since `since`, and has been over since `over_since`, if it is. `alert_id` is the alert that it has opened; one that
    was resolved by hand stays here until the condition is over, so that no other opens meanwhile.
    """

    rule_id: uuid.UUID
    target_id: uuid.UUID
    since: datetime
    over_since: datetime | None = None
    alert_id: uuid.UUID | None = None


class StepKind(StrEnum):
    """What to do after a look: nothing, remember the condition, open an alert for it, resolve its alert, or forget it."""

    NOTHING = "NOTHING"
    REMEMBER = "REMEMBER"
    OPEN = "OPEN"
    RESOLVE = "RESOLVE"
    FORGET = "FORGET"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and the condition as it is to be remembered; after RESOLVE and FORGET as it was."""

    kind: StepKind
    condition: Condition


def is_meant(rule: AlertRule, sighting: Sighting, now: datetime) -> bool:
    """Tell whether something of a rule's kind that was seen within the rule's resource group is what the rule is about."""
    if rule.depot_id not in {None, sighting.depot_id} or (rule.honours_downtime and sighting.is_planned):
        return False
    facts = sighting.facts
    if rule.kind is AlertKind.OVER_LIMIT:
        return bool(facts["load_kw"] > facts["limit_kw"] * (1 + (rule.margin_percent or 0) / 100))
    soon = sighting.departs_at is not None and sighting.departs_at - now <= timedelta(minutes=rule.within_minutes or 0)
    if rule.kind is AlertKind.SHORTFALL:
        return soon
    if rule.kind is AlertKind.NOT_READY:
        return soon and (facts["risk"] == "NOT_READY" or bool(rule.include_at_risk))
    return True


def next_step(rule: AlertRule, condition: Condition | None, sighting: Sighting | None, now: datetime) -> Step:
    """Return what a look at one target means; `condition` is what was remembered, `sighting` what is so now. One of them there is.

    Raises:
        ValueError: neither is given.
    """
    if sighting is not None:
        return _holds(rule, condition, sighting, now)
    if condition is None:
        raise ValueError("There is neither something seen nor something remembered to take a step with.")
    return _is_over(rule, condition, now)


def _holds(rule: AlertRule, condition: Condition | None, sighting: Sighting, now: datetime) -> Step:
    if condition is None:
        since = now if sighting.since is None else min(sighting.since, now)
        condition, known = Condition(rule.id, sighting.target_id, since), False
    else:
        condition, known = replace(condition, over_since=None), condition.over_since is None
    if condition.alert_id is None and now - condition.since >= rule.after:
        return Step(StepKind.OPEN, condition)
    return Step(StepKind.NOTHING if known else StepKind.REMEMBER, condition)


def _is_over(rule: AlertRule, condition: Condition, now: datetime) -> Step:
    if condition.alert_id is None:
        return Step(StepKind.FORGET, condition)
    over_since = condition.over_since or now
    if now - over_since >= rule.clear_after:
        return Step(StepKind.RESOLVE, condition)
    remembered = replace(condition, over_since=over_since)
    return Step(StepKind.NOTHING if condition.over_since is not None else StepKind.REMEMBER, remembered)
