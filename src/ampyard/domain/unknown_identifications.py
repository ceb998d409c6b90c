"""Identifications that nobody has told us of: a card, an address or a contract that shows up at a charge point."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.id_tags import IdTagKind


class UnknownState(StrEnum):
    """What has become of it. One that was assigned is open again when it shows up after its tag was removed; a dismissed one stays so."""

    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    DISMISSED = "DISMISSED"


@dataclass(frozen=True, slots=True)
class UnknownIdentification:
    """An identification that no vehicle has, where it was seen last, and how often it was.

    `value` is as the charge point sent it, `kind` what it looks like. `id_tag_id` is the tag that was made of it.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    value: str
    canonical: str
    kind: IdTagKind
    first_seen_at: datetime
    last_seen_at: datetime
    times_seen: int
    state: UnknownState
    id_tag_id: uuid.UUID | None
    decided_by: str | None
    decided_at: datetime | None
