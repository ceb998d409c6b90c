"""What was said on a grid link, both ways, without tokens: so that people can see what was asked for and what was answered."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class MessageDirection(StrEnum):
    """Who sent a message: the other side (IN), or we (OUT)."""

    IN = "IN"
    OUT = "OUT"


@dataclass(frozen=True, slots=True)
class GridMessage:
    """A message on a grid link: its name in the protocol, its body, and what it was answered with.

    `status` is the HTTP status of the answer; None where there was none. `error` is why it failed. `body` has no tokens in it.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    link_id: uuid.UUID
    at: datetime
    direction: MessageDirection
    name: str
    request_id: str | None
    correlation_id: str | None
    status: int | None
    error: str | None
    body: dict[str, Any] | None
