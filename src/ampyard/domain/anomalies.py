"""Anomalies: what about a transaction a person should look at before it is billed."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class AnomalyKind(StrEnum):
    """What is odd."""

    METER_BACKWARDS = "METER_BACKWARDS"
    ZERO_ENERGY = "ZERO_ENERGY"
    MISSING_BEGIN_REGISTER = "MISSING_BEGIN_REGISTER"
    NEVER_ENDED = "NEVER_ENDED"
    OVERLAP = "OVERLAP"
    IMPLAUSIBLE_ENERGY = "IMPLAUSIBLE_ENERGY"
    UNKNOWN_END = "UNKNOWN_END"


class Resolution(StrEnum):
    """What was decided: the measured values stand, a correction replaces them, or it is not billed at all."""

    ACCEPT_AS_MEASURED = "ACCEPT_AS_MEASURED"
    CORRECTED = "CORRECTED"
    NOT_BILLED = "NOT_BILLED"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something odd about a transaction, or, without `transaction_id`, about what a charge point told of one nobody knows.

    `detail` says in figures what was found, `evidence` by what. Until it is resolved, its transaction is not billed.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    charge_point_id: uuid.UUID
    transaction_id: uuid.UUID | None
    kind: AnomalyKind
    evidence: str
    detail: dict[str, Any]
    detected_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: Resolution | None
    note: str | None


class NotBillable(StrEnum):
    """Why a transaction is not billed."""

    UNRESOLVED_ANOMALY = "UNRESOLVED_ANOMALY"
    NOT_BILLED = "NOT_BILLED"


def not_billable(anomalies: Iterable[Anomaly]) -> NotBillable | None:
    """Return why a transaction with these anomalies is not billed; None: it is. What nobody has looked at comes first."""
    known = list(anomalies)
    if any(anomaly.resolution is None for anomaly in known):
        return NotBillable.UNRESOLVED_ANOMALY
    if any(anomaly.resolution is Resolution.NOT_BILLED for anomaly in known):
        return NotBillable.NOT_BILLED
    return None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd. `evidence` names what it was found by: the same finding, made again, is the same anomaly."""

    kind: AnomalyKind
    evidence: str
    detail: dict[str, Any]


# Registers come in whole Wh and in fractions of a kWh: the same value may differ by so much.
_REGISTER_SLACK_WH = 1.0
# What an EVSE delivers and what its plate says differ by some percent, and a register is not read at the very moment it is stamped with.
_POWER_SLACK = 1.1
_ENERGY_SLACK_WH = 500.0
# Clocks are set now and then.
_CLOCK_SLACK = timedelta(minutes=1)
# A vehicle may stay plugged in for days, and its charge point says so again and again.
SILENCE = timedelta(hours=24)


def meter_went_back(known: tuple[datetime, float] | None, told: Iterable[tuple[datetime, float]]) -> Finding | None:
    """Return the first register that is lower than one taken before it.

    Args:
        known: when the newest register was taken that is known so far, and the highest value in Wh; None: there is none.
        told: registers as they are reported now, by time; older ones than the known say nothing.
    """
    for at, register_wh in sorted(told):
        if known is not None and at >= known[0] and register_wh < known[1] - _REGISTER_SLACK_WH:
            detail = {"at": at.isoformat(), "register_wh": register_wh, "before_wh": known[1]}
            return Finding(AnomalyKind.METER_BACKWARDS, at.isoformat(), detail)
        if known is None or at >= known[0]:
            known = (at, register_wh if known is None else max(known[1], register_wh))
    return None


def no_energy(energy_wh: float) -> Finding | None:
    """Return that a transaction has ended without any energy."""
    return None if energy_wh > 0 else Finding(AnomalyKind.ZERO_ENERGY, "end", {"energy_wh": energy_wh})


def begin_unknown(*, begin_register_missing: bool, offline: bool, started_at: datetime) -> Finding | None:
    """Return that the register at the begin is not known, of a start that was told late or never."""
    if not begin_register_missing:
        return None
    detail = {"started_at": started_at.isoformat(), "start": "told late" if offline else "never told"}
    return Finding(AnomalyKind.MISSING_BEGIN_REGISTER, "begin", detail)


def never_ended(last_heard_at: datetime, *, connected_since: datetime | None, now: datetime) -> Finding | None:
    """Return that nothing has been heard of a running transaction for long, although its charge point is on the line all the while.

    Args:
        last_heard_at: when anything was last told of it.
        connected_since: since when its charge point has been on the line; None: it is not.
        now: the present time.
    """
    if connected_since is None or now - max(last_heard_at, connected_since) < SILENCE:
        return None
    detail = {"last_heard_at": last_heard_at.isoformat(), "connected_since": connected_since.isoformat()}
    return Finding(AnomalyKind.NEVER_ENDED, last_heard_at.isoformat(), detail)


def abandoned(last_heard_at: datetime, *, next_started_at: datetime) -> Finding:
    """Return that a charge point started anew on an EVSE and never told the end of this transaction."""
    detail = {"last_heard_at": last_heard_at.isoformat(), "next_started_at": next_started_at.isoformat()}
    return Finding(AnomalyKind.NEVER_ENDED, "abandoned", detail)


@dataclass(frozen=True, slots=True)
class Span:
    """When a transaction ran; without an end it still does."""

    transaction_id: uuid.UUID
    started_at: datetime
    ended_at: datetime | None


def overlap(this: Span, others: Sequence[Span]) -> Finding | None:
    """Return that another transaction ran on the same EVSE at the same time."""
    for other in others:
        begins = max(this.started_at, other.started_at)
        ends = min((end for end in (this.ended_at, other.ended_at) if end is not None), default=None)
        if ends is None or ends - begins > _CLOCK_SLACK:
            detail = {
                "transaction_id": str(other.transaction_id),
                "from": begins.isoformat(),
                "until": None if ends is None else ends.isoformat(),
            }
            return Finding(AnomalyKind.OVERLAP, str(other.transaction_id), detail)
    return None


def more_than_possible(energy_wh: float, span: timedelta, max_power_kw: float) -> Finding | None:
    """Return that more energy was measured in a time than the EVSE can deliver in it."""
    most_wh = max_power_kw * 1000 * (max(span, timedelta(0)) / timedelta(hours=1)) * _POWER_SLACK + _ENERGY_SLACK_WH
    if energy_wh <= most_wh:
        return None
    return Finding(
        AnomalyKind.IMPLAUSIBLE_ENERGY, "energy", {"energy_wh": energy_wh, "at_most_wh": round(most_wh), "max_power_kw": max_power_kw}
    )
