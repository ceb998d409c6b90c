"""CDR of OCPI 2.2.1 (chapter 10): its lists of values are closed, its prices are without and with VAT."""

from ampyard.ocpi.v2_2_1.locations import ConnectorType
from ampyard.ocpi.v2_2_1.tariffs import Tariff
from ampyard.ocpi.v2_2_1.types import Price, TokenType
from ampyard.ocpi.wire import cdrs as shared
from ampyard.ocpi.wire.types import Many


class CdrToken(shared.CdrToken):
    type: TokenType


class CdrLocation(shared.CdrLocation):
    connector_standard: ConnectorType


class Cdr(shared.Cdr):
    cdr_token: CdrToken
    cdr_location: CdrLocation
    tariffs: Many[Tariff] | None = None
    total_cost: Price
    total_fixed_cost: Price | None = None
    total_energy_cost: Price | None = None
    total_time_cost: Price | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
