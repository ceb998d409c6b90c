"""Frames: a message is a JSON array of seven (VDV 463, MessageStructure), the same for requests, confirmations and errors."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

import orjson

from ampyard.vdv463.wire.types import format_timestamp

# What we are to the other side: the charging management system.
SOURCE = "CMS"
BOOT = "BootNotification"
REQUESTS = "ProvideChargingRequests"
INFORMATION = "ProvideChargingInformation"
ACTIONS = (BOOT, REQUESTS, INFORMATION)
_ELEMENTS = 7
_NOBODY = uuid.UUID(int=0)
# Told back, so that the sender finds what it is about; cut off, so that nobody is told more than that.
_TOLD_LENGTH = 255


class MessageType(IntEnum):
    REQUEST = 1
    CONFIRMATION = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Message:
    """A message; `payload` is its seventh element."""

    type: MessageType
    source: str
    presystem_id: str
    at: datetime | None
    message_id: str
    action: str
    payload: dict[str, Any]

    def answered(self, payload: dict[str, Any], *, at: datetime, type_: MessageType = MessageType.CONFIRMATION) -> "Message":
        """Return the answer to a request: it has the request's presystem, id and action."""
        return Message(type_, SOURCE, self.presystem_id, at, self.message_id, self.action, payload)

    def refused(self, error: str, *, at: datetime) -> "Message":
        """Return the error that a request is answered with (ErrorResponse)."""
        return self.answered({"errorMessage": error}, at=at, type_=MessageType.ERROR)

    def to_text(self) -> str:
        """Return the message as it goes over the wire."""
        stamp = "" if self.at is None else format_timestamp(self.at)
        frame = [int(self.type), self.source, self.presystem_id, stamp, self.message_id, self.action, self.payload]
        return orjson.dumps(frame).decode()


class MalformedMessageError(Exception):
    """A text that is no message. `about` is what could be read of it, to be answered with an error; None: it gets no answer."""

    def __init__(self, flaw: str, about: Message | None) -> None:
        super().__init__(flaw)
        self.about = about


def parse(frame: str | bytes) -> Message:
    """Return the message that a frame holds; its payload is not checked.

    What can be read of a frame that is none (its presystem, id and action) is told back with the error; an id that cannot is 0 in all
    digits. A confirmation or an error that cannot be read is not answered.

    Raises:
        MalformedMessageError: it is none.
    """
    elements = _elements(frame)
    about = _readable(elements)
    flaw = next(_flaws(elements), None)
    if flaw is not None:
        is_answer = bool(elements) and elements[0] in {MessageType.CONFIRMATION, MessageType.ERROR}
        raise MalformedMessageError(flaw, None if is_answer else about)
    at = datetime.fromisoformat(elements[3])
    return Message(MessageType(elements[0]), elements[1], elements[2], at, elements[4], elements[5], elements[6])


def _elements(frame: str | bytes) -> list[Any]:
    nothing = Message(MessageType.REQUEST, "", "", None, str(_NOBODY), BOOT, {})
    if isinstance(frame, bytes):
        raise MalformedMessageError("A message is a text frame, not a binary one.", nothing)
    try:
        elements = orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        raise MalformedMessageError(f"This is not JSON: {error}.", nothing) from error
    if not isinstance(elements, list):
        raise MalformedMessageError("A message is a JSON array of seven elements.", nothing)
    return elements


def _readable(elements: list[Any]) -> Message:
    texts = [element[:_TOLD_LENGTH] if isinstance(element, str) else "" for element in elements[:_ELEMENTS]]
    texts += [""] * (_ELEMENTS - len(texts))
    message_id = texts[4] if _is_uuid(texts[4]) else str(_NOBODY)
    return Message(MessageType.REQUEST, texts[1], texts[2], None, message_id, texts[5] or BOOT, {})


def _flaws(elements: list[Any]) -> Iterator[str]:
    """Yield what is wrong; what comes later is only looked at where all before it is well."""
    if len(elements) != _ELEMENTS:
        yield f"A message has {_ELEMENTS} elements, this one has {len(elements)}."
        return
    kind, source, presystem_id, stamp, message_id, action, payload = elements
    if type(kind) is not int or kind not in {int(one) for one in MessageType}:
        yield f"There is no message type {str(kind)[:20]}; 1 is a request, 2 a confirmation, 3 an error."
    named = {"source": source, "presystem id": presystem_id, "timestamp": stamp, "message id": message_id, "action": action}
    for name, element in named.items():
        if not isinstance(element, str) or len(element) > _TOLD_LENGTH or "\0" in element:
            yield f"The {name} is no text of at most {_TOLD_LENGTH} characters without NUL."
            return
    if not _is_moment(stamp):
        yield f"The timestamp {stamp!r} is no date and time with a zone, as in RFC 3339."
    if not _is_uuid(message_id):
        yield f"The message id {message_id!r} is no UUID."
    if action not in ACTIONS:
        yield f"There is no action {action!r}; there are {', '.join(ACTIONS)}."
    if not isinstance(payload, dict):
        yield "The payload is no JSON object."


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
