"""Charging requests: what becomes of them, and what is asked and taken back."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ampyard.domain.charging_outlook import ChargingOutlook
from ampyard.domain.charging_requests import ChargingRequest
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.vehicles import Vehicle
from ampyard.engine import Load
from ampyard.repositories.database import Session
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import SCOPES, decode_id
from ampyard.services import charging_information, charging_requests
from ampyard.services.charging_requests import NewChargingRequest


def plan_outlook(info: Info) -> Load:
    """Plan what becomes of a request; by its id."""
    info.context.principal.require(SCOPES[ChargingRequest])
    return Load(_outlooks, (info.context.now,))


def plan_overruled_by(info: Info) -> Load:
    """Plan which person's request counts in a request's place; by its id."""
    info.context.principal.require(SCOPES[ChargingRequest])
    return Load(_overruled_by, (info.context.now,))


async def _outlooks(session: Session, ids: Sequence[uuid.UUID], now: datetime) -> Mapping[uuid.UUID, ChargingOutlook]:
    return await charging_information.outlooks(session, ids, now=now)


async def _overruled_by(session: Session, ids: Sequence[uuid.UUID], now: datetime) -> Mapping[uuid.UUID, ChargingRequest]:
    return await charging_requests.overruled_among(session, ids, now=now)


async def request_charging(
    caller: Caller,
    *,
    vehicle_id: str,
    min_soc_percent: float | None,
    max_soc_percent: float | None,
    departs_at: datetime | None,
    level: PriorityLevel,
    ad_hoc: bool,
    preconditioning_at: datetime | None,
    preconditioning_kw: float | None,
    reason: str | None,
) -> dict[str, Any]:
    """Ask for a vehicle to be charged."""
    wanted = NewChargingRequest(
        vehicle_id=decode_id("input.vehicleId", vehicle_id, Vehicle),
        min_soc_percent=min_soc_percent,
        max_soc_percent=max_soc_percent,
        departs_at=departs_at,
        level=level,
        ad_hoc=ad_hoc,
        preconditioning_at=preconditioning_at,
        preconditioning_kw=preconditioning_kw,
        reason=reason,
    )
    return {"charging_request": await charging_requests.request_charging(caller.backend, caller.principal, wanted)}


async def withdraw_request(caller: Caller, *, charging_request_id: str) -> dict[str, Any]:
    """Take a request back."""
    wanted = decode_id("input.chargingRequestId", charging_request_id, ChargingRequest)
    return {"charging_request": await charging_requests.withdraw_request(caller.backend, caller.principal, wanted)}
