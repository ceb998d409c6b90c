"""Where the energy of a tariff comes from (OCPI, mod_locations, EnergyMix)."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class EnergySource:
    """A share of the energy in percent, and where it is from: SOLAR, WIND… (EnergySourceCategory; others are kept as they are)."""

    source: str
    percentage: Decimal


@dataclass(frozen=True, slots=True)
class EnvironmentalImpact:
    """What a kWh leaves behind, in grams: NUCLEAR_WASTE or CARBON_DIOXIDE (EnvironmentalImpactCategory; others are kept as they are)."""

    category: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class EnergyMix:
    """Where energy comes from, what it leaves behind, and who supplies it."""

    is_green_energy: bool
    energy_sources: tuple[EnergySource, ...] = ()
    environ_impact: tuple[EnvironmentalImpact, ...] = ()
    supplier_name: str | None = None
    energy_product_name: str | None = None
