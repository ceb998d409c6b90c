"""Id tags: what identifies a vehicle at a charge point, in whatever way it is written."""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.errors import InvalidInputError

# OCPP 2.0.1 part 2, 3.41 IdTokenType; 1.6 takes 20 characters, and never sends more.
MAX_LENGTH = 36

# "VID:" is what many charge points put before the address they read from the vehicle.
_HEX_PAIRS = re.compile(r"(?:VID:)?([0-9A-F]{2}(?:[:-][0-9A-F]{2}){3,9})")
_PLAIN_VID = re.compile(r"VID:([0-9A-F]{12})")
_MAC = re.compile(r"[0-9A-F]{12}")
# eMAID (ISO 15118-2, annex H.1): country, provider, instance, and a check digit that may be absent; the hyphens may be, too.
_EMAID = re.compile(r"([A-Z]{2})(-?)([A-Z0-9]{3})\2([A-Z0-9]{9})(?:\2([A-Z0-9]))?")


class IdTagKind(StrEnum):
    RFID = "RFID"
    MAC = "MAC"
    APP = "APP"
    CONTRACT = "CONTRACT"


@dataclass(frozen=True, slots=True)
class IdTag:
    """What identifies a vehicle at a charge point, from when it was given to the vehicle until it was removed.

    `value` is as it was written; `canonical` is the same for every way of writing it, and unique among a tenant's tags that are not
    removed. (None for tags of release 0.1.0: their value in capitals.) It is valid from `valid_from` until before `valid_until`;
    None: open.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    vehicle_id: uuid.UUID
    value: str
    canonical: str | None
    kind: IdTagKind
    blocked: bool
    valid_from: datetime | None
    valid_until: datetime | None
    removed_at: datetime | None
    created_at: datetime
    updated_at: datetime


def canonical(value: str) -> str:
    """Return the one way of writing an id tag by which it is looked up.

    Case and surrounding spaces never count (OCPP: CiString). Neither do the separators of what is written as pairs of
    hexadecimal digits (card numbers, MAC addresses), "VID:" before a MAC address, and the hyphens of a contract id.
    """
    written = value.strip().upper()
    if found := _HEX_PAIRS.fullmatch(written):
        return re.sub("[:-]", "", found[1])
    if found := _PLAIN_VID.fullmatch(written):
        return found[1]
    if found := _EMAID.fullmatch(written):
        return "".join(part for part in (found[1], found[3], found[4], found[5]) if part)
    return written


def checked(value: str, kind: IdTagKind) -> str:
    """Return an id tag's value without surrounding spaces.

    Raises:
        InvalidInputError: it is empty, too long, or not of the form that its kind has.
    """
    written = value.strip()
    if not 1 <= len(written) <= MAX_LENGTH or not written.isprintable():
        raise InvalidInputError(f"An id tag has 1 to {MAX_LENGTH} printable characters, not {len(written)}.", ("input", "value"))
    if kind is IdTagKind.MAC and not _MAC.fullmatch(canonical(written)):
        message = f"{written!r} is not a MAC address; give 12 hexadecimal digits, such as 00:1A:2B:3C:4D:5E."
        raise InvalidInputError(message, ("input", "value"))
    if kind is IdTagKind.CONTRACT and not _EMAID.fullmatch(written.upper()):
        message = f"{written!r} is not a contract id; give country, provider and instance (ISO 15118-2, H.1), such as DE-ABC-C12345678-9."
        raise InvalidInputError(message, ("input", "value"))
    return written


def guess_kind(value: str) -> IdTagKind:
    """Return what kind of identification a value nobody has told us of looks like."""
    written = value.strip().upper()
    if _EMAID.fullmatch(written):
        return IdTagKind.CONTRACT
    return IdTagKind.MAC if _MAC.fullmatch(canonical(written)) else IdTagKind.RFID


class Authorization(StrEnum):
    """AuthorizationStatus as OCPP spells the values used here (1.6: 7.2; 2.0.1 part 2: 3.7); the last three are of 2.0.1 alone."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    NO_CREDIT = "NoCredit"
    NOT_AT_THIS_LOCATION = "NotAtThisLocation"
    NOT_AT_THIS_TIME = "NotAtThisTime"


def authorize(tag: IdTag | None, *, at: datetime, unknown_may_charge: bool = False) -> Authorization:
    """Decide whether an id tag may charge at time `at`.

    One that is not valid yet is `INVALID`, as OCPP 1.6 has no word of its own for it. So is an unknown one, unless the tenant lets
    them charge.
    """
    if tag is None:
        return Authorization.ACCEPTED if unknown_may_charge else Authorization.INVALID
    if tag.blocked:
        return Authorization.BLOCKED
    if tag.valid_from is not None and at < tag.valid_from:
        return Authorization.INVALID
    if tag.valid_until is not None and tag.valid_until <= at:
        return Authorization.EXPIRED
    return Authorization.ACCEPTED
