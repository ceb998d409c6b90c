"""Reservations: an EVSE kept for one identification until somebody comes, gives it up, or the time is over."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.id_tags import IdTagKind, canonical

# Whoever keeps an EVSE for longer means a block, or should ask again.
LONGEST = timedelta(days=1)


class ReservationState(StrEnum):
    """REQUESTED → ACTIVE → one of the last four; REFUSED: the charge point has never taken it.

    USED: a transaction has begun with it. CANCELED: given up, by us or by the charge point. EXPIRED: nobody came in time.
    """

    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    REFUSED = "REFUSED"
    USED = "USED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"

    @property
    def final(self) -> bool:
        """Whether nothing is kept any more."""
        return self not in {ReservationState.REQUESTED, ReservationState.ACTIVE}


@dataclass(frozen=True, slots=True)
class Reservation:
    """An EVSE that is kept for an id tag, or for one of its group.

    `number` names it at charge points: unique over the installation, as several parties may reserve at one. `outcome` is how it ended,
    in words. `partner_id` and `partner_reference` are the roaming partner that asked for it and what that calls it;
    `authorization_id` is the authorisation it came with (all None: it is our own).
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    charge_point_id: uuid.UUID
    evse_id: uuid.UUID
    number: int
    id_tag: str
    id_tag_kind: IdTagKind
    group_id: str | None
    state: ReservationState
    outcome: str | None
    expires_at: datetime
    author: str
    transaction_id: uuid.UUID | None
    partner_id: uuid.UUID | None
    partner_reference: str | None
    authorization_id: uuid.UUID | None
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None

    def keeps(self, at: datetime) -> bool:
        """Tell whether the EVSE is kept at a moment: also while the charge point has not answered yet."""
        return not self.state.final and at < self.expires_at

    def admits(self, id_tag: str | None, group_id: str | None = None) -> bool:
        """Tell whether it is kept for an id tag, or for another of the same group (OCPP 1.6, 5.13; 2.0.1 part 2, H03)."""
        if id_tag is not None and canonical(id_tag) == canonical(self.id_tag):
            return True
        return self.group_id is not None and group_id is not None and self.group_id.lower() == group_id.lower()


def checked_expiry(expires_at: datetime, *, now: datetime) -> datetime:
    """Return until when an EVSE is to be kept.

    Raises:
        InvalidInputError: it is over already, or more than a day away.
    """
    if not now < expires_at <= now + LONGEST:
        message = f"expiresAt is {expires_at.isoformat()}; give a moment from now until {(now + LONGEST).isoformat()}."
        raise InvalidInputError(message, ("input", "expiresAt"))
    return expires_at
