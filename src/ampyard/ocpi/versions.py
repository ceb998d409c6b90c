"""The versions that are served, with the object classes of each."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import get_args

from ampyard.ocpi.call import Call
from ampyard.ocpi.errors import OcpiError, StatusCode
from ampyard.ocpi.mapping.locations import LocationModels
from ampyard.ocpi.v2_2_1 import locations as locations_2_2_1
from ampyard.ocpi.v2_3_0 import locations as locations_2_3_0
from ampyard.ocpi.wire import locations as wire_locations


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """One version; `number` is its VersionNumber and the first segment of its URLs."""

    number: str
    locations: LocationModels


VERSIONS = {
    version.number: version
    for version in (
        ServedVersion(
            "2.2.1",
            locations=LocationModels(
                location=locations_2_2_1.Location,
                evse=locations_2_2_1.Evse,
                connector=locations_2_2_1.Connector,
                business_details=locations_2_2_1.BusinessDetails,
                connector_types=frozenset(get_args(locations_2_2_1.ConnectorType)),
            ),
        ),
        ServedVersion(
            "2.3.0",
            locations=LocationModels(
                location=locations_2_3_0.Location,
                evse=locations_2_3_0.Evse,
                connector=locations_2_3_0.Connector,
                business_details=wire_locations.BusinessDetails,
                connector_types=None,
            ),
        ),
    )
}


def version_of(call: Call) -> ServedVersion:
    """Return the version a request's URL names; raises `OcpiError` with HTTP 404 for any other."""
    number = call.request.path_params["version"]
    version = VERSIONS.get(number)
    if version is None:
        message = f"OCPI version {number[:20]!r} is not served here; these are: {', '.join(VERSIONS)}."
        raise OcpiError(HTTPStatus.NOT_FOUND, StatusCode.UNSUPPORTED_VERSION, message)
    return version
