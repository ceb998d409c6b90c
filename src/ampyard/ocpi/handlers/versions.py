"""The Versions module (OCPI, chapter 6)."""

from starlette.responses import Response

from ampyard.ocpi.call import Call
from ampyard.ocpi.envelope import answer
from ampyard.ocpi.versions import VERSIONS, version_of
from ampyard.ocpi.wire.versions import Endpoint, Version, VersionDetails


async def list_versions(call: Call) -> Response:
    """GET /versions."""
    versions = [Version(version=number, url=f"{call.root_url}/{number}") for number in VERSIONS]
    return answer(call.request, [version.to_wire() for version in versions])


async def version_details(call: Call) -> Response:
    """GET /{version}."""
    number = version_of(call).number
    endpoints = (Endpoint(identifier="locations", role="SENDER", url=f"{call.root_url}/{number}/locations"),)
    return answer(call.request, VersionDetails(version=number, endpoints=endpoints).to_wire())
