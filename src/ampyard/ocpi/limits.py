"""How much a partner may ask: so many requests a minute, over all processes."""

import math

from ampyard.domain.access import Principal
from ampyard.domain.roaming.partners import OcpiPartner
from ampyard.ocpi.errors import OcpiError, Refusal
from ampyard.repositories.budgets import Buckets, Budgets

# A bucket fills by whole points a second; so that "n a minute" is whole, a request is 60 points.
_POINTS = 60


class RequestLimits:
    """A bucket for each partner that holds a minute's requests; without budgets nobody is limited."""

    def __init__(self, budgets: Budgets | None) -> None:
        self._budgets = budgets
        self._buckets: dict[int, Buckets] = {}

    async def take(self, partner: OcpiPartner, principal: Principal) -> None:
        """Count a request.

        Raises:
            OcpiError: HTTP 429, with Retry-After; the partner has asked as often as it may.
        """
        if self._budgets is None:
            return
        a_minute = partner.requests_per_minute
        if a_minute not in self._buckets:
            self._buckets[a_minute] = self._budgets.buckets(capacity=a_minute * _POINTS, restore_per_s=a_minute)
        admission = await self._buckets[a_minute].take(principal, _POINTS)
        if not admission.allowed:
            again_s = max(1, math.ceil(admission.retry_after_s))
            message = f"You may ask {a_minute} times a minute; ask again in {again_s} s."
            raise OcpiError(Refusal.TOO_MANY_REQUESTS, message, {"Retry-After": str(again_s)})
