"""How a charge point's order handlers are hung into an ``ocpp`` endpoint."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ocpp.routing import create_route_map, on

from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.endpoint import Endpoint

Handler = TypeVar("Handler", bound=Callable[..., Any])

# every frame is logged at INFO by the package; of a whole fleet that is only wanted when asked for
WIRE_LOG = logging.getLogger("ampyard.simulator.wire")
WIRE_LOG.setLevel(logging.WARNING)


def handles(action: str) -> Callable[[Handler], Handler]:
    """Mark a method as the handler of an OCPP action; it gets the payload in snake case and returns a ``call_result``."""
    return cast("Callable[[Handler], Handler]", on(action))


def open_endpoint(endpoint_class: Callable[..., Any], charge_point: SimulatedChargePoint, connection: Any, handlers: object) -> Endpoint:
    """Make the ``ocpp`` endpoint of a connection; after each answered order the charge point advances at once."""
    endpoint = endpoint_class(charge_point.spec.identity, connection, charge_point.options.response_timeout_s, WIRE_LOG)

    def carry_out(**_: Any) -> None:
        charge_point.advance(charge_point.clock())

    endpoint.route_map = create_route_map(handlers)
    for route in endpoint.route_map.values():
        route["_after_action"] = carry_out
    return Endpoint(endpoint)
