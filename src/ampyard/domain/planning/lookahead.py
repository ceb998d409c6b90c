"""What each vehicle is to take now, so that most of what all need is delivered before they leave: a light look ahead at every step.

The plan (`solve`) knows prices, chains of runs and targets, and is made every few minutes. This knows what is plugged in and when it is
expected to leave, and nothing else, and is cheap enough for each step: a linear programme over a first slot as long as a step and some
twenty more that grow with their distance. What is lost at a limit is lost because capacity goes unused later, when the vehicles that are
left can take no more, or wait on one line while the others idle. So what is best now depends on who will still be there, on which line.
"""

from dataclasses import dataclass
from typing import TypeAlias

import highspy
import numpy as np
import numpy.typing as npt

from ampyard.domain.planning.layout import Floats, Ints
from ampyard.domain.planning.lines import Phasors, span
from ampyard.domain.planning.solver import Solver

Bools: TypeAlias = npt.NDArray[np.bool_]

# A slot is as long as this share of the time until it begins: what is far off is uncertain anyway.
_COARSENING = 0.25
# What it is worth, beside its kWh, that a vehicle gets all it needs, spread over these kWh: a vehicle more that is ready for a
# kWh less that is delivered.
_READY_KWH = 1.0
# At most so much more a kWh counts for that, so that one which lacks next to nothing does not outweigh two others.
_READY_MOST = 0.3
# What a kWh loses of its worth between now and the departure of its vehicle: too little to give up any for it, enough that whoever is
# to leave first goes first, and charges in one go.
_LATENESS = 0.03
# The magnitude of a sum of phasors is held by its parts in some directions: many for now, when it counts, one for later.
_DIRECTIONS_NOW = 9
# So many steps of the simplex method a solution may take: ten times what was seen with two hundred vehicles. A limit of time would make
# the same facts come to something else on another day.
_MOST_ITERATIONS = 7_000
# What rounding leaves of nothing.
_NOTHING = 1e-9


class UnsolvedError(Exception):
    """No answer was found."""


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """Vehicles at their plugs, an entry of each array for one of them.

    `needed_kwh`: what it still needs at its plug. `hours`: how long it is expected to stay, more than 0. `most_kw`: what it can take.
    `least_kw`: below it, it cannot charge. `charging`: it has power now, and keeps the least while that fits. `weight`: what a kWh
    weighs.
    """

    needed_kwh: Floats
    hours: Floats
    most_kw: Floats
    least_kw: Floats
    charging: Bools
    weight: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """What limits vehicles together, a row for each limit: the magnitude of `parts` times powers in kW is at most `most`.

    `parts` has a column for each vehicle. Those of a limit of power are 1 or 0; those of a current are phasors, in amperes per kW.
    """

    parts: Phasors
    most: Floats


def look_ahead(visits: Visits, bounds: Bounds, *, step_hours: float) -> Floats:
    """Return what each is to take over the next `step_hours`, in kW: 0, or at least what it can charge with or all it needs.

    Who is charging goes on, at its least at least, as long as the least of all these fits. What is returned is within all bounds, but for
    those leasts.

    Raises:
        UnsolvedError: the solver found no answer, or not soon enough.
    """
    if not len(visits.hours):
        return np.zeros(0)
    edges = _edges(float(visits.hours.max()), step_hours)
    overlap = np.minimum(visits.hours[:, None], edges[1:]) - edges[:-1]
    who, slot = np.nonzero(overlap > 0)
    most = visits.most_kw[who] * overlap[who, slot]
    leasts = np.minimum(np.where(visits.charging, visits.least_kw, 0.0), np.minimum(visits.most_kw, visits.needed_kwh / step_hours))
    least = np.where(slot == 0, leasts[who] * overlap[who, slot], 0.0)
    rows = _rows(visits, bounds, np.diff(edges), who, slot, most)
    value = visits.weight * (1 + np.minimum(_READY_MOST, _READY_KWH / np.maximum(visits.needed_kwh, _NOTHING)))
    worth = value[who] - visits.weight[who] * _LATENESS * edges[slot] / visits.hours[who]
    taken = _solve(worth, least, most, *rows)
    if taken is None:
        taken = _solve(worth, np.zeros_like(least), most, *rows)
        leasts = np.zeros_like(leasts)
    first = slot == 0
    if taken is None:
        raise UnsolvedError(f"No answer for {len(visits.hours)} vehicles within {_MOST_ITERATIONS} iterations.")
    power = np.zeros(len(visits.hours))
    power[who[first]] = taken[first] / step_hours
    return _chargeable(visits, _within(power, leasts, bounds), step_hours)


