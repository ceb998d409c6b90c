"""Batteries take ever less above 80 %: a plan is bent to that in the end (`domain.charging_forecast.Battery` says how much less)."""

import numpy as np

from ampyard.domain.planning.layout import KNEE, LAST_SHARE, TOLERANCE, Floats, Layout


def bend(layout: Layout, kwh: Floats, heat_kwh: Floats) -> Floats:
    """Return, of what is planned for batteries in each slot (kWh at the plug), what they take; what one cannot take yet, it takes later.

    First all that no battery takes is taken out. Then each gets what it lost in later slots, as far as its plug, all nodes above, and,
    with a demand charge, the highest mean of the plan leave room. Only for a minimum that peak is not kept.
    """
    batteries, efficiencies = _Batteries(layout), layout.efficiencies
    held = _held_on_arrival(layout, kwh)
    taken, now = np.zeros_like(kwh), held.copy()
    for slot in range(kwh.shape[1]):
        taken[:, slot] = np.minimum(kwh[:, slot], batteries.most(now, slot))
        now += taken[:, slot] * efficiencies
    lost = kwh - taken
    able = np.zeros_like(kwh)
    able[layout.flows.stay, layout.flows.slot] = layout.flows.most
    room = _room(layout, kwh + heat_kwh, taken + heat_kwh)
    for number in sorted(range(len(kwh)), key=lambda number: len(layout.chains[number])):
        part, stay = layout.parts[:, number], layout.stays[number]
        # Of a chain, what an earlier stay could not make up for is owed, too: this one was planned to begin with it.
        earlier = list(layout.chains[number][:-1])
        missing = float(((kwh[earlier] - taken[earlier]).sum(axis=1) * efficiencies[earlier]).sum()) if earlier else 0.0
        owed = float(lost[number].sum()) + missing / stay.efficiency
        if owed <= TOLERANCE:
            continue
        begins_with = held[number] - missing
        since = 0 if missing > TOLERANCE else int(np.argmax(lost[number] > 0))
        owed -= _later(batteries, room, np.append(part, 1.0), able[number], taken[number], number, since, begins_with, owed)
        lacking = stay.minimum_kwh - begins_with - taken[number].sum() * efficiencies[number]
        if layout.counts[number] and lacking > TOLERANCE:
            owed = min(owed, lacking / stay.efficiency)
            _later(batteries, room, np.append(part, 0.0), able[number], taken[number], number, since, begins_with, owed)
    return taken


def _later(
    batteries: "_Batteries",
    room: Floats,
    part: Floats,
    able: Floats,
    taken: Floats,
    number: int,
    since: int,
    held: float,
    owed: float,
) -> float:
    """Give a stay what it is owed in the slots since then, in place; return how much that was."""
    efficiency, given, bounds = batteries.efficiencies[number], 0.0, part > 0
    held += taken[:since].sum() * efficiency
    for slot in (since + np.flatnonzero(able[since:] > 0)).tolist():
        if owed - given <= TOLERANCE:
            break
        old = taken[slot]
        most = min(able[slot], batteries.most(held, slot, number))
        left = (room[bounds, slot] / part[bounds]).min()
        taken[slot] = min(most, old + max(0.0, min(owed - given, left)))
        room[:, slot] -= part * (taken[slot] - old)
        given += taken[slot] - old
        held += taken[slot] * efficiency
    return given


class _Batteries:
    """How much the batteries of all stays take in a slot at one power, without taking less at its end than at its begin.

    What reaches a battery falls from the knee on by so many kW (`fall`) with each kWh in it. At a steady power p over h hours it holds
    p h more at the end, hence p = (power at the knee - fall x (held - knee)) / (1 + fall h), and never more than its full power.
    """

    def __init__(self, layout: Layout) -> None:
        self._hours = layout.present
        self.efficiencies = layout.efficiencies
        capacity = np.array([stay.capacity_kwh for stay in layout.stays])
        self._full = np.array([stay.max_kw for stay in layout.stays]) * layout.efficiencies
        self._knee = KNEE * capacity
        with np.errstate(divide="ignore", invalid="ignore"):
            self._fall = np.where(capacity > 0, (1 - LAST_SHARE) * self._full / (capacity - self._knee), 0.0)

    def most(self, held: Floats | float, slot: int, number: int | slice = slice(None)) -> Floats:
        """Return how many kWh at the plug the batteries that hold so much take in a slot; of one stay, or of all."""
        full, fall, hours = self._full[number], self._fall[number], self._hours[number, slot]
        kw = np.minimum(full, (full - fall * (held - self._knee[number])) / (1 + fall * hours))
        most: Floats = np.maximum(kw, 0.0) * hours / self.efficiencies[number]
        return most


def _room(layout: Layout, planned: Floats, flowing: Floats) -> Floats:
    """Return what is left at each bound in each slot, in kWh, and as the last row what is left below the highest mean that was planned."""
    before, total = (each.sum(axis=0) + layout.unmanaged * layout.hours for each in (planned, flowing))
    peak_kw = max(layout.problem.peak_so_far_kw, (before / layout.hours).max())
    below_peak = peak_kw * layout.hours - total if layout.problem.demand_charge_per_kw > 0 else np.full(len(layout.hours), np.inf)
    return np.vstack([layout.limits - layout.parts @ flowing, below_peak])


def _held_on_arrival(layout: Layout, kwh: Floats) -> Floats:
    gained = kwh.sum(axis=1) * layout.efficiencies
    stays = layout.stays
    return np.array(
        [
            stays[chain[0]].energy_kwh + gained[list(chain[:-1])].sum() - sum(stays[other].used_kwh for other in chain[1:])
            for chain in layout.chains
        ]
    )
