"""Depots as OCPI Locations (2.2.1 and 2.3.0, chapter 8). What an object may hold is the version's; what it means is the same in both."""

import re
from dataclasses import dataclass

from ampyard.domain.charge_points import Connector, ConnectorStatus, Evse
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.local_time import MINUTES_A_DAY, time_of_day
from ampyard.domain.locations import Location, LocationEvse, Party
from ampyard.domain.opening_hours import Hours
from ampyard.ocpi.wire import locations as wire

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


@dataclass(frozen=True, slots=True)
class LocationModels:
    """The object classes of one version. `connector_types` are the only ones it can name; `None`: any."""

    location: type[wire.Location]
    evse: type[wire.Evse]
    connector: type[wire.Connector]
    business_details: type[wire.BusinessDetails]
    connector_types: frozenset[str] | None


def location_object(location: Location, models: LocationModels) -> wire.Location:
    """Return a depot as a Location.

    A depot is no public charging: `publish` is false, and with no `publish_allowed_to` no app or site may show it to
    anyone (8.3 Location). Partners that hold a credential of the tenant may still serve and support drivers there (8.3,
    example of a destination that is not published).
    """
    depot, party = location.depot, location.party
    return models.location(
        country_code=party.country_code,
        party_id=party.party_id,
        id=str(depot.id),
        publish=False,
        name=_fit(depot.name, 255),
        address=_fit(depot.address, 255),
        city=_fit(depot.city, 45),
        postal_code=_fit(depot.postal_code, 10) or None,
        country=depot.country_code,
        coordinates=wire.GeoLocation(latitude=f"{depot.latitude:.6f}", longitude=f"{depot.longitude:.6f}"),
        evses=tuple(built for evse in location.evses if (built := evse_object(evse, location, models)) is not None),
        # Else it would be what the credentials module says of the party.
        operator=models.business_details(name=_fit(party.name, 100)),
        time_zone=depot.time_zone,
        opening_times=None if depot.opening_times is None else hours_object(depot.opening_times),
        last_updated=location.last_updated,
    )


def hours_object(hours: Hours) -> wire.Hours:
    """Return opening times as Hours (8.4), local time as it is and periods in UTC."""
    regular = tuple(
        wire.RegularHours(weekday=it.weekday, period_begin=time_of_day(it.begin_minute), period_end=_period_end(it.end_minute))
        for it in hours.regular_hours
    )
    openings, closings = (
        tuple(wire.ExceptionalPeriod(period_begin=it.begin, period_end=it.end) for it in periods)
        for periods in (hours.exceptional_openings, hours.exceptional_closings)
    )
    return wire.Hours(
        twentyfourseven=hours.twentyfourseven,
        regular_hours=regular or None,
        exceptional_openings=openings or None,
        exceptional_closings=closings or None,
    )


def _period_end(minute: int) -> str:
    # A period ends later than it begins, on the same day, and no clock shows 24:00 (8.4 RegularHours).
    return time_of_day(min(minute, MINUTES_A_DAY - 1))


def evse_object(evse: LocationEvse, location: Location, models: LocationModels) -> wire.Evse | None:
    """Return an EVSE, or `None` where the version has a name for none of its connectors; one of an archived depot is gone."""
    connectors = tuple(built for connector in evse.connectors if (built := connector_object(evse.evse, connector, models)) is not None)
    if not connectors:
        return None
    return models.evse(
        uid=str(evse.evse.id),
        evse_id=evse_id(location.party, evse.charge_point.identity, evse.evse.evse_no),
        status=evse_status(evse) if location.depot.archived_at is None else "REMOVED",
        connectors=connectors,
        last_updated=evse.last_updated,
    )


def connector_object(evse: Evse, connector: Connector, models: LocationModels) -> wire.Connector | None:
    """Return a connector, or `None` where the version has no name for its standard (MCS and J3400 in 2.2.1)."""
    if models.connector_types is not None and connector.standard not in models.connector_types:
        return None
    # Our tables hold standard, format and power type as text in OCPI's spelling; here it is checked.
    return models.connector.model_validate(
        {
            "id": str(connector.connector_no),
            "standard": connector.standard,
            "format": connector.format,
            "power_type": connector.power_type,
            "max_voltage": connector.max_voltage_v,
            "max_amperage": connector.max_amperage_a,
            "max_electric_power": round(evse.max_power_kw * 1000),
            "last_updated": connector.updated_at,
        }
    )


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


def _fit(text: str, length: int) -> str:
    # OCPI strings are printable and bounded (chapter 16); ours are neither, and one odd name must not hide a whole list.
    return "".join(character if character.isprintable() else " " for character in text)[:length]
