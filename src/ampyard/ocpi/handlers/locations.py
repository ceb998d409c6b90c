"""The sender interface of the Locations module (OCPI, 8.2 Sender Interface)."""

import uuid
from http import HTTPStatus

from starlette.responses import Response

from ampyard.domain.locations import Location, LocationEvse
from ampyard.ocpi.call import Call
from ampyard.ocpi.envelope import answer
from ampyard.ocpi.errors import OcpiError, StatusCode
from ampyard.ocpi.mapping.locations import connector_object, evse_object, location_object
from ampyard.ocpi.paging import list_headers, list_request
from ampyard.ocpi.versions import version_of
from ampyard.services import ocpi


async def list_locations(call: Call) -> Response:
    """GET /{version}/locations: one page, least recently updated first."""
    version = version_of(call)
    request = list_request(call.request.query_params)
    page = await ocpi.locations(call.backend, call.partner, request)
    objects = [location_object(location, version.locations).to_wire() for location in page.items]
    return answer(call.request, objects, headers=list_headers(call, f"{call.root_url}/{version.number}/locations", request, page))


async def get_location(call: Call) -> Response:
    """GET /{version}/locations/{location_id}."""
    version = version_of(call)
    return answer(call.request, location_object(await _location(call), version.locations).to_wire())


async def get_evse(call: Call) -> Response:
    """GET /{version}/locations/{location_id}/{evse_uid}."""
    version = version_of(call)
    location = await _location(call)
    built = evse_object(_evse(call, location), location, version.locations)
    if built is None:
        raise _unknown("EVSE", "evse_uid", call)
    return answer(call.request, built.to_wire())


async def get_connector(call: Call) -> Response:
    """GET /{version}/locations/{location_id}/{evse_uid}/{connector_id}."""
    version = version_of(call)
    evse = _evse(call, await _location(call))
    for connector in evse.connectors:
        built = connector_object(evse.evse, connector, version.locations)
        if built is not None and built.id == call.request.path_params["connector_id"]:
            return answer(call.request, built.to_wire())
    raise _unknown("Connector", "connector_id", call)


async def _location(call: Call) -> Location:
    location_id = _uuid(call.request.path_params["location_id"])
    location = await ocpi.location(call.backend, call.partner, location_id) if location_id is not None else None
    if location is None:
        raise _unknown("Location", "location_id", call)
    return location


def _evse(call: Call, location: Location) -> LocationEvse:
    uid = _uuid(call.request.path_params["evse_uid"])
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
    message = f"Unknown {kind}: {parameter} is {call.request.path_params[parameter][:50]!r}, which does not exist here."
    return OcpiError(HTTPStatus.NOT_FOUND, StatusCode.UNKNOWN_LOCATION, message)
