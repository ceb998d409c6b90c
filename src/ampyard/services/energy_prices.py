"""What energy costs in a depot: set from a time on, kept for ever; and what ended transactions cost, worked out of it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from itertools import pairwise

from ampyard.domain.access import Principal, Scope, system_principal
from ampyard.domain.currencies import is_currency
from ampyard.domain.energy import QUARTER_HOUR, floor_to
from ampyard.domain.errors import Problems
from ampyard.domain.ids import new_id
from ampyard.domain.pricing import EnergyPrice, PriceWindow
from ampyard.domain.transactions import TransactionState
from ampyard.repositories.accounts import costs_of
from ampyard.repositories.depots import Depots
from ampyard.repositories.directory import Directory
from ampyard.repositories.energy_prices import EnergyPrices
from ampyard.repositories.transactions import Transactions, have_costs_due
from ampyard.services.backend import Backend

_BATCH = 500
_DECIMALS = 6
_HIGHEST = Decimal(1_000_000)
_MOST_WINDOWS = 50
_QUARTER_MIN = 15
_DAY_MIN = 24 * 60
_WEEK_MIN = 7 * _DAY_MIN


@dataclass(frozen=True, slots=True)
class NewEnergyPrice:
    """What is asked for: a price a kWh in a depot from `valid_from` (`None`: the present quarter-hour) on, with windows of the week."""

    depot_id: uuid.UUID
    currency: str
    price_per_kwh: Decimal
    windows: Sequence[PriceWindow] = ()
    valid_from: datetime | None = None


async def set_energy_price(backend: Backend, principal: Principal, wanted: NewEnergyPrice) -> EnergyPrice:
    """Set what energy costs in a depot from a time on. Earlier prices stay for what was charged before.

    What transactions cost that ended since then is worked out anew.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or its reach does not go so far.
        InvalidInputError: no such currency, an impossible price, or windows that overlap or do not begin and end on a quarter-hour.
        NotFoundError: there is no such depot.
    """
    principal.require(Scope.DEPOTS_WRITE)
    _check(wanted)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        depot = await work.require(Depots, wanted.depot_id, "depot")
        price = EnergyPrice(
            id=new_id(),
            tenant_id=work.tenant_id,
            depot_id=depot.id,
            currency=wanted.currency,
            price_per_kwh=wanted.price_per_kwh,
            windows=tuple(wanted.windows),
            valid_from=wanted.valid_from or floor_to(work.now, QUARTER_HOUR),
            author=principal.author,
            created_at=work.now,
        )
        await work.add(EnergyPrices, price)
        await have_costs_due(work.session, depot.id, since=price.valid_from)
        await work.audit(
            "energy_price.set",
            "depot",
            depot.id,
            currency=price.currency,
            price_per_kwh=str(price.price_per_kwh),
            valid_from=price.valid_from.isoformat(),
            windows=len(price.windows),
        )
        work.answers(energy_price=price)
        await work.commit()
    return price


async def settle_due(backend: Backend) -> int:
    """Work out what ended transactions cost whose end, corrections, anomalies or prices have changed; returns how many were looked at.

    The figure that is kept is for lists and charts; the graph works out each cost that it shows. A part of them at a time: who
    calls this calls it again.
    """
    async with backend.database.system_snapshot() as system:
        tenants = sorted({depot.tenant_id for depot in await Directory(system).depots()})
    settled = 0
    for tenant_id in tenants:
        async with backend.unit_of_work(system_principal(tenant_id, "costs")) as work:
            due = await Transactions(work.session).with_cost_due(limit=_BATCH)
            costs = await costs_of(work.session, [one.id for one in due if one.state is TransactionState.ENDED]) if due else {}
            for one in due:
                cost = costs.get(one.id)
                amount, currency = (None, None) if cost is None else (cost.amount, cost.currency)
                await work.change(Transactions, one.id, cost_amount=amount, cost_currency=currency, cost_due=False)
            settled += len(due)
            await work.commit()
    return settled


def _check(wanted: NewEnergyPrice) -> None:
    problems = Problems()
    message = f"{wanted.currency!r} is no currency; give its three letters of ISO 4217, such as EUR."
    problems.check(is_currency(wanted.currency), message, "input", "currency")
    _check_price(problems, wanted.price_per_kwh, "input", "pricePerKwh")
    if wanted.valid_from is not None:
        message = f"validFrom {wanted.valid_from.isoformat()} is not on a quarter-hour; prices change on the quarter-hour."
        problems.check(wanted.valid_from == floor_to(wanted.valid_from, QUARTER_HOUR), message, "input", "validFrom")
    message = f"There are {len(wanted.windows)} windows; {_MOST_WINDOWS} at most."
    problems.check(len(wanted.windows) <= _MOST_WINDOWS, message, "input", "windows")
    for number, window in enumerate(wanted.windows):
        path = ("input", "windows", str(number))
        _check_price(problems, window.price_per_kwh, *path, "pricePerKwh")
        problems.check(bool(window.weekdays), "Give one day of the week at least.", *path, "weekdays")
        for name, at in (("startsAt", window.starts_at), ("endsAt", window.ends_at)):
            whole = at.minute % _QUARTER_MIN == 0 and at.second == at.microsecond == 0
            problems.check(whole, f"{at.isoformat()} is not on a quarter-hour; prices change on the quarter-hour.", *path, name)
    problems.check(not _overlap(wanted.windows), "Two windows overlap; one moment has one price.", "input", "windows")
    problems.raise_any()


def _check_price(problems: Problems, price: Decimal, *path: str) -> None:
    message = f"A price of {price} is not possible; give 0 to {_HIGHEST} with {_DECIMALS} decimals at most."
    fits = price.is_finite() and 0 <= price <= _HIGHEST and price == round(price, _DECIMALS)
    problems.check(fits, message, *path)


def _overlap(windows: Sequence[PriceWindow]) -> bool:
    """Tell whether two windows have a minute of the week in common; one may run over midnight, and from Sunday into Monday."""
    spans = []
    for window in windows:
        length_min = (_minute(window.ends_at) - _minute(window.starts_at)) % _DAY_MIN or _DAY_MIN
        for weekday in window.weekdays:
            begin = (weekday - 1) * _DAY_MIN + _minute(window.starts_at)
            spans += [(begin, begin + length_min), (begin + _WEEK_MIN, begin + length_min + _WEEK_MIN)]
    return any(next_begin < end for (_, end), (next_begin, _) in pairwise(sorted(spans)))


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute
