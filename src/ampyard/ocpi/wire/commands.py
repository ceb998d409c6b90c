"""Commands, what is answered at once, and what became of them (OCPI, chapter 13)."""

from typing import Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.wire.tokens import Token
from ampyard.ocpi.wire.types import CiString, DateTime, DisplayText, Identifier, Many, Url, WireModel

CommandResponseType: TypeAlias = Literal["NOT_SUPPORTED", "REJECTED", "ACCEPTED", "UNKNOWN_SESSION"]
CommandResultType: TypeAlias = Literal[
    "ACCEPTED",
    "CANCELED_RESERVATION",
    "EVSE_OCCUPIED",
    "EVSE_INOPERATIVE",
    "FAILED",
    "NOT_SUPPORTED",
    "REJECTED",
    "TIMEOUT",
    "UNKNOWN_RESERVATION",
]


class CancelReservation(WireModel):
    """Cancel a reservation of the same sender."""

    response_url: Url
    reservation_id: Identifier


class ReserveNow(WireModel):
    """Keep an EVSE for a driver; the same `reservation_id` at the same location replaces a reservation."""

    response_url: Url
    token: Token
    expiry_date: DateTime
    reservation_id: Identifier
    location_id: Identifier
    evse_uid: Identifier | None = None
    authorization_reference: CiString | None = Field(default=None, max_length=36)


class StartSession(WireModel):
    """Start a session; the token is authorized by the sender."""

    response_url: Url
    token: Token
    location_id: Identifier
    evse_uid: Identifier | None = None
    connector_id: Identifier | None = None
    authorization_reference: CiString | None = Field(default=None, max_length=36)


class StopSession(WireModel):
    """Stop a session."""

    response_url: Url
    session_id: Identifier


class UnlockConnector(WireModel):
    """Unlock a connector; for help desks alone."""

    response_url: Url
    location_id: Identifier
    evse_uid: Identifier
    connector_id: Identifier


class CommandResponse(WireModel):
    """What is answered at once; the result comes within `timeout` seconds, or never."""

    result: CommandResponseType
    timeout: int = Field(ge=0)
    message: Many[DisplayText] | None = None


class CommandResult(WireModel):
    """What became of a command, sent to its `response_url`."""

    result: CommandResultType
    message: Many[DisplayText] | None = None
