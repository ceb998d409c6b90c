"""Identifiers: UUIDv7, so that keys made later sort later and B-tree inserts stay at the right edge."""

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """Return a new UUIDv7 (RFC 9562, section 5.7)."""
    return uuid_utils.compat.uuid7()
