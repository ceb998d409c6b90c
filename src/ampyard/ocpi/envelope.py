from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ampyard.domain.clock import utc_now
from ampyard.domain.ids import new_id
from ampyard.ocpi import json
from ampyard.ocpi.errors import StatusCode
from ampyard.ocpi.wire.types import format_date_time

MESSAGE_IDS = ("X-Request-ID", "X-Correlation-ID")


def answer(
    request: Request,
    data: Any = None,
    *,
    status: int = HTTPStatus.OK,
    code: StatusCode = StatusCode.SUCCESS,
    message: str = "Success",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return `data` (JSON values; `None`: absent) in the response format of OCPI (section 4.1, Response format).

    The unique message ids of the request are repeated (section 4.2, Unique message IDs); a request without them gets new ones.
    """
    envelope = {"status_code": code, "status_message": message, "timestamp": format_date_time(utc_now())}
    if data is not None:
        envelope = {"data": data} | envelope
    ids = {name: request.headers.get(name) or str(new_id()) for name in MESSAGE_IDS}
    return Response(json.render(envelope), status_code=status, headers={**(headers or {}), **ids}, media_type="application/json")
