"""Opaque, signed cursors: a position in one list and one order, which only we can make."""

import base64
import binascii
import hashlib
import hmac
import uuid
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.paging import Keyset

_SIGNATURE_BYTES = 12


class CursorCodec:
    """Writes and reads cursors. `key` is secret; positions made under another key are refused."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(key, person=b"ampyard-cursor").digest()

    def encode(self, list_name: str, order: str, position: Keyset) -> str:
        """Return the cursor of a position in a list."""
        body = orjson.dumps([list_name, order, position.value, str(position.id)], default=str)  # Decimal has no form in JSON
        return base64.urlsafe_b64encode(self._sign(body) + body).decode().rstrip("=")

    def decode(self, argument: str, cursor: str, list_name: str, order: str, value_type: type[Any]) -> Keyset:
        """Return the position; `argument` names where the cursor came from in the error.

        Raises:
            InvalidInputError: not a cursor of ours, or one of another list or order.
        """
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body)):
            raise InvalidInputError(f"{argument}: this is not a cursor; give a `cursor`, `endCursor` or `startCursor` of an earlier page.")
        name, made_for, value, row_id = orjson.loads(body)
        if (name, made_for) != (list_name, order):
            raise InvalidInputError(f"{argument}: this cursor is of the list {name} by {made_for}, not of {list_name} by {order}.")
        if value is not None and value_type in {datetime, date, time}:
            value = value_type.fromisoformat(value)
        if value is not None and value_type is Decimal:
            value = Decimal(value)
        return Keyset(value, uuid.UUID(row_id))

    def _sign(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, key=self._key, digest_size=_SIGNATURE_BYTES).digest()
