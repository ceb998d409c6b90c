"""The aims of a plan in their order, each as what it costs per column of the model."""

from collections.abc import Iterator

import numpy as np

from ampyard.domain.planning.layout import TOLERANCE, Floats, Layout
from ampyard.domain.planning.matrix import Columns


def lacking_minimum(layout: Layout, columns: Columns) -> Iterator[Floats]:
    """Yield what lacks to the minimum, weighted, class by class; classes in which nothing can lack are left out."""
    for priority in layout.priorities:
        members = np.flatnonzero((layout.class_of == priority) & (layout.lacks_minimum_most > TOLERANCE))
        if len(members):
            aim = np.zeros(columns.end)
            aim[columns.minimum(members)] = layout.weights[members]
            yield aim


def lacking_target(layout: Layout, columns: Columns) -> Iterator[Floats]:
    """Yield what lacks to the target, weighted, class by class; preconditioning is as much part of the target as what the battery gets."""
    heated = layout.preconditioning.stay
    for priority in layout.priorities:
        members = np.flatnonzero(layout.class_of == priority)
        aim = np.zeros(columns.end)
        aim[columns.target(members)] = layout.weights[members]
        aim[columns.heat : columns.lacks_minimum] = np.where(layout.class_of[heated] == priority, -layout.weights[heated], 0.0)
        yield aim


def cost(layout: Layout, columns: Columns) -> Floats:
    """Return what energy and the peak cost."""
    aim = np.zeros(columns.end)
    aim[: columns.heat] = layout.prices[layout.flows.slot]
    aim[columns.heat : columns.lacks_minimum] = layout.prices[layout.preconditioning.slot]
    aim[columns.peak : columns.total] = layout.problem.demand_charge_per_kw
    return aim


def unrest(layout: Layout, columns: Columns) -> Floats:
    """Return what makes a plan restless: energy late, and by turns.

    Each kWh counts by how far from now it flows, times a factor of its stay between 1 and 2 that grows with its class and the earlier it
    leaves. As these products grow in both, swapping two stays' turns never gains (Monge's condition), so that each charges in one go rather
    than in alternation, the one that has to leave first goes first, and what is late has time left for what nobody foresaw.
    """
    middle = np.cumsum(layout.hours) - layout.hours / 2
    never = max((stay.departs_at for stay in layout.stays if stay.departs_at is not None), default=layout.problem.now)
    order = sorted(
        range(len(layout.stays)),
        key=lambda number: (
            layout.stays[number].priority,
            layout.stays[number].departs_at is not None,
            never - (layout.stays[number].departs_at or never),
            layout.stays[number].id,
        ),
    )
    factor = np.empty(len(order))
    factor[order] = 1 + np.arange(len(order)) / len(order)
    aim = np.zeros(columns.end)
    aim[: columns.heat] = middle[layout.flows.slot] * factor[layout.flows.stay]
    return aim
