"""Acting as a user, for support: by whom, why, and for how long."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.access import Scope
from ampyard.domain.errors import InvalidInputError

LONGEST = timedelta(minutes=60)
_REASON_LENGTHS = range(10, 501)
# Whoever helps sees and does what the user would; who may do what stays the tenant's own affair.
NEVER_GIVEN = frozenset({Scope.ACCESS_WRITE, Scope.OWNERS_WRITE, Scope.KEYS_WRITE})


@dataclass(frozen=True, slots=True)
class Impersonation:
    """A stay of an administrator of the installation as one of a tenant's users.

    Raises:
        InvalidInputError: no reason, or too long a one; or it would last longer than an hour, or not at all.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    user_id: uuid.UUID
    impersonator: str
    reason: str
    started_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    def __post_init__(self) -> None:
        if len(self.reason.strip()) not in _REASON_LENGTHS:
            message = f"The reason has {len(self.reason.strip())} characters; give 10 to 500: the tenant reads them."
            raise InvalidInputError(message, path=("input", "reason"))
        if not timedelta(minutes=1) <= self.expires_at - self.started_at <= LONGEST:
            raise InvalidInputError("It may last 1 to 60 minutes.", path=("input", "minutes"))

    def is_in_force(self, at: datetime) -> bool:
        """Tell whether it counts at time `at`."""
        return at < self.expires_at and self.ended_at is None
