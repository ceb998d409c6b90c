"""What a change does to a plan: for whoever asks "what if", before confirming it."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.planning.model import Plan


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes otherwise for one stay. `before` or `after` of a stay that one of the plans does not have is None.

    `minimum_at_*` is when it holds its minimum, `lacks_*_kwh` what lacks to it at departure, `final_*_kwh` what it leaves with.
    """

    stay_id: uuid.UUID
    minimum_at_before: datetime | None
    minimum_at_after: datetime | None
    lacks_before_kwh: float
    lacks_after_kwh: float
    final_before_kwh: float | None
    final_after_kwh: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a change does, in all: who becomes ready, who no more, and what is different in cost (energy, peak) and in the peak itself."""

    becomes_ready: tuple[uuid.UUID, ...]
    becomes_short: tuple[uuid.UUID, ...]
    changes: tuple[Change, ...]
    energy_cost: float
    demand_cost: float
    peak_kw: float

    @property
    def cost(self) -> float:
        """How much more it costs, less where it is negative."""
        return self.energy_cost + self.demand_cost


# Less than this is not told as a change, in kWh.
_SAME_KWH = 0.05


def compare(before: Plan, after: Plan) -> Comparison:
    """Return what is different in `after`, which is the plan with a proposed change; in the order of the stays' ids.

    A stay that only one of the plans has counts as ready where it is not there.
    """
    lacks = [{one.stay_id: one.lacks_minimum_kwh for one in plan.shortfalls} for plan in (before, after)]
    ids = sorted(before.stays.keys() | after.stays.keys())
    changes = [_change(stay_id, before, after, lacks[0].get(stay_id, 0.0), lacks[1].get(stay_id, 0.0)) for stay_id in ids]
    return Comparison(
        becomes_ready=tuple(sorted(lacks[0].keys() - lacks[1].keys())),
        becomes_short=tuple(sorted(lacks[1].keys() - lacks[0].keys())),
        changes=tuple(change for change in changes if _matters(change)),
        energy_cost=after.energy_cost - before.energy_cost,
        demand_cost=after.demand_cost - before.demand_cost,
        peak_kw=after.peak_kw - before.peak_kw,
    )


def _change(stay_id: uuid.UUID, before: Plan, after: Plan, lacks_before_kwh: float, lacks_after_kwh: float) -> Change:
    old, new = (plan.stays[stay_id].prediction if stay_id in plan.stays else None for plan in (before, after))
    return Change(
        stay_id,
        None if old is None else old.minimum_at,
        None if new is None else new.minimum_at,
        lacks_before_kwh,
        lacks_after_kwh,
        None if old is None else old.final_kwh,
        None if new is None else new.final_kwh,
    )


def _matters(change: Change) -> bool:
    if change.final_before_kwh is None or change.final_after_kwh is None:
        return True
    kwh = max(abs(change.final_after_kwh - change.final_before_kwh), abs(change.lacks_after_kwh - change.lacks_before_kwh))
    return kwh > _SAME_KWH or change.minimum_at_before != change.minimum_at_after
