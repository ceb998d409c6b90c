"""Energy mixes, which are the same in both versions but for the values they know."""

from typing import Any, get_args

from ampyard.domain.tariffs.energy_mix import EnergyMix, EnergySource, EnvironmentalImpact
from ampyard.ocpi.mapping.texts import fit_or_none
from ampyard.ocpi.v2_2_1.locations import EnvironmentalImpactCategory
from ampyard.ocpi.wire import locations as wire

_SOURCES = frozenset(get_args(wire.EnergySourceCategory))
_IMPACTS_2_2_1 = frozenset(get_args(EnvironmentalImpactCategory))


def energy_mix_object(mix: EnergyMix, version: str) -> dict[str, Any]:
    """Return an EnergyMix (8.4, EnergyMix); sources that no version has a name for are left out, and impacts that 2.2.1 has none for."""
    sources = [{"source": it.source, "percentage": it.percentage} for it in mix.energy_sources if it.source in _SOURCES]
    impacts = [
        {"category": it.category, "amount": it.amount} for it in mix.environ_impact if version != "2.2.1" or it.category in _IMPACTS_2_2_1
    ]
    told = {
        "is_green_energy": mix.is_green_energy,
        "energy_sources": sources or None,
        "environ_impact": impacts or None,
        "supplier_name": fit_or_none(mix.supplier_name, 64),
        "energy_product_name": fit_or_none(mix.energy_product_name, 64),
    }
    return {name: value for name, value in told.items() if value is not None}


def read_energy_mix(mix: wire.EnergyMix) -> EnergyMix:
    """Return what an EnergyMix of either version says."""
    return EnergyMix(
        is_green_energy=mix.is_green_energy,
        energy_sources=tuple(EnergySource(it.source, it.percentage) for it in mix.energy_sources or ()),
        environ_impact=tuple(EnvironmentalImpact(it.category, it.amount) for it in mix.environ_impact or ()),
        supplier_name=mix.supplier_name,
        energy_product_name=mix.energy_product_name,
    )
