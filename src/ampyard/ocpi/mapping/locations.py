"""Depots as OCPI Locations (2.2.1 and 2.3.0, chapter 8). What an object may hold is the version's; what it means is the same in both."""

import re
from collections.abc import Iterable
from typing import Any, get_args

from ampyard.domain.charge_points import Connector, ConnectorStatus, Evse
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.local_time import MINUTES_A_DAY, time_of_day
from ampyard.domain.locations import Location, LocationEvse, Party
from ampyard.domain.opening_hours import ExceptionalPeriod, Hours
from ampyard.ocpi.mapping.texts import coordinates, fit, fit_or_none
from ampyard.ocpi.v2_2_1.locations import ConnectorType
from ampyard.ocpi.wire import locations as wire
from ampyard.ocpi.wire.types import format_date_time

_EVSE_STATUS: dict[ConnectorStatus, wire.Status] = {
    ConnectorStatus.UNKNOWN: "UNKNOWN",
    ConnectorStatus.AVAILABLE: "AVAILABLE",
    # CHARGING is "in use" (8.4 Status): a vehicle is plugged in, whether or not energy flows. BLOCKED would be a vehicle
    # that stands in the way without being plugged in, which no charge point can tell.
    ConnectorStatus.PREPARING: "CHARGING",
    ConnectorStatus.OCCUPIED: "CHARGING",
    ConnectorStatus.CHARGING: "CHARGING",
    ConnectorStatus.SUSPENDED_EVSE: "CHARGING",
    ConnectorStatus.SUSPENDED_EV: "CHARGING",
    ConnectorStatus.FINISHING: "CHARGING",
    ConnectorStatus.RESERVED: "RESERVED",
    ConnectorStatus.UNAVAILABLE: "INOPERATIVE",
    ConnectorStatus.FAULTED: "OUTOFORDER",
}

# INOPERATIVE is "not yet active, or temporarily not available for use"; partners are told of what is gone, never left to guess.
_STATUS_OF_STATE: dict[ChargePointState, wire.Status] = {
    ChargePointState.PLANNED: "PLANNED",
    ChargePointState.COMMISSIONED: "INOPERATIVE",
    ChargePointState.OUT_OF_SERVICE: "INOPERATIVE",
    ChargePointState.RETIRED: "REMOVED",
}

# eMI3 standard version 1.0, part 2, EVSE ID: country, operator, `E` and a power outlet id of at most 30 characters.
_OPERATOR = re.compile(r"[A-Z]{2}\*[A-Z0-9]{3}")
_OUTLET_FROM_IDENTITY = re.compile(r"[A-Z0-9]([A-Z0-9-]*[A-Z0-9])?")
_OUTLET_LENGTH = 30
_CONNECTORS_2_2_1 = frozenset(get_args(ConnectorType))


def location_object(location: Location, version: str) -> dict[str, Any]:
    """Return a depot as a Location of a version, as JSON values.

    A depot is no public charging: `publish` is false, and with no `publish_allowed_to` no app or site may show it to
    anyone (8.3 Location). Partners that hold a credential of the tenant may still serve and support drivers there (8.3,
    example of a destination that is not published).
    """
    depot, party = location.depot, location.party
    told: dict[str, Any] = {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": str(depot.id),
        "publish": False,
        "name": fit(depot.name, 255),
        "address": fit(depot.address, 255),
        "city": fit(depot.city, 45),
        "postal_code": fit_or_none(depot.postal_code, 10),
        "country": depot.country_code,
        "coordinates": coordinates(depot.latitude, depot.longitude),
        "evses": [built for evse in location.evses if (built := evse_object(evse, location, version)) is not None],
        # Else it would be what the credentials module says of the party.
        "operator": {"name": fit(party.name, 100)},
        "time_zone": depot.time_zone,
        "opening_times": None if depot.opening_times is None else hours_object(depot.opening_times),
        "last_updated": format_date_time(location.last_updated),
    }
    return {name: value for name, value in told.items() if value is not None}


def hours_object(hours: Hours) -> dict[str, Any]:
    """Return opening times as Hours (8.4), local time as it is and periods in UTC."""
    regular = [
        {"weekday": int(it.weekday), "period_begin": time_of_day(it.begin_minute), "period_end": _period_end(it.end_minute)}
        for it in hours.regular_hours
    ]
    told = {
        "twentyfourseven": hours.twentyfourseven,
        "regular_hours": regular or None,
        "exceptional_openings": _periods(hours.exceptional_openings) or None,
        "exceptional_closings": _periods(hours.exceptional_closings) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _periods(periods: Iterable[ExceptionalPeriod]) -> list[dict[str, str]]:
    return [{"period_begin": format_date_time(it.begin), "period_end": format_date_time(it.end)} for it in periods]


def _period_end(minute: int) -> str:
    # A period ends later than it begins, on the same day, and no clock shows 24:00 (8.4 RegularHours).
    return time_of_day(min(minute, MINUTES_A_DAY - 1))


def evse_object(evse: LocationEvse, location: Location, version: str) -> dict[str, Any] | None:
    """Return an EVSE, or `None` where the version has a name for none of its connectors; one of an archived depot is gone."""
    connectors = [built for connector in evse.connectors if (built := connector_object(evse.evse, connector, version)) is not None]
    if not connectors:
        return None
    told = {
        "uid": str(evse.evse.id),
        "evse_id": evse_id(location.party, evse.charge_point.identity, evse.evse.evse_no),
        "status": evse_status(evse) if location.depot.archived_at is None else "REMOVED",
        "connectors": connectors,
        "last_updated": format_date_time(evse.last_updated),
    }
    return {name: value for name, value in told.items() if value is not None}


def connector_object(evse: Evse, connector: Connector, version: str) -> dict[str, Any] | None:
    """Return a connector, or `None` where the version has no name for its standard (MCS and J3400 in 2.2.1)."""
    if version == "2.2.1" and connector.standard not in _CONNECTORS_2_2_1:
        return None
    # Our tables hold standard, format and power type as text in OCPI's spelling.
    return {
        "id": str(connector.connector_no),
        "standard": connector.standard,
        "format": connector.format,
        "power_type": connector.power_type,
        "max_voltage": connector.max_voltage_v,
        "max_amperage": connector.max_amperage_a,
        "max_electric_power": round(evse.max_power_kw * 1000),
        "last_updated": format_date_time(connector.updated_at),
    }


def evse_status(evse: LocationEvse) -> wire.Status:
    """Return the Status (8.4 Status); `UNKNOWN` while a charge point in service is offline, whatever it said last."""
    not_in_use = _STATUS_OF_STATE.get(evse.charge_point.state)
    if not_in_use is not None:
        return not_in_use
    return _EVSE_STATUS[evse.evse.status] if evse.charge_point.connected else "UNKNOWN"


def evse_id(party: Party, identity: str, evse_no: int) -> str | None:
    """Return the EVSE ID (eMI3 part 2, ISO 15118), such as `DE*AYD*ECP*1*2` for EVSE 2 of CP-1 of the German party AYD.

    `None` where the identity cannot be told in its characters: the id is optional, and one that two charge points share
    would be worse than none, so letters are not folded and no character but the hyphen is replaced.
    """
    operator = f"{party.country_code}*{party.party_id}"
    outlet = f"{identity.replace('-', '*')}*{evse_no}"
    if not _OPERATOR.fullmatch(operator) or not _OUTLET_FROM_IDENTITY.fullmatch(identity) or len(outlet) > _OUTLET_LENGTH:
        return None
    return f"{operator}*E{outlet}"
