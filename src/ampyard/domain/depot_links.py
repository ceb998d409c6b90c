"""Links to depot management systems (VDV 463): who speaks for which depot, and what the numbers of its priorities mean."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.priorities import PriorityLevel

# By so many numbers above the first of its level a request weighs half as much again as that one.
_HALF_WAY = 10


class PresystemKind(StrEnum):
    """What has booted at the other end (VDV 463, PresystemEnumType): a depot management system, or an operations control system."""

    BMS = "BMS"
    ITCS = "ITCS"


class MessageDirection(StrEnum):
    """Whether a message came in or went out."""

    IN = "IN"
    OUT = "OUT"


@dataclass(frozen=True, slots=True)
class PriorityBands:
    """What the integers mean that a presystem ranks its requests with; VDV 463 gives them neither a range nor a direction.

    Each is the first number of its level; what comes before `normal_from` is LOW. They rise where greater numbers are more urgent, and
    fall where smaller ones are.

    Raises:
        InvalidInputError: they neither rise nor fall.
    """

    normal_from: int = 0
    high_from: int = 50
    critical_from: int = 90

    def __post_init__(self) -> None:
        if not (self.normal_from < self.high_from < self.critical_from or self.normal_from > self.high_from > self.critical_from):
            message = (
                f"Priorities from {self.normal_from} (NORMAL), {self.high_from} (HIGH) and {self.critical_from} (CRITICAL) on neither rise"
                " nor fall; give three numbers that do."
            )
            raise InvalidInputError(message, ("input", "priorityBands"))

    @property
    def _sign(self) -> int:
        return 1 if self.normal_from < self.critical_from else -1

    def level(self, priority: int | None) -> PriorityLevel:
        """Return the class that a request's priority stands for; without one it is NORMAL."""
        if priority is None:
            return PriorityLevel.NORMAL
        floors = self._floors()
        return max((level for level, floor in floors.items() if self._sign * priority >= floor), default=PriorityLevel.LOW)

    def weight(self, priority: int | None) -> float:
        """Return what a request weighs against others of its class: 1 without a priority or for the first number of a class.

        It grows with each number and stays below 2; below NORMAL it falls with each number and stays above 0.
        """
        if priority is None:
            return 1.0
        floors, level = self._floors(), self.level(priority)
        if level is PriorityLevel.LOW:
            beyond = floors[PriorityLevel.NORMAL] - 1 - self._sign * priority
            return _HALF_WAY / (_HALF_WAY + beyond)
        beyond = self._sign * priority - floors[level]
        return 1.0 + beyond / (_HALF_WAY + beyond)

    def _floors(self) -> dict[PriorityLevel, int]:
        return {
            PriorityLevel.NORMAL: self._sign * self.normal_from,
            PriorityLevel.HIGH: self._sign * self.high_from,
            PriorityLevel.CRITICAL: self._sign * self.critical_from,
        }


@dataclass(frozen=True, slots=True)
class DepotLink:
    """The access of a depot management system to one depot, and what is known of it.

    `presystem` and `presystem_id` are what it last said of itself, `subprotocol` what is spoken over its socket. `message_at` is when it
    last sent anything, `listed_at` when it last sent its charging requests. While it is disabled nobody gets in with it.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    name: str
    identity: str
    enabled: bool
    normal_from: int
    high_from: int
    critical_from: int
    presystem: PresystemKind | None
    presystem_id: str | None
    subprotocol: str | None
    connected: bool
    connected_at: datetime | None
    socket_id: uuid.UUID | None
    booted_at: datetime | None
    message_at: datetime | None
    listed_at: datetime | None
    removed_at: datetime | None
    author: str
    created_at: datetime
    updated_at: datetime

    @property
    def bands(self) -> PriorityBands:
        """What the integers of its requests mean."""
        return PriorityBands(self.normal_from, self.high_from, self.critical_from)


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """A message of a link, as it was on the wire. What could not be read of it is None.

    `message_type` is 1 for a request, 2 for its confirmation, 3 for an error. `body` is its text, cut off where it is very long;
    `length` is how many characters it had.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    link_id: uuid.UUID
    at: datetime
    direction: MessageDirection
    message_type: int | None
    action: str | None
    message_id: str | None
    body: str
    length: int
