"""Numbers that money is made of: sums that never lose a digit, and none so long that exact arithmetic would take for ever."""

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact
from fractions import Fraction

# A binary fraction has as many decimals as bits: those of any float fit, and a sum that did not would be an error.
_MOST_DECIMALS = 1100
_HIGHEST = Decimal(10) ** 12
_EXACT = Context(prec=5000, traps=[Inexact])
# Where a fraction has no last decimal, such as a third of an hour, this many are shown of it; decisions are taken on the fraction.
_SHOWN_DECIMALS = 12


def is_plain(number: Decimal) -> bool:
    """Tell whether a number is finite, from 0 up to a million millions, and not absurdly long."""
    if not number.is_finite() or not 0 <= number <= _HIGHEST:
        return False
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and -_MOST_DECIMALS <= exponent <= _HIGHEST.adjusted()


def total(numbers: Iterable[Decimal]) -> Decimal:
    """Return a sum with all its digits, whatever the precision of decimal arithmetic is set to, and without zeros at the end."""
    found = Decimal(0)
    for number in numbers:
        found = _EXACT.add(found, number)
    short = _EXACT.normalize(found)
    return _EXACT.quantize(short, Decimal(1)) if short == found.to_integral_value() else short


def shown(number: Fraction) -> Decimal:
    """Return a fraction as a decimal: exactly where it has a last decimal, else to 12 decimals, halves to even."""
    denominator, twos, fives = number.denominator, 0, 0
    while denominator % 2 == 0:
        denominator //= 2
        twos += 1
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    decimals = max(twos, fives) if denominator == 1 else _SHOWN_DECIMALS
    return scaled(round(number * 10**decimals), decimals)


def scaled(units: int | Decimal, decimals: int) -> Decimal:
    """Return units of the last of some decimals, with all their digits: 125 of 2 decimals are 1.25."""
    return _EXACT.scaleb(Decimal(units), -decimals)
