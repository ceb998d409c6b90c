"""What is computed of a transaction, and what is given to find some."""

from decimal import Decimal

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.transactions import StopReason, Transaction

_HIGHEST = Decimal(10**12)


def stop_reason_kind(root: Transaction) -> StopReason | None:
    """Return why it ended, typed."""
    return root.stop_reason_kind


def bounded_amount(argument: str, amount: Decimal | None) -> Decimal | None:
    """Return an amount of money that a list is narrowed by; raises `InvalidInputError` for one that no cost could be compared with."""
    if amount is not None and not (amount.is_finite() and abs(amount) <= _HIGHEST):
        raise InvalidInputError(f"{argument}: {amount} is no amount; give one of {_HIGHEST} at most.", argument.split("."))
    return amount
