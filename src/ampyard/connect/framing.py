"""OCPP-J frames: what a message is, and what is answered to a text that is none.

Sources: OCPP-J 1.6, section 4 with errata 5.1 and 5.2 (the misspelt error codes stay); OCPP 2.0.1 and 2.1 part 4, section 4.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from ocpp.messages import Call, CallError, CallResult, MessageType

from ampyard.domain.charge_points import OcppVersion

Message: TypeAlias = Call | CallResult | CallError

# OCPP 2.0.1 part 4, 4.2.3: what stands for a message id that cannot be read.
UNREADABLE_ID = "-1"
_MAX_ID_LENGTH = 36
_MAX_DESCRIPTION_LENGTH = 255
_CALL_ELEMENTS = 4
_CALL_RESULT_ELEMENTS = 3
_CALL_ERROR_ELEMENTS = range(3, 6)
# OCPP 2.1 part 4, 4.1.3: CALLRESULTERROR says that an answer of ours was broken, SEND wants no answer.
_UNANSWERED_21 = frozenset({5, 6})


class MalformedFrameError(Exception):
    """A frame that is no OCPP message known here. `reply` is the CALLERROR it is answered with; `None` for what gets no answer."""

    def __init__(self, description: str, reply: CallError | None) -> None:
        super().__init__(description)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class _Codes:
    """Error codes of a version (OCPP-J 1.6, table 7; OCPP 2.0.1 part 4, table 8, which 2.1 keeps)."""

    unreadable: str
    incomplete: str
    unknown_type: str
    payload: str


_CODES_20 = _Codes("RpcFrameworkError", "RpcFrameworkError", "MessageTypeNotSupported", "FormatViolation")
_CODES = {
    OcppVersion.V16: _Codes("FormationViolation", "ProtocolError", "ProtocolError", "FormationViolation"),
    OcppVersion.V201: _CODES_20,
    OcppVersion.V21: _CODES_20,
}
_SPELLING = {
    OcppVersion.V16: {"FormatViolation": "FormationViolation", "OccurrenceConstraintViolation": "OccurenceConstraintViolation"},
    OcppVersion.V201: {},
    OcppVersion.V21: {},
}


def call_error(message_id: str, code: str, description: str, version: OcppVersion) -> CallError:
    """Return a CALLERROR with the code as this version spells it, and a description that fits."""
    return CallError(message_id, _SPELLING[version].get(code, code), description[:_MAX_DESCRIPTION_LENGTH], {})


def parse(frame: str | bytes, version: OcppVersion) -> Message:
    """Return the message that a frame holds; its payload is not checked.

    Binary frames are no OCPP messages (OCPP-J 1.6, 4.1.2: JSON text). They are answered like any unreadable text and not
    with a closed socket, which RFC 6455, 7.4.1 allows but does not ask for: a charge point learns more from an answer.

    Raises:
        MalformedFrameError: it is none, with what to answer.
    """
    codes = _CODES[version]
    elements = _elements(frame, version)
    if not elements:
        raise _malformed(codes.incomplete, "The array is empty; a message begins with its type and its id.", version)
    kind = elements[0]
    message_id = elements[1] if len(elements) > 1 and _readable_id(elements[1]) else UNREADABLE_ID
    if type(kind) is not int:
        raise _malformed(codes.unreadable, "The first element, the message type, is no integer.", version, message_id)
    match kind:
        case MessageType.Call:
            return _call(message_id, elements, version)
        case MessageType.CallResult | MessageType.CallError:
            return _answer(kind, message_id, elements)
    if version is OcppVersion.V21 and kind in _UNANSWERED_21:
        raise MalformedFrameError(f"Message {message_id} is of type {kind}, which is not used here.", None)
    raise _malformed(codes.unknown_type, f"There is no message type {kind}; 2, 3 and 4 are known.", version, message_id)


def _malformed(code: str, description: str, version: OcppVersion, message_id: str = UNREADABLE_ID) -> MalformedFrameError:
    return MalformedFrameError(description, call_error(message_id, code, description, version))


def _elements(frame: str | bytes, version: OcppVersion) -> list[Any]:
    unreadable = _CODES[version].unreadable
    if isinstance(frame, bytes):
        raise _malformed(unreadable, "A message is a text frame, not a binary one.", version)
    try:
        elements = orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        raise _malformed(unreadable, f"This is not JSON: {error}.", version) from error
    if not isinstance(elements, list):
        raise _malformed(unreadable, "A message is a JSON array.", version)
    return elements


def _readable_id(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_ID_LENGTH


def _call(message_id: str, elements: list[Any], version: OcppVersion) -> Call:
    codes = _CODES[version]
    if len(elements) < _CALL_ELEMENTS:
        raise _malformed(codes.incomplete, f"A CALL has {_CALL_ELEMENTS} elements, this one has {len(elements)}.", version, message_id)
    if not _readable_id(elements[1]):
        raise _malformed(codes.unreadable, f"The message id is no text of at most {_MAX_ID_LENGTH} characters.", version)
    if len(elements) > _CALL_ELEMENTS or not isinstance(elements[2], str):
        raise _malformed(codes.unreadable, "A CALL is [2, message id, action, payload], its action a text.", version, message_id)
    # OCPP-J 1.6, 4.2.1: null stands for a payload without fields.
    payload = {} if elements[3] is None else elements[3]
    if not isinstance(payload, dict):
        raise _malformed(codes.payload, "The payload is no JSON object.", version, message_id)
    return Call(message_id, elements[2], payload)


def _answer(kind: int, message_id: str, elements: list[Any]) -> CallResult | CallError:
    if kind == MessageType.CallResult and len(elements) == _CALL_RESULT_ELEMENTS and isinstance(elements[2], dict | None):
        return CallResult(message_id, elements[2] or {})
    if kind == MessageType.CallError and len(elements) in _CALL_ERROR_ELEMENTS and isinstance(elements[2], str):
        description = elements[3] if len(elements) > _CALL_RESULT_ELEMENTS else ""
        return CallError(message_id, elements[2], str(description), {})
    raise MalformedFrameError(f"A broken answer to message {message_id}.", None)
