"""Signed, expiring links to files: whoever holds one may fetch that file until it ends, without a further credential."""

import base64
import hashlib
import hmac
import uuid
from datetime import UTC, datetime, timedelta

from ampyard.domain.errors import ForbiddenError

_LIFETIME = timedelta(minutes=15)
_TOKEN_BYTES = 16 + 16 + 8


class FileLinks:
    """Makes and checks links to report files below `base_url` (no trailing slash)."""

    def __init__(self, key: bytes, base_url: str) -> None:
        self._key = hashlib.blake2b(key, person=b"ampyard-link").digest()
        self._base_url = base_url

    def to_report(self, tenant_id: uuid.UUID, report_id: uuid.UUID, *, now: datetime) -> str:
        """Return a link to a report's file that works for 15 minutes."""
        expires = int((now + _LIFETIME).timestamp())
        body = tenant_id.bytes + report_id.bytes + expires.to_bytes(8, "big")
        token = base64.urlsafe_b64encode(body + self._sign(body)).decode().rstrip("=")
        return f"{self._base_url}/files/{token}"

    def read(self, token: str, *, now: datetime) -> tuple[uuid.UUID, uuid.UUID]:
        """Return (tenant, report) ids of a link's token.

        Raises:
            ForbiddenError: it is not a token of ours, or its time is over.
        """
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            raw = b""
        body, signature = raw[:_TOKEN_BYTES], raw[_TOKEN_BYTES:]
        if len(body) != _TOKEN_BYTES or not hmac.compare_digest(signature, self._sign(body)):
            raise ForbiddenError("This link is not valid. Ask the graph for the report's downloadUrl.")
        if datetime.fromtimestamp(int.from_bytes(body[32:], "big"), UTC) <= now:
            raise ForbiddenError("This link has expired. Ask the graph for the report's downloadUrl again.")
        return uuid.UUID(bytes=body[:16]), uuid.UUID(bytes=body[16:32])

    def _sign(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, key=self._key, digest_size=16).digest()
