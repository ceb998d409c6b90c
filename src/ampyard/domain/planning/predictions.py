"""What becomes of a stay at a forecast power: when it holds its minimum and its target, and what it leaves with.

The forecast is that of a plan, or any other: what flows now, where there is no plan. Above 80 % a battery takes ever less
(`domain.charging_forecast.Battery`), so that a stay may end with less than was planned for it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from ampyard.domain.charging_forecast import EFFICIENCY, Battery, Forecast, Step
from ampyard.domain.planning.model import Prediction, Slot, Stay

_HOUR = timedelta(hours=1)
# What counts as having reached a target, in kWh: meters and states of charge are no finer than that.
_REACHED_KWH = 1e-3


def predict(stay: Stay, forecast: Forecast, *, energy_kwh: float, now: datetime, until: datetime) -> Prediction:
    """Return what becomes of a stay that has `energy_kwh` when it arrives, or now where it is there already.

    The forecast is of what its battery is offered, at the plug. What happens after `until`, the end of the horizon, is not looked at.
    """
    begin = max(now, stay.arrives_at)
    end = max(begin, until if stay.departs_at is None else min(stay.departs_at, until))
    ends = Step(end, 0.0)
    # A battery counts with the efficiency of its model; that of the stay is brought in through the power.
    factor = stay.efficiency / EFFICIENCY
    steps = (*(Step(step.begins_at, max(0.0, step.kw) * factor) for step in forecast if step.begins_at < end), ends)
    battery = Battery(stay.capacity_kwh, stay.max_kw * factor) if stay.capacity_kwh > 0 else None
    final_kwh = energy_kwh if battery is None else battery.after(energy_kwh, steps, begin, end)

    def reached(kwh: float) -> datetime | None:
        if kwh - _REACHED_KWH <= energy_kwh:
            return begin
        at = None if battery is None else battery.reaches(kwh - _REACHED_KWH, energy_kwh, steps, begin)
        return None if at is None or at > end else at

    flows = [following.begins_at for step, following in pairwise(steps) if step.kw > 0 and following.begins_at > begin]
    ended = min(end, flows[-1]) if flows else begin
    full = final_kwh >= stay.capacity_kwh - _REACHED_KWH
    heat_kwh = sum(
        max(0.0, piece.kw) * max(timedelta(0), min(piece.ends_at, end) - max(piece.begins_at, begin)) / _HOUR
        for piece in stay.preconditioning
    )
    return Prediction(
        minimum_at=reached(stay.minimum_kwh),
        target_at=reached(stay.target_kwh),
        final_kwh=final_kwh,
        final_at=(full and reached(stay.capacity_kwh)) or ended,
        expected_kwh=(final_kwh - energy_kwh) / stay.efficiency + heat_kwh,
    )


def planned_forecast(stay: Stay, slots: Sequence[Slot], power_kw: Sequence[float], now: datetime) -> Forecast:
    """Return the planned power of a stay as a forecast; what is planned for a slot in which it comes or goes flows while it is there."""
    steps: list[Step] = []
    for slot, kw in zip(slots, power_kw, strict=True):
        if kw == 0 and (not steps or steps[-1].kw == 0):
            continue
        begin = max(slot.begins_at, stay.arrives_at, now)
        end = slot.ends_at if stay.departs_at is None else min(slot.ends_at, stay.departs_at)
        if begin >= end:
            continue
        dense = kw * slot.hours / ((end - begin) / _HOUR)
        if not steps or dense != steps[-1].kw:
            steps.append(Step(begin, dense))
    return tuple(steps)
