"""The Versions module (OCPI, chapter 6)."""

from collections.abc import Sequence

from starlette.responses import Response

from ampyard.domain.roaming.partners import InterfaceRole
from ampyard.ocpi.call import Call, Handler
from ampyard.ocpi.envelope import answer
from ampyard.ocpi.modules import ALL_VERSIONS, Module, Route, each
from ampyard.ocpi.wire.versions import Endpoint, Version, VersionDetails

# Neither has an endpoint of its own in the version details: they are where one begins.
VERSIONS = Module("versions", InterfaceRole.SENDER, (), configuration=True)


async def _list_versions(call: Call) -> Response:
    """GET /versions."""
    versions = [Version(version=number, url=f"{call.root_url}/{number}") for number in ALL_VERSIONS]
    return answer(call.request, [version.to_wire() for version in versions])


LIST = Route("GET", "/versions", _list_versions, "The versions that are served", answer=each(list[Version], list[Version]))


def details(modules: Sequence[Module]) -> Route:
    """Return the route that lists the endpoints of these modules in a version."""
    return Route(
        "GET", "/{version}", _version_details(modules), "The endpoints of this version", answer=each(VersionDetails, VersionDetails)
    )


def _version_details(modules: Sequence[Module]) -> Handler:
    async def version_details(call: Call) -> Response:
        """GET /{version}."""
        assert call.version is not None
        endpoints = tuple(
            Endpoint(identifier=module.identifier, role=module.role.value, url=call.url(module.identifier))
            for module in modules
            if call.version in module.versions
        )
        return answer(call.request, VersionDetails(version=call.version, endpoints=endpoints).to_wire())

    return version_details
