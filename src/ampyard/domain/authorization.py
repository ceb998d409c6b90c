"""What let a transaction begin, and how its vehicle became known."""

from datetime import datetime, timedelta
from enum import StrEnum

from ampyard.domain.id_tags import Authorization, IdTagKind


class AuthorizedBy(StrEnum):
    """What let a transaction begin."""

    ID_TAG = "ID_TAG"  # the central system was asked about a card, an app or the like
    OFFLINE = "OFFLINE"  # the charge point decided, from its local list or cache, while it was off the line
    AUTOCHARGE = "AUTOCHARGE"  # the vehicle's MAC address
    CONTRACT = "CONTRACT"  # the vehicle's contract certificate (ISO 15118)
    REMOTE_START = "REMOTE_START"  # somebody asked for it through this system
    NOBODY = "NOBODY"  # the start button of a charge point that asks nobody


class VehicleResolution(StrEnum):
    """How the vehicle of a transaction became known."""

    ID_TAG_AT_START = "ID_TAG_AT_START"
    ID_TAG_LATER = "ID_TAG_LATER"


# Clocks of charge points differ by so much without being wrong.
_CLOCK_SLACK = timedelta(seconds=30)


def authorized_by(
    authorization: Authorization | None, kind: IdTagKind | None, *, remote: bool, offline: bool, nobody: bool
) -> AuthorizedBy | None:
    """Return what let a transaction begin; None where nothing has (yet): no tag was named, or one that was refused.

    Args:
        authorization: what became of the id tag; None: none was named.
        kind: of the id tag, as far as it is known.
        remote: somebody asked for this start through the system.
        offline: the charge point was off the line, and so decided by itself.
        nobody: it says that it asks nobody.
    """
    if nobody:
        return AuthorizedBy.NOBODY
    if authorization is None:
        return None
    if remote:
        return AuthorizedBy.REMOTE_START
    if offline:
        return AuthorizedBy.OFFLINE
    if authorization is not Authorization.ACCEPTED:
        return None
    return _OF_KIND.get(kind, AuthorizedBy.ID_TAG)


_OF_KIND: dict[IdTagKind | None, AuthorizedBy] = {
    IdTagKind.MAC: AuthorizedBy.AUTOCHARGE,
    IdTagKind.CONTRACT: AuthorizedBy.CONTRACT,
}


def began_offline(at: datetime, *, connected_at: datetime | None) -> bool:
    """Tell whether a start of OCPP 1.6, which does not say so itself, was kept while the charge point was off the line.

    It was where it is older than the connection it came by.
    """
    return connected_at is not None and at < connected_at - _CLOCK_SLACK
