"""Where one begins: versions, version details, and who is let in."""

from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from ampyard.ocpi.check.findings import Findings
from ampyard.ocpi.check.peer import Peer, Reply
from ampyard.ocpi.modules import ALL_VERSIONS
from ampyard.ocpi.wire.faults import faults
from ampyard.ocpi.wire.versions import Version, VersionDetails

_NOBODY = "Token bm9ib2R5LXdob20teW91LWtub3c="


async def check_versions(peer: Peer, url: str, found: Findings) -> dict[str, str]:
    """Look at the list of versions; returns the addresses of those we know."""
    reply = await peer.get(url)
    _hold_envelope(found, reply)
    versions = _valid(found, "versions", reply, Version)
    addresses = {it.version: it.url for it in versions}
    found.hold("versions twice", _twice(it.version for it in versions), "6.1")
    known = {version: address for version, address in addresses.items() if version in ALL_VERSIONS}
    found.hold("a version we know", None if known else f"it has {', '.join(addresses) or 'none'}; we know {', '.join(ALL_VERSIONS)}", "6.1")
    return known


async def check_authentication(peer: Peer, url: str, found: Findings) -> None:
    """Look at what is answered to those who have no token, or a wrong one."""
    for name, headers in {"no token": {}, "unknown token": {"Authorization": _NOBODY}}.items():
        reply = await peer.get(url, headers=headers)
        fault = None if reply.status == 401 else f"{reply.url} answers HTTP {reply.status}, expected 401"  # noqa: PLR2004 # Unauthorized
        found.hold(f"{name} is refused", fault, "4.1.2")
        if fault is None:
            found.hold(f"{name}: an envelope", reply.fault(status=401), "4.1.7", advice=True)


async def check_details(peer: Peer, version: str, url: str, found: Findings) -> VersionDetails | None:
    """Look at the details of a version; returns them if they are of use."""
    reply = await peer.get(url)
    if not _hold_envelope(found, reply):
        return None
    try:
        details = VersionDetails.model_validate(reply.data)
    except ValidationError as error:
        found.hold("version details", faults(error), "6.2")
        return None
    found.hold("version details", None, "6.2")
    named = None if details.version == version else f"the details at {url} are of version {details.version}, expected {version}"
    found.hold("the version itself", named, "6.2.1")
    found.hold("endpoints twice", _twice(f"{it.identifier} {it.role}" for it in details.endpoints), "6.2")
    has = {it.identifier for it in details.endpoints}
    found.hold("credentials", None if "credentials" in has else "there is no endpoint for credentials, which every version has", "7")
    relative = [it.url for it in details.endpoints if urlsplit(it.url).scheme not in {"http", "https"}]
    found.hold("absolute addresses", f"{relative[0]} is no http address" if relative else None, "6.2.2")
    return details


def _hold_envelope(found: Findings, reply: Reply) -> bool:
    good = found.hold("envelope", reply.fault(), "4.1.7")
    kind = reply.headers.get("Content-Type", "")
    found.hold("content type", None if kind.startswith("application/json") else f"it is {kind!r}, expected application/json", "4.1.7")
    found.hold("message ids", reply.ids_fault(), "4.2")
    return good


def _valid(found: Findings, check: str, reply: Reply, model: type[Version]) -> list[Version]:
    valid, wrong = [], []
    for position, value in enumerate(reply.data if isinstance(reply.data, list) else []):
        try:
            valid.append(model.model_validate(value))
        except ValidationError as error:
            wrong.append(f"[{position}] {faults(error)}")
    empty = None if isinstance(reply.data, list) and reply.data else "data is no list of at least one version"
    found.hold(check, wrong[0] if wrong else empty, "6.1")
    return valid


def _twice(names: Any) -> str | None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    return f"{', '.join(twice)} more than once" if twice else None
