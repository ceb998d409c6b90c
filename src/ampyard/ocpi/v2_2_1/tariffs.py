"""Tariff of OCPI 2.2.1 (chapter 11): prices are without VAT."""

from ampyard.ocpi.v2_2_1.locations import EnergyMix
from ampyard.ocpi.v2_2_1.types import Price
from ampyard.ocpi.wire import tariffs as shared


class Tariff(shared.Tariff):
    min_price: Price | None = None
    max_price: Price | None = None
    energy_mix: EnergyMix | None = None
