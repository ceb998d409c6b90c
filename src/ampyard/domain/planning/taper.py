"""Batteries take ever less above 80 %: a plan is bent to that in the end (`domain.charging_forecast.Battery` says how much less)."""

import numpy as np

from ampyard.domain.planning.layout import KNEE, LAST_SHARE, TOLERANCE, Floats, Layout


def bend(layout: Layout, kwh: Floats, heat_kwh: Floats) -> Floats:
    """Return, of what is planned for batteries in each slot (kWh at the plug), what they take; what one cannot take yet, it takes later.

    First all that no battery takes is taken out. Then each gets what it lost in later slots, as far as its plug, all nodes above, and,
    with a demand charge, the highest mean of the plan leave room. So limits and the peak are kept as they are.
    """
    held = _held_on_arrival(layout, kwh)
    batteries, efficiencies = _Batteries(layout), layout.efficiencies
    taken = np.zeros_like(kwh)
    now = held.copy()
    for slot in range(kwh.shape[1]):
        taken[:, slot] = np.minimum(kwh[:, slot], batteries.most(now, slot))
        now += taken[:, slot] * efficiencies
    lost = kwh - taken
    able = np.zeros_like(kwh)
    able[layout.flows.stay, layout.flows.slot] = layout.flows.most
    room = _room(layout, kwh + heat_kwh, taken + heat_kwh)
    for number in np.flatnonzero(lost.sum(axis=1) > TOLERANCE).tolist():
        above = np.append(np.flatnonzero(layout.below[:, number]), -1)
        since = int(np.argmax(lost[number] > 0))
        inside = held[number] + taken[number, :since].sum() * efficiencies[number]
        owed = lost[number].sum()
        for slot in (since + np.flatnonzero(able[number, since:] > 0)).tolist():
            if owed <= TOLERANCE:
                continue
            old = taken[number, slot]
            most = min(able[number, slot], batteries.most(inside, slot, number))
            new = min(most, old + max(0.0, min(owed, room[above, slot].min())))
            taken[number, slot] = new
            room[above, slot] -= new - old
            owed -= new - old
            inside += new * efficiencies[number]
    return taken


class _Batteries:
    """How much the batteries of all stays take in a slot at one power, without taking less at its end than at its begin.

    What reaches a battery falls from the knee on by so many kW (`fall`) with each kWh in it. At a steady power p over h hours it holds
    p h more at the end, hence p = (power at the knee - fall x (held - knee)) / (1 + fall h), and never more than its full power.
    """

    def __init__(self, layout: Layout) -> None:
        self._hours = layout.present
        self._efficiencies = layout.efficiencies
        capacity = np.array([stay.capacity_kwh for stay in layout.stays])
        self._full = np.array([stay.max_kw for stay in layout.stays]) * layout.efficiencies
        self._knee = KNEE * capacity
        with np.errstate(divide="ignore", invalid="ignore"):
            self._fall = np.where(capacity > 0, (1 - LAST_SHARE) * self._full / (capacity - self._knee), 0.0)

    def most(self, held: Floats | float, slot: int, number: int | slice = slice(None)) -> Floats:
        """Return how many kWh at the plug the batteries that hold so much take in a slot; of one stay, or of all."""
        full, fall, hours = self._full[number], self._fall[number], self._hours[number, slot]
        kw = np.minimum(full, (full - fall * (held - self._knee[number])) / (1 + fall * hours))
        most: Floats = np.maximum(kw, 0.0) * hours / self._efficiencies[number]
        return most


def _room(layout: Layout, planned: Floats, flowing: Floats) -> Floats:
    """Return what is left at each node in each slot, in kWh, and as the last row what is left below the highest mean that was planned."""
    before, total = (each.sum(axis=0) + layout.unmanaged * layout.hours for each in (planned, flowing))
    peak_kw = max(layout.problem.peak_so_far_kw, (before / layout.hours).max())
    below_peak = peak_kw * layout.hours - total if layout.problem.demand_charge_per_kw > 0 else np.full(len(layout.hours), np.inf)
    return np.vstack([layout.limits - layout.below.astype(np.float64) @ flowing, below_peak])


def _held_on_arrival(layout: Layout, kwh: Floats) -> Floats:
    gained = kwh.sum(axis=1) * layout.efficiencies
    stays = layout.stays
    return np.array(
        [
            stays[chain[0]].energy_kwh + gained[list(chain[:-1])].sum() - sum(stays[other].used_kwh for other in chain[1:])
            for chain in layout.chains
        ]
    )
