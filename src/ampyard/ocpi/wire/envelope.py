"""The response format (OCPI, section 4.1.7)."""

from typing import Any

from ampyard.ocpi.wire.types import DateTime, String, WireModel


class Envelope(WireModel):
    """Around every answer: `data`, how it went, and when it was answered."""

    data: Any = None
    status_code: int
    status_message: String | None = None
    timestamp: DateTime
