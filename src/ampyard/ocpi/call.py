from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from ampyard.domain.access import Principal
from ampyard.domain.roaming.partners import OcpiPartner, TokenKind
from ampyard.ocpi import json
from ampyard.ocpi.errors import OcpiError, Refusal
from ampyard.ocpi.routing import Routing
from ampyard.services.backend import Backend

# The largest object is a Location with hundreds of EVSEs, or a CDR with signed meter data.
MAX_BODY_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request.

    `root_url` is the absolute address of the OCPI root, without a slash at its end; `version` the one its URL names (None: it names none).
    """

    request: Request
    backend: Backend
    partner: OcpiPartner
    principal: Principal
    token_kind: TokenKind
    root_url: str
    version: str | None = None
    routing: Routing = field(default_factory=Routing)

    @property
    def path(self) -> Mapping[str, str]:
        """What the URL names: `location_id`, `country_code` and so on."""
        return self.request.path_params

    def url(self, module: str) -> str:
        """Return the absolute address of a module in this call's version."""
        return f"{self.root_url}/{self.version}/{module}"

    async def body(self) -> Any:
        """Return the JSON values of the body; numbers with a fraction are `Decimal`.

        Raises:
            OcpiError: it is larger than 2 MB, or not JSON.
        """
        try:
            return json.parse(await read_body(self.request))
        except ValueError as error:
            raise OcpiError(Refusal.BODY_NOT_JSON, f"The body should be JSON in UTF-8, and is not: {error}.") from None


Handler: TypeAlias = Callable[[Call], Awaitable[Response]]


async def read_body(request: Request) -> bytes:
    """Return the body, of which no more is read than may be; raises `OcpiError` with HTTP 413 when there is more."""
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > MAX_BODY_BYTES:
            raise OcpiError(Refusal.BODY_TOO_LARGE, f"The body has more than {MAX_BODY_BYTES} bytes.")
        parts.append(part)
    return b"".join(parts)
