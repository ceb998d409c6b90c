"""What an OCPP 2.1 charging station says: what one of 2.0.1 does, which is valid there, too."""

from typing import Any

from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.endpoint import Endpoint
from ampyard.simulator.routes import open_endpoint
from ampyard.simulator.v21.orders import Orders21
from ampyard.simulator.v21.station import Station
from ampyard.simulator.v201.messages import Dialect201


class Dialect21(Dialect201):
    subprotocol = "ocpp2.1"

    def endpoint(self, charge_point: SimulatedChargePoint, connection: Any) -> Endpoint:
        return open_endpoint(Station, charge_point, connection, Orders21(charge_point))
