"""What a charging session costs under its tariffs, finished or so far."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from ampyard.domain.currencies import minor_unit
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.tariffs.cost import Cost, CostKind, CostLine, LineReason
from ampyard.domain.tariffs.dues import Due, added, due_of, exactly
from ampyard.domain.tariffs.limits import beyond, limits_of
from ampyard.domain.tariffs.model import Tariff
from ampyard.domain.tariffs.money import Price, sum_of
from ampyard.domain.tariffs.numbers import shown
from ampyard.domain.tariffs.price_list import PriceList
from ampyard.domain.tariffs.rounding import BY_DEFAULT, Rounding, RoundingStage
from ampyard.domain.tariffs.segments import segments_of
from ampyard.domain.tariffs.session import ChargingSession
from ampyard.domain.tariffs.usage import Usage, apply_steps, usages_of


def price(session: ChargingSession, tariffs: Iterable[Tariff], rounding: Rounding = BY_DEFAULT) -> Cost:
    """Return what a session costs under the tariffs that its periods name; of a running session, what it would cost if it ended now.

    Amounts are exact until they are rounded, wherever the policy says; what rounding makes of them is a line of its own.

    Raises:
        InvalidInputError: there is no tariff, a period names one that is not among them, or they are in several currencies.
    """
    price_lists = {tariff.id: PriceList(tariff) for tariff in tariffs}
    currency = _currency(session, price_lists)
    decimals = minor_unit(currency) if rounding.decimals is None else rounding.decimals
    usages = usages_of(segments_of(session, price_lists))
    unstepped = [due_of(usage.entry, usage.units(usage.volume)) for usage in usages]
    apply_steps(usages)
    dues = [due_of(usage.entry, usage.units(usage.billed)) for usage in usages]
    lines = _Lines(session, rounding, decimals)
    for usage, due in zip(usages, dues, strict=True):
        lines.add_used(usage, due)
    for prices in price_lists.values():
        if rounding.stage is RoundingStage.DIMENSION:
            for kind in CostKind:
                lines.round_sum(kind, prices.tariff.id)
        lines.keep_limits(prices)
    if rounding.stage is RoundingStage.TOTAL:
        lines.round_sum(CostKind.TOTAL, None)
    return Cost(
        currency=currency,
        lines=tuple(lines.told),
        by_steps=added([*dues, *(due.negated() for due in unstepped)]).shown(),
        remarks=tuple(sorted({remark for prices in price_lists.values() for remark in prices.remarks})),
    )


class _Lines:
    """Lines as they are told; beside each the amount that sums are made of, and what that would be if nothing were rounded."""

    def __init__(self, session: ChargingSession, rounding: Rounding, decimals: int) -> None:
        self.told: list[CostLine] = []
        self._dues: list[Due] = []
        self._exact: list[Due] = []
        self._session = session
        self._rounding = rounding
        self._decimals = decimals

    def add_used(self, usage: Usage, due: Due) -> None:
        entry = usage.entry
        price, counted = self._told(due, RoundingStage.LINE)
        line = CostLine(
            kind=usage.kind,
            reason=LineReason.COMPONENT,
            tariff_id=entry.tariff.id,
            element=entry.element,
            component=entry.component,
            starts_at=usage.starts_at,
            ends_at=usage.ends_at,
            volume=shown(usage.volume),
            billed_volume=shown(usage.billed),
            price=price,
        )
        self._add(line, counted, due)

    def keep_limits(self, prices: PriceList) -> None:
        """Add what keeps the limits of a tariff, which hold for what was used under it; the minimum, where more than a reservation was."""
        for limit, least in limits_of(prices.tariff):
            own = [number for number, line in enumerate(self.told) if line.tariff_id == prices.tariff.id]
            charged = any(period.tariff_id == prices.tariff.id and not period.reservation_s for period in self._session.periods)
            if least and not charged:
                continue
            cost, exact = (added(dues[number] for number in own) for dues in (self._dues, self._exact))
            due = beyond(prices, limit, cost, exact, least=least)
            if due is not None:
                price, counted = self._told(due, RoundingStage.LINE, RoundingStage.DIMENSION)
                reason = LineReason.MIN_PRICE if least else LineReason.MAX_PRICE
                self._add(self._of_all(reason, CostKind.TOTAL, prices.tariff.id, price), counted, due)

    def round_sum(self, kind: CostKind, tariff_id: str | None) -> None:
        """Add what makes the sum of a kind under a tariff a round number; TOTAL: the sum of all lines there are, under any."""
        own = [number for number, line in enumerate(self.told) if tariff_id is None or (line.kind is kind and line.tariff_id == tariff_id)]
        exact = added(self._dues[number] for number in own)
        whole = exact.rounded(self._rounding.mode, self._decimals)
        missing = sum_of([whole, *(self.told[number].price.negated() for number in own)])
        if missing.before_taxes or any(due.amount for due in missing.taxes):
            self._add(self._of_all(LineReason.ROUNDING, kind, tariff_id, missing), added([exactly(whole), exact.negated()]), Due())

    def _told(self, due: Due, *rounded_at: RoundingStage) -> tuple[Price, Due]:
        if self._rounding.stage not in rounded_at:
            return due.shown(), due
        price = due.rounded(self._rounding.mode, self._decimals)
        return price, exactly(price)

    def _of_all(self, reason: LineReason, kind: CostKind, tariff_id: str | None, price: Price) -> CostLine:
        begin, end = self._session.periods[0].starts_at, self._session.periods[-1].ends_at
        return CostLine(kind, reason, tariff_id, None, None, begin, end, Decimal(0), Decimal(0), price)

    def _add(self, line: CostLine, counted: Due, exact: Due) -> None:
        self.told.append(line)
        self._dues.append(counted)
        self._exact.append(exact)


def _currency(session: ChargingSession, price_lists: Mapping[str, PriceList]) -> str:
    for number, period in enumerate(session.periods):
        if period.tariff_id is not None and period.tariff_id not in price_lists:
            message = f"The period from {period.starts_at} is under tariff {period.tariff_id!r}, which is not given."
            raise InvalidInputError(message, ("charging_periods", str(number), "tariff_id"))
    currencies = sorted({prices.tariff.currency for prices in price_lists.values()})
    if len(currencies) != 1:
        found = " and ".join(currencies) or "no currency, for there is no tariff"
        raise InvalidInputError(f"A session is priced in one currency; found {found}.", ("tariffs",))
    return currencies[0]
