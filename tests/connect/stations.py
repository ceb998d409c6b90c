"""Charge points as the `ocpp` package makes them: every answer of ours, and every order, is checked against the schemas."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from ocpp.routing import on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call as v16_call
from ocpp.v16 import call_result as v16_result
from ocpp.v21 import call as v21_call
from ocpp.v21 import call_result as v21_result
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call as v201_call
from ocpp.v201 import call_result as v201_result

from ampyard.connect.server import ConnectServer
from ampyard.simulator.v21.station import Station as Answering21
from tests.connect.points import Point, dial

# The package's messages are annotated with its enums and classes, and take the plain text and data that tests are easier to read with.
call16: Any = v16_call
call201: Any = v201_call
call21: Any = v21_call
result16: Any = v16_result
result201: Any = v201_result
result21: Any = v21_result

Handler = TypeVar("Handler", bound=Callable[..., Any])


def obeys(action: str) -> Callable[[Handler], Handler]:
    return cast("Callable[[Handler], Handler]", on(action))


class Orders:
    """What a station was told, as (action, payload in snake case)."""

    orders: list[tuple[str, dict[str, Any]]]

    def of(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.orders if name == action]


class Station16(ChargePoint16, Orders):
    @obeys("SetChargingProfile")
    def obey_profile(self, **order: Any) -> Any:
        self.orders.append(("SetChargingProfile", order))
        return result16.SetChargingProfile("Accepted")

    @obeys("RemoteStartTransaction")
    def obey_start(self, **order: Any) -> Any:
        self.orders.append(("RemoteStartTransaction", order))
        return result16.RemoteStartTransaction("Accepted")

    @obeys("RemoteStopTransaction")
    def obey_stop(self, **order: Any) -> Any:
        self.orders.append(("RemoteStopTransaction", order))
        return result16.RemoteStopTransaction("Rejected")


class Station201(ChargePoint201, Orders):
    @obeys("SetChargingProfile")
    def obey_profile_201(self, **order: Any) -> Any:
        self.orders.append(("SetChargingProfile", order))
        return result201.SetChargingProfile("Accepted")

    @obeys("RequestStartTransaction")
    def obey_start_201(self, **order: Any) -> Any:
        self.orders.append(("RequestStartTransaction", order))
        return result201.RequestStartTransaction("Accepted")

    @obeys("RequestStopTransaction")
    def obey_stop_201(self, **order: Any) -> Any:
        self.orders.append(("RequestStopTransaction", order))
        info = {"reason_code": "TxNotFound", "additional_info": "no such transaction"}
        return result201.RequestStopTransaction("Rejected", info)


class Station21(Answering21, Orders):
    @obeys("SetChargingProfile")
    def obey_profile_21(self, **order: Any) -> Any:
        self.orders.append(("SetChargingProfile", order))
        return result21.SetChargingProfile(status="Accepted")

    @obeys("RequestStartTransaction")
    def obey_start_21(self, **order: Any) -> Any:
        self.orders.append(("RequestStartTransaction", order))
        return result21.RequestStartTransaction(status="Accepted")

    @obeys("RequestStopTransaction")
    def obey_stop_21(self, **order: Any) -> Any:
        self.orders.append(("RequestStopTransaction", order))
        info = {"reason_code": "TxNotFound", "additional_info": "no such transaction"}
        return result21.RequestStopTransaction(status="Rejected", status_info=info)


@asynccontextmanager
async def station16(server: ConnectServer, point: Point) -> AsyncIterator[Any]:
    """Connect as a 1.6 charge point; yields a `Station16`, whose package has no annotations on `call`."""
    async with _speaking(Station16, server, point) as station:
        yield station


@asynccontextmanager
async def station201(server: ConnectServer, point: Point) -> AsyncIterator[Any]:
    """Connect as a 2.0.1 charging station; yields a `Station201`."""
    async with _speaking(Station201, server, point) as station:
        yield station


@asynccontextmanager
async def station21(server: ConnectServer, point: Point) -> AsyncIterator[Any]:
    """Connect as a 2.1 charging station; yields a `Station21`."""
    async with _speaking(Station21, server, point) as station:
        yield station


@asynccontextmanager
async def _speaking(kind: Callable[..., Any], server: ConnectServer, point: Point) -> AsyncIterator[Any]:
    async with dial(server, point) as socket:
        station = kind(point.identity, socket)
        station.orders = []
        listening = asyncio.create_task(station.start())
        try:
            yield station
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
