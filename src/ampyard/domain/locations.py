"""A depot as roaming partners see it: an OCPI Location, with its EVSEs and their connectors."""

from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.charge_points import ChargePoint, Connector, Evse
from ampyard.domain.depots import Depot


@dataclass(frozen=True, slots=True)
class Party:
    """The tenant in the roaming network: ISO 3166-1 alpha-2 country, three-character party id (ISO 15118) and name."""

    country_code: str
    party_id: str
    name: str


@dataclass(frozen=True, slots=True)
class LocationEvse:
    """An EVSE with the charge point it belongs to and its connectors."""

    charge_point: ChargePoint
    evse: Evse
    connectors: tuple[Connector, ...]

    @property
    def last_updated(self) -> datetime:
        """When the charge point, or a connector of this EVSE, last changed.

        The EVSE's own `updated_at` is left out: it moves with every power limit, which no partner is shown. What changes
        an EVSE's rating therefore also touches its charge point.
        """
        return max(self.charge_point.updated_at, self.evse.created_at, *(connector.updated_at for connector in self.connectors))


@dataclass(frozen=True, slots=True)
class Location:
    """A depot with every EVSE that has a connector. `last_updated` covers the depot, its EVSEs and their connectors."""

    depot: Depot
    party: Party
    evses: tuple[LocationEvse, ...]
    last_updated: datetime