def _edges(horizon: float, step: float) -> Floats:
    edges = [0.0, step]
    while edges[-1] < horizon:
        edges.append(edges[-1] + step * max(1.0, np.floor(_COARSENING * edges[-1] / step)))
    return np.array(edges)


def _rows(visits: Visits, bounds: Bounds, lengths: Floats, who: Ints, slot: Ints, most: Floats) -> tuple[Ints, Ints, Floats, Floats]:
    """Return the rows, columns and coefficients of the matrix, and the upper bound of each row: of visits, then of limits in slots."""
    rows, columns, coefficients, upper = [who], [np.arange(len(who))], [np.ones(len(who))], [visits.needed_kwh]
    count = len(visits.hours)
    for parts, limit in zip(bounds.parts, bounds.most, strict=True):
        middle, half = span(parts)
        for now, angles in ((True, middle + half * np.linspace(-1, 1, _DIRECTIONS_NOW if half else 1)), (False, [middle])):
            for angle in angles:
                share = (parts * np.exp(-1j * angle)).real[who]
                places = np.flatnonzero((np.abs(share) > _NOTHING) & ((slot == 0) == now))
                # A limit that all together cannot reach in a slot is none.
                reach = np.bincount(slot[places], np.maximum(share[places], 0.0) * most[places], minlength=len(lengths))
                binds = np.flatnonzero(reach > limit * lengths)
                row_of = np.full(len(lengths), -1)
                row_of[binds] = count + np.arange(len(binds))
                places = places[row_of[slot[places]] >= 0]
                rows.append(row_of[slot[places]])
                columns.append(places)
                coefficients.append(share[places])
                upper.append(limit * lengths[binds])
                count += len(binds)
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(coefficients), np.concatenate(upper)


def _solve(worth: Floats, least: Floats, most: Floats, rows: Ints, columns: Ints, coefficients: Floats, upper: Floats) -> Floats | None:
    """Return the columns of the highest worth, or None where the leasts do not fit."""
    solver = Solver()
    solver.setOptionValue("simplex_iteration_limit", _MOST_ITERATIONS)
    nothing = np.full(len(upper), -np.inf)
    entries = (rows, columns, coefficients)
    solver.load(worth, (least, np.maximum(most, least)), (nothing, upper), entries, sense=highspy.ObjSense.kMaximize)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    taken: Floats = np.maximum(np.array(solver.getSolution().col_value), 0.0)
    return taken


def _within(power: Floats, leasts: Floats, bounds: Bounds) -> Floats:
    """Scale down what is above the leasts where the directions let a magnitude pass its limit by a little."""
    for parts, limit in zip(bounds.parts, bounds.most, strict=True):
        magnitude = abs(parts @ power)
        if magnitude > limit:
            scaled = np.where(np.abs(parts) > _NOTHING, power * limit / magnitude, power)
            power = np.maximum(scaled, np.minimum(power, leasts))
    return power


def _chargeable(visits: Visits, power: Floats, step_hours: float) -> Floats:
    """Let those wait who would get less than they can charge with, unless it is all they need."""
    enough = np.minimum(visits.least_kw, visits.needed_kwh / step_hours)
    return np.where(power >= enough * (1 - 1e-6), power, 0.0)
