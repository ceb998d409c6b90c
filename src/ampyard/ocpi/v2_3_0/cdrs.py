"""CDR of OCPI 2.3.0 (chapter 10): its prices tell taxes one by one."""

from ampyard.ocpi.v2_3_0.tariffs import Tariff
from ampyard.ocpi.v2_3_0.types import Price
from ampyard.ocpi.wire import cdrs as shared
from ampyard.ocpi.wire.types import Many


class Cdr(shared.Cdr):
    cdr_token: shared.CdrToken
    cdr_location: shared.CdrLocation
    tariffs: Many[Tariff] | None = None
    total_cost: Price
    total_fixed_cost: Price | None = None
    total_energy_cost: Price | None = None
    total_time_cost: Price | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
