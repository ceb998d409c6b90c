"""How a charge point follows the limits it has accepted: real ones do not always, and none says so."""

import math
from collections import deque
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

# In a fleet file: at once, not at all, or so many seconds late.
Obeys = Literal["always", "never"] | Annotated[float, Field(ge=0, le=3600)]


class Obedience:
    """What one EVSE makes of its limit over time."""

    def __init__(self, obeys: Obeys) -> None:
        self._obeys = obeys
        self._known: deque[tuple[datetime, float]] = deque()

    def obeyed_kw(self, limit_kw: float, now: datetime) -> float:
        """Return the limit that is followed at this moment, of the one that holds; times must not go back."""
        if self._obeys == "always":
            return limit_kw
        if self._obeys == "never":
            return math.inf
        if not self._known or self._known[-1][1] != limit_kw:
            self._known.append((now, limit_kw))
        begun = now - timedelta(seconds=self._obeys)
        while len(self._known) > 1 and self._known[1][0] <= begun:
            self._known.popleft()
        return self._known[0][1]
