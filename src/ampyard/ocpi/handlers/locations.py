"""The sender interface of the Locations module (OCPI, 8.2 Sender Interface)."""

import uuid

from starlette.responses import Response

from ampyard.domain.locations import Location, LocationEvse
from ampyard.domain.roaming.partners import InterfaceRole
from ampyard.ocpi.call import Call
from ampyard.ocpi.envelope import answer
from ampyard.ocpi.errors import OcpiError, Refusal
from ampyard.ocpi.mapping.locations import connector_object, evse_object, location_object
from ampyard.ocpi.models import CONNECTOR, EVSE, LOCATION
from ampyard.ocpi.modules import Module, Route
from ampyard.ocpi.paging import list_headers, list_request
from ampyard.services import ocpi


async def list_locations(call: Call) -> Response:
    """GET /{version}/locations: one page, least recently updated first."""
    request = list_request(call.request.query_params)
    page = await ocpi.locations(call.backend, call.principal, request)
    objects = [location_object(location, _version(call)) for location in page.items]
    return answer(call.request, objects, headers=list_headers(call, call.url("locations"), request, page))


async def get_location(call: Call) -> Response:
    """GET /{version}/locations/{location_id}."""
    return answer(call.request, location_object(await _location(call), _version(call)))


async def get_evse(call: Call) -> Response:
    """GET /{version}/locations/{location_id}/{evse_uid}."""
    location = await _location(call)
    built = evse_object(_evse(call, location), location, _version(call))
    if built is None:
        raise _unknown("EVSE", "evse_uid", call)
    return answer(call.request, built)


async def get_connector(call: Call) -> Response:
    """GET /{version}/locations/{location_id}/{evse_uid}/{connector_id}."""
    evse = _evse(call, await _location(call))
    for connector in evse.connectors:
        built = connector_object(evse.evse, connector, _version(call))
        if built is not None and built["id"] == call.path["connector_id"]:
            return answer(call.request, built)
    raise _unknown("Connector", "connector_id", call)


def _version(call: Call) -> str:
    assert call.version is not None
    return call.version


async def _location(call: Call) -> Location:
    location_id = _uuid(call.path["location_id"])
    location = await ocpi.location(call.backend, call.principal, location_id) if location_id is not None else None
    if location is None:
        raise _unknown("Location", "location_id", call)
    return location


def _evse(call: Call, location: Location) -> LocationEvse:
    uid = _uuid(call.path["evse_uid"])
    for evse in location.evses:
        if evse.evse.id == uid:
            return evse
    raise _unknown("EVSE", "evse_uid", call)


def _uuid(text: str) -> uuid.UUID | None:
    """Return the id that is written in our way, in capitals or not (a CiString), or `None`."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None


def _unknown(kind: str, parameter: str, call: Call) -> OcpiError:
    # An EVSE or connector that does not exist has no status code of its own (chapter 5).
    message = f"Unknown {kind}: {parameter} is {call.path[parameter][:50]!r}, which does not exist here."
    return OcpiError(Refusal.NO_SUCH_LOCATION, message)


MODULE = Module(
    "locations",
    InterfaceRole.SENDER,
    (
        Route("GET", "", list_locations, "Locations, least recently updated first", answer=LOCATION, paged=True),
        Route("GET", "/{location_id}", get_location, "One Location", answer=LOCATION),
        Route("GET", "/{location_id}/{evse_uid}", get_evse, "One EVSE of a Location", answer=EVSE),
        Route("GET", "/{location_id}/{evse_uid}/{connector_id}", get_connector, "One Connector of an EVSE", answer=CONNECTOR),
    ),
)
