"""A power node with all that decides what it may supply now, and what flows through it."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.grid_signals import NO_GRID_LIMITS, GridLimits
from ampyard.domain.supply.limits import EffectiveLimit, LimitException, effective_limit
from ampyard.domain.supply.metering import SiteMeter, UnmanagedLoad, unmanaged_load
from ampyard.domain.supply.nodes import PowerNode


@dataclass(frozen=True, slots=True)
class NodeState:
    """A power node at a moment.

    With its depot's time zone, the exceptions and what comes from outside that may count then, and its site meter, if it has told anything.
    """

    node: PowerNode
    time_zone: str
    exceptions: tuple[LimitException, ...]
    meter: SiteMeter | None
    grid: GridLimits = NO_GRID_LIMITS

    def limit(self, at: datetime) -> EffectiveLimit:
        """Return the limit that counts."""
        return effective_limit(self.node, self.exceptions, at, self.time_zone, self.grid)

    def unmanaged(self, at: datetime) -> UnmanagedLoad:
        """Return the load at the node itself that is not ours."""
        return unmanaged_load(self.node, self.meter, at)


@dataclass(frozen=True, slots=True)
class NodePower:
    """What flows through a power node now, in kW, and what may.

    Measured is the sum of the latest measurements of the open transactions below it, allocated that of the limits they may
    use; unmanaged is what is not ours, of the node itself and of all below it; `limit_kw` is what counts now.
    """

    node_id: uuid.UUID
    measured_kw: float
    allocated_kw: float
    measured_at: datetime | None
    unmanaged_kw: float
    limit_kw: float

    @property
    def utilisation(self) -> float | None:
        """The part of the limit that flows, 1 for all of it; `None` where the limit is 0."""
        return (self.measured_kw + self.unmanaged_kw) / self.limit_kw if self.limit_kw > 0 else None
