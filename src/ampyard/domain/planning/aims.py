"""The aims of a plan in their order, each as what it costs per column of the model."""

from collections.abc import Iterator

import numpy as np

from ampyard.domain.planning.layout import TOLERANCE, Floats, Layout
from ampyard.domain.planning.matrix import Columns, Model


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


def with_fairness(layout: Layout, model: Model) -> Model:
    """Return a model with a column for each class: the greatest share of what it needs that any of its members lacks."""
    needing = np.flatnonzero(layout.needs_target > TOLERANCE)
    share = len(model.lower) + np.searchsorted(-np.array(layout.priorities), -layout.class_of[needing])
    each = np.arange(len(needing))
    return model.with_columns(np.full(len(layout.priorities), np.inf), integer=False).with_rows(
        np.full(len(needing), -np.inf),
        np.zeros(len(needing)),
        np.concatenate([each, each, each]),
        np.concatenate([model.columns.minimum(needing), model.columns.target(needing), share]),
        np.concatenate([np.ones(2 * len(needing)), -layout.needs_target[needing]]),
    )


def unfairness(layout: Layout, columns: Columns) -> Iterator[Floats]:
    """Yield the greatest share that any member of a class lacks, class by class; the columns are those of `with_fairness`."""
    for number in range(len(layout.priorities)):
        aim = np.zeros(columns.end + len(layout.priorities))
        aim[columns.end + number] = 1.0
        yield aim


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
