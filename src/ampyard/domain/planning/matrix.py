"""The linear model of a layout: columns, rows and what stands between them, to which columns and rows can be added."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ampyard.domain.planning.layout import BoundRows, Floats, Ints, Layout


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the columns of each kind begin. Those of what flows into batteries begin at 0.

    Then come what flows into heaters, what lacks, what is beyond the target, the peak of the billing month, and what flows in all in each
    slot. The last two are there only with a demand charge.
    """

    heat: int
    lacks_minimum: int
    lacks_target: int
    beyond: int
    peak: int
    total: int
    end: int

    def minimum(self, stays: npt.ArrayLike) -> Ints:
        """Return the columns of what lacks to the minimum of these stays."""
        return self.lacks_minimum + np.asarray(stays, dtype=np.int64)

    def target(self, stays: npt.ArrayLike) -> Ints:
        """Return the columns of what lacks from the minimum to the target of these stays."""
        return self.lacks_target + np.asarray(stays, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Bounds of columns and rows, and the entries of the matrix in any order. The rows are those of stays, of bounds, then of the peak."""

    columns: Columns
    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats
    rows: Ints
    places: Ints
    coefficients: Floats
    integer: npt.NDArray[np.bool_]

    def with_columns(self, upper: Floats, *, integer: bool) -> "Model":
        """Return a model with more columns at the end, from 0 up to these bounds."""
        return replace(
            self,
            lower=np.concatenate([self.lower, np.zeros(len(upper))]),
            upper=np.concatenate([self.upper, upper]),
            integer=np.concatenate([self.integer, np.full(len(upper), integer)]),
        )

    def with_entries(self, rows: Ints, places: Ints, coefficients: Floats) -> "Model":
        """Return a model with more entries in the matrix, each at a place that has none."""
        return replace(
            self,
            rows=np.concatenate([self.rows, rows]),
            places=np.concatenate([self.places, places]),
            coefficients=np.concatenate([self.coefficients, coefficients]),
        )

    def with_rows(self, lower: Floats, upper: Floats, rows: Ints, places: Ints, coefficients: Floats) -> "Model":
        """Return a model with more rows at the end; `rows` counts from the first of them."""
        first = len(self.row_lower)
        longer = replace(self, row_lower=np.concatenate([self.row_lower, lower]), row_upper=np.concatenate([self.row_upper, upper]))
        return longer.with_entries(first + rows, places, coefficients)


def model_of(layout: Layout) -> Model:
    """Return the model of a layout.

    Each stay has a row: flows (of its chain) + lacks to the minimum + lacks to the target - beyond the target = need. Each bound has one
    for each slot in which it can bind; with a demand charge there are two more a slot, which add up what flows and hold it below the peak.
    """
    columns = _columns(layout)
    lower, upper = _bounds(layout, columns)
    all_stay = np.concatenate([layout.flows.stay, layout.preconditioning.stay])
    all_slot = np.concatenate([layout.flows.slot, layout.preconditioning.slot])
    nothing = np.zeros(0, dtype=np.int64)
    model = Model(columns, lower, upper, np.zeros(0), np.zeros(0), nothing, nothing, np.zeros(0), np.zeros(columns.end, dtype=bool))
    model = model.with_rows(layout.needs_target, layout.needs_target, *_stay_entries(layout, columns))

    limits = layout.rows
    if columns.peak < columns.total and layout.depths.count(0) == 1:
        # What flows past the only root is the total, of which there is a column: its limit is a bound there.
        at_root = limits.bound == layout.depths.index(0)
        upper[columns.total + limits.slot[at_root]] = limits.most[at_root]
        limits = BoundRows(limits.bound[~at_root], limits.slot[~at_root], limits.most[~at_root])
    row_of = np.full(layout.limits.shape, -1)
    row_of[limits.bound, limits.slot] = np.arange(len(limits.bound))
    rows, places, parts = [nothing], [nothing], [np.zeros(0)]
    for bound in np.unique(limits.bound):
        part = layout.parts[bound, all_stay]
        row = np.where(part != 0, row_of[bound, all_slot], -1)
        places.append(np.flatnonzero(row >= 0))
        rows.append(row[places[-1]])
        parts.append(part[places[-1]])
    row, place, part = np.concatenate(rows), np.concatenate(places), np.concatenate(parts)
    model = model.with_rows(np.full(len(limits.most), -np.inf), limits.most, row, place, part)
    model = model.with_rows(np.full(len(layout.tails.most), -np.inf), layout.tails.most, *_tail_entries(layout, columns))
    if columns.peak == columns.total:
        return model

    slots = np.arange(len(layout.hours))
    model = model.with_rows(
        np.zeros(len(slots)),
        np.zeros(len(slots)),
        np.concatenate([all_slot, slots]),
        np.concatenate([np.arange(len(all_slot)), columns.total + slots]),
        np.concatenate([np.ones(len(all_slot)), -np.ones(len(slots))]),
    )
    return model.with_rows(
        np.full(len(slots), -np.inf),
        -layout.unmanaged * layout.hours,
        np.concatenate([slots, slots]),
        np.concatenate([columns.total + slots, np.full(len(slots), columns.peak)]),
        np.concatenate([np.ones(len(slots)), -layout.hours]),
    )


def _columns(layout: Layout) -> Columns:
    stays, heat = len(layout.stays), len(layout.flows.stay)
    lacks = heat + len(layout.preconditioning.stay)
    peak = lacks + 3 * stays
    charged = layout.problem.demand_charge_per_kw > 0
    return Columns(heat, lacks, lacks + stays, lacks + 2 * stays, peak, peak + charged, peak + charged + charged * len(layout.hours))


def _bounds(layout: Layout, columns: Columns) -> tuple[Floats, Floats]:
    lower, upper = np.zeros(columns.end), np.full(columns.end, np.inf)
    upper[: columns.heat] = layout.flows.most
    upper[columns.heat : columns.lacks_minimum] = layout.preconditioning.most
    upper[columns.lacks_minimum : columns.lacks_target] = layout.lacks_minimum_most
    upper[columns.lacks_target : columns.beyond] = np.maximum(layout.needs_target, 0.0) - layout.lacks_minimum_most
    upper[columns.beyond : columns.peak] = np.maximum(layout.cap - layout.needs_target, 0.0)
    # A battery takes no more than fits in it, whatever is wanted of it.
    lower[columns.lacks_minimum : columns.lacks_target] = np.clip(layout.needs_minimum - layout.cap, 0.0, layout.lacks_minimum_most)
    lower[columns.lacks_target : columns.beyond] = (
        np.maximum(layout.needs_target - layout.cap, 0.0) - lower[columns.lacks_minimum : columns.lacks_target]
    )
    # What the month has cost already costs nothing more, and what flows anyway is no matter of this plan.
    lower[columns.peak : columns.total] = max(layout.problem.peak_so_far_kw, layout.unmanaged.max(initial=0.0))
    return lower, upper


def _tail_entries(layout: Layout, columns: Columns) -> tuple[Ints, Ints, Floats]:
    tails, flows = layout.tails, layout.flows
    slots = len(layout.hours)
    begins = np.searchsorted(flows.stay * slots + flows.slot, tails.stay * slots + tails.first)
    late = [np.arange(begin, end) for begin, end in zip(begins, np.searchsorted(flows.stay, tails.stay, side="right"), strict=True)]
    each = np.arange(len(tails.stay))
    rows = np.concatenate([np.repeat(each, [len(one) for one in late]), each, each])
    places = np.concatenate([*late, columns.minimum(tails.stay), columns.target(tails.stay)])
    return rows, places, np.concatenate([np.ones(len(rows) - 2 * len(each)), -np.ones(2 * len(each))])


def _stay_entries(layout: Layout, columns: Columns) -> tuple[Ints, Ints, Floats]:
    each = np.arange(len(layout.stays))
    ends = np.searchsorted(layout.flows.stay, np.arange(len(each) + 1))
    rows = [layout.flows.stay, each, each, each]
    places = [np.arange(columns.heat), columns.lacks_minimum + each, columns.lacks_target + each, columns.beyond + each]
    coefficients = [np.ones(columns.heat), np.ones(len(each)), np.ones(len(each)), -np.ones(len(each))]
    for number, (chain, factors) in enumerate(zip(layout.chains, layout.factors, strict=True)):
        for earlier, factor in zip(chain[:-1], factors[:-1], strict=True):
            before = np.arange(ends[earlier], ends[earlier + 1])
            rows.append(np.full(len(before), number))
            places.append(before)
            coefficients.append(np.full(len(before), factor))
    return np.concatenate(rows), np.concatenate(places), np.concatenate(coefficients)
