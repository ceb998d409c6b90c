from decimal import Decimal


def decimal_kw(kw: float | Decimal) -> Decimal:
    """Read a float as people do, by its shortest decimal: 0.3 kW is three steps of 0.1 kW, which floats deny."""
    return Decimal(str(kw))


class Steps:
    """Power in whole steps of `step_kw`; nothing is below 0 steps."""

    def __init__(self, step_kw: float) -> None:
        if not step_kw > 0:
            raise ValueError(f"The step is {step_kw} kW; it must be more than 0.")
        self._step = decimal_kw(step_kw)

    def down(self, kw: float | Decimal) -> int:
        return max(0, int(decimal_kw(kw) // self._step))

    def up(self, kw: float | Decimal) -> int:
        whole, rest = divmod(decimal_kw(kw), self._step)
        return max(0, int(whole) + (rest > 0))

    def kw(self, steps: int) -> float:
        return float(steps * self._step)
