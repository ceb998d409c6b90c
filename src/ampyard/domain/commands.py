"""Commands: instructions to a charge point, each with an id and a life cycle."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class CommandKind(StrEnum):
    """What is asked of the charge point. The protocol's own message is chosen by the endpoint that holds its socket."""

    START_TRANSACTION = "START_TRANSACTION"
    STOP_TRANSACTION = "STOP_TRANSACTION"
    SET_LIMIT = "SET_LIMIT"
    SET_DEFAULT_LIMIT = "SET_DEFAULT_LIMIT"
    RESET = "RESET"
    CHANGE_AVAILABILITY = "CHANGE_AVAILABILITY"
    UNLOCK_CONNECTOR = "UNLOCK_CONNECTOR"
    READ_VARIABLES = "READ_VARIABLES"
    SET_VARIABLE = "SET_VARIABLE"
    UPDATE_FIRMWARE = "UPDATE_FIRMWARE"
    TRIGGER_MESSAGE = "TRIGGER_MESSAGE"
    READ_SCHEDULE = "READ_SCHEDULE"
    CLEAR_PROFILES = "CLEAR_PROFILES"
    RESERVE = "RESERVE"
    CANCEL_RESERVATION = "CANCEL_RESERVATION"


class CommandState(StrEnum):
    """PENDING → SENT → one of the final four. EXPIRED: nobody answered in time, or nobody held the socket."""

    PENDING = "PENDING"
    SENT = "SENT"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"

    @property
    def final(self) -> bool:
        """Whether the command has come to an end."""
        return self not in {CommandState.PENDING, CommandState.SENT}


@dataclass(frozen=True, slots=True)
class Command:
    """An instruction to a charge point. `payload` holds what `CommandKind` needs; `outcome` the answer, in words."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    kind: CommandKind
    payload: dict[str, Any]
    state: CommandState
    outcome: str | None
    author: str
    created_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime
