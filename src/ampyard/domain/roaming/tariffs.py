"""Tariffs as partners see them (OCPI, mod_tariffs)."""

from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.roaming.partners import PartyId
from ampyard.domain.tariffs.model import Tariff


@dataclass(frozen=True, slots=True)
class PartyTariff:
    """A tariff with the party it is of and when it last changed: what a Tariff of OCPI says beyond its terms."""

    party: PartyId
    terms: Tariff
    last_updated: datetime
