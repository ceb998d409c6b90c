import httpx

from ampyard.ocpi.check.findings import Finding, Findings
from ampyard.ocpi.check.lists import ListCheck
from ampyard.ocpi.check.objects import LISTS
from ampyard.ocpi.check.peer import Peer, PeerError
from ampyard.ocpi.check.starting import check_authentication, check_details, check_versions

_TIMEOUT_S = 30.0


async def check(url: str, token: str, *, plain: bool = False, most_requests: int = 500, most_pages: int = 20) -> list[Finding]:
    """Look at an OCPI server, reading only.

    Args:
        url: of its versions, such as `https://cpo.example/ocpi/versions`.
        token: the credentials token to come with, as it was given (not in Base64).
        plain: send it without Base64, as servers of earlier versions want it.
        most_requests: how many requests are made at most.
        most_pages: how many pages of a list are followed.

    Returns:
        The findings. Where the server stops answering, they end with that.
    """
    found = Findings("versions")
    everything = [found]
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
        peer = Peer(http, token, plain=plain, most_requests=most_requests)
        try:
            versions = await check_versions(peer, url, found)
            await check_authentication(peer, url, found)
            for version, address in versions.items():
                found = Findings(version)
                everything.append(found)
                details = await check_details(peer, version, address, found)
                for endpoint in details.endpoints if details else ():
                    if endpoint.role == "SENDER" and endpoint.identifier in LISTS:
                        found = Findings(f"{version} {endpoint.identifier}")
                        everything.append(found)
                        await ListCheck(peer, endpoint.url, LISTS[endpoint.identifier][version], found, most_pages).run()
        except PeerError as error:
            found.hold("it answers", str(error), "4")
    return [finding for one in everything for finding in one.found]
