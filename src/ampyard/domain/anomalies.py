"""Anomalies: what about a transaction a person should look at before it is billed."""

import uuid
from dataclasses import dataclass
from datetime import datetime
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

    `detail` says in figures what was found. Until it is resolved, its transaction is not billed.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    charge_point_id: uuid.UUID
    transaction_id: uuid.UUID | None
    kind: AnomalyKind
    detail: dict[str, Any]
    detected_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: Resolution | None
    note: str | None
