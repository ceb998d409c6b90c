"""From what is known of a depot to what the planner is asked."""

from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from ampyard.domain.energy import QUARTER_HOUR, floor_to
from ampyard.domain.grid_prices import mean_prices
from ampyard.domain.planning import PlanProblem, Slot, slots
from ampyard.domain.pricing import EnergyPrice
from ampyard.services.planning.outlook import HORIZON, Outlook
from ampyard.services.planning.stays import Guests, guests_of
from ampyard.services.planning.supply import plan_nodes


@dataclass(frozen=True, slots=True)
class Posed:
    """A problem; who its stays are; and what the plan will be shown with: what the roots may supply, and in which currency prices are."""

    problem: PlanProblem
    guests: Guests
    limits_kw: list[float]
    currency: str | None


def pose(outlook: Outlook) -> Posed:
    """Return the problem of a depot."""
    cut = slots(outlook.at, HORIZON)
    guests = guests_of(outlook, until=cut[-1].ends_at)
    nodes, flowing, limits = plan_nodes(outlook, guests, cut)
    prices, currency = _prices(outlook, cut)
    problem = PlanProblem(
        now=outlook.at,
        slots=cut,
        nodes=tuple(nodes),
        stays=tuple(guest.stay for guest in guests.planned.values()),
        prices_per_kwh=prices,
        demand_charge_per_kw=float(outlook.depot.demand_charge_per_kw or 0),
        peak_so_far_kw=outlook.peak_so_far_kw,
        unmanaged_kw=tuple(flowing),
    )
    return Posed(problem, guests, limits, currency)


def _prices(outlook: Outlook, of: tuple[Slot, ...]) -> tuple[tuple[float, ...], str | None]:
    """Return the price in each slot and the currency; none where no price is known for all of them.

    What the grid operator tells of a slot goes before the depot's own price. Prices in several currencies cannot be weighed against each
    other: then there is none, either.
    """
    known = sorted(outlook.prices, key=lambda price: (price.valid_from, price.created_at, price.id), reverse=True)
    told = mean_prices(outlook.told_prices, [(slot.begins_at, slot.ends_at) for slot in of])
    currencies = {price.currency for price in outlook.told_prices}
    found: list[float] = []
    for slot, price in zip(of, told, strict=True):
        own = None if price is not None else _own_price(known, slot, outlook.depot.time_zone, currencies)
        if price is None and own is None:
            return (), None
        found.append(price if price is not None else own or 0.0)
    return (tuple(found), currencies.pop()) if len(currencies) == 1 else ((), None)


def _own_price(newest_first: list[EnergyPrice], slot: Slot, time_zone: str, currencies: set[str]) -> float | None:
    """Return the mean of a depot's own price over the quarter-hours of a slot, and note its currencies."""
    begins = [floor_to(slot.begins_at, QUARTER_HOUR)]
    while begins[-1] + QUARTER_HOUR < slot.ends_at:
        begins.append(begins[-1] + QUARTER_HOUR)
    prices = [_in_force(newest_first, begin) for begin in begins]
    currencies |= {price.currency for price in prices if price is not None}
    values = [float(price.at(begin, time_zone)) for price, begin in zip(prices, begins, strict=True) if price is not None]
    return fmean(values) if len(values) == len(begins) else None


def _in_force(newest_first: list[EnergyPrice], moment: datetime) -> EnergyPrice | None:
    return next((price for price in newest_first if price.valid_from <= moment), None)
