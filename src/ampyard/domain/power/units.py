"""Power in whole milliwatts, held in floats: sums of whole numbers below 2**53 are exact there, in whatever order they are added."""

from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike

from ampyard.domain.power.contenders import Floats

MW_PER_KW = 1e6
# What counts for no limit: more than any sum, and still a whole number.
UNLIMITED_MW = 2.0**52


def decimal_kw(kw: float | Decimal) -> Decimal:
    """Read a float as people do, by its shortest decimal: three times 0.1 kW are 0.3 kW, which floats deny."""
    return Decimal(str(kw))


def milliwatts_down(kw: ArrayLike) -> Floats:
    """Return powers in kW as whole milliwatts, rounded down; below 0 is 0, without end is `UNLIMITED_MW`."""
    milliwatts, nearest, is_whole = _read(kw)
    return np.where(is_whole, nearest, np.floor(milliwatts))


def milliwatts_up(kw: ArrayLike) -> Floats:
    """Return powers in kW as whole milliwatts, rounded up; below 0 is 0, without end is `UNLIMITED_MW`."""
    milliwatts, nearest, is_whole = _read(kw)
    return np.where(is_whole, nearest, np.ceil(milliwatts))


def _read(kw: ArrayLike) -> tuple[Floats, Floats, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    """Return milliwatts, the nearest whole ones, and whether they are these but for the last bits: 0.3 kW are 300,000 mW."""
    milliwatts = np.minimum(np.maximum(np.asarray(kw, dtype=np.float64) * MW_PER_KW, 0.0), UNLIMITED_MW)
    nearest = np.rint(milliwatts)
    return milliwatts, nearest, np.abs(milliwatts - nearest) <= 2 * np.spacing(milliwatts)
