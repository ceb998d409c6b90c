"""Reading what comes in: JSON of bounded size, and what is wrong with it in words that say where."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from ampyard.grid.errors import GridError

_MOST_BYTES = 1_000_000
_MOST_FAULTS = 5

M = TypeVar("M", bound=BaseModel)


class Body(BaseModel):
    """What every body has in common: fields that nobody knows are left alone, as other versions of a protocol may have more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


async def read(request: Request, model: type[M]) -> M:
    """Return the body of a request.

    Raises:
        GridError: 413, it is too large; 400, it is no JSON, or not of that form.
    """
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > _MOST_BYTES:
            raise GridError(413, f"The body has more than {_MOST_BYTES} bytes; send it in parts.")
    return parse(raw, model)


def parse(raw: bytes, model: type[M]) -> M:
    """Return a body that was read. Raises `GridError` as `read` does."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise GridError(400, _told(error)) from error


def _told(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, fault['loc'])) or 'the body'}: {fault['msg']}" for fault in faults[:_MOST_FAULTS]]
    more = f" And {len(faults) - _MOST_FAULTS} more." if len(faults) > _MOST_FAULTS else ""
    return f"The body is not as it should be: {'; '.join(told)}.{more}"
