"""Grid links: how a power node is connected with whoever may limit it from outside, and what counts while nobody is heard there."""

import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from ampyard.domain.grid_signals import SignalOrigin

_NAME_LENGTH = 100
_TEXT_LENGTH = 200
_URL_LENGTH = 2000
_SHORTEST_S, _LONGEST_S = 5, 3_600
_LONGEST_SILENCE_S = 86_400

# After so many failures in a row the other side is left alone for a while: it is down, and every try costs it and us.
BREAK_AFTER = 5
_FIRST_RETRY_S = 5.0
_LONGEST_RETRY_S = 300.0


class LinkKind(StrEnum):
    """How a link speaks: a site controller pushes limits; OSCP 2.0 as flexibility provider; OpenADR 3 as VEN."""

    SITE_CONTROLLER = "SITE_CONTROLLER"
    OSCP = "OSCP"
    OPENADR = "OPENADR"

    @property
    def origin(self) -> SignalOrigin:
        """Where signals come from that this kind brings."""
        return SignalOrigin(self.value)


class LinkState(StrEnum):
    """Whether the other side is heard: nobody has been yet, it is, it is not any more, or the link is switched off."""

    WAITING = "WAITING"
    CONNECTED = "CONNECTED"
    LOST = "LOST"
    DISABLED = "DISABLED"


class Circuit(StrEnum):
    """Whether the other side is called: as planned, or left alone for a while after failures in a row."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"


class MeasurementStyle(StrEnum):
    """How often the grid operator wants to be told of measurements (OSCP 2.0, MeasurementConfiguration)."""

    CONTINUOUS = "CONTINUOUS"
    INTERMITTENT = "INTERMITTENT"


@dataclass(frozen=True, slots=True)
class GridLink:
    """A link of a power node to the outside.

    Args:
        interval_s: how often we are heard, or ask: of OSCP how often the other side is to send heartbeats, of OpenADR how often we poll.
        lost_after_s: so long nobody may be silent before the link is lost, in s.
        fallback_kw: what counts for the node while the link is lost; with `fallback_a`, of each phase, the stricter.
        heard_at: when somebody was heard last.
        lost_at: when the link is lost, unless somebody is heard before.
        token_prefix: how the token begins that the other side comes with; None where it does not come.
        group_id: of OSCP: what the grid operator calls the node; of OpenADR: the program, by its id or name. None: of any.
        url: of OSCP the other side's base address, which it tells when it registers; of OpenADR the VTN's.
        token_url: of OpenADR: where access tokens are had; of the VTN unless set.
        client_id: of OpenADR: as whom.
        ven_name: of OpenADR: the name of our VEN.
        registered_at: of OSCP: when registration was complete in both directions; of OpenADR: when the VEN was known there.
        peer_interval_s: of OSCP: how often the other side wants heartbeats of ours, in s.
        peer_measurements: of OSCP: how it wants measurements; see `MeasurementStyle`.
        called_at: when the other side was reached last, `due_at` when it is called next.
        failures: how many calls have failed in a row; `error` is the last one's.
        measured_until: until when measurements have been told.
        handshake_id: of OSCP: the request id of the other side's handshake that is still to be acknowledged.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    power_node_id: uuid.UUID
    kind: LinkKind
    name: str
    enabled: bool
    interval_s: int
    lost_after_s: int
    fallback_kw: float | None
    fallback_a: float | None
    lost_at: datetime
    due_at: datetime
    created_at: datetime
    updated_at: datetime
    heard_at: datetime | None = None
    token_prefix: str | None = None
    group_id: str | None = None
    url: str | None = None
    token_url: str | None = None
    client_id: str | None = None
    ven_name: str | None = None
    registered_at: datetime | None = None
    peer_interval_s: float | None = None
    peer_measurements: list[str] = field(default_factory=list)
    called_at: datetime | None = None
    failures: int = 0
    error: str | None = None
    measured_until: datetime | None = None
    handshake_id: str | None = None

    def state(self, at: datetime) -> LinkState:
        """Return whether the other side is heard."""
        if not self.enabled:
            return LinkState.DISABLED
        if self.lost_at <= at:
            return LinkState.LOST
        return LinkState.WAITING if self.heard_at is None else LinkState.CONNECTED

    @property
    def circuit(self) -> Circuit:
        """Whether the other side is called as planned."""
        return Circuit.OPEN if self.failures >= BREAK_AFTER else Circuit.CLOSED

    def silent_from(self, heard_at: datetime) -> datetime:
        """Return when the link is lost unless somebody is heard again after that moment."""
        return heard_at + timedelta(seconds=self.lost_after_s)


def retry_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row: 5 s, doubled each time, and from `BREAK_AFTER` on 5 minutes.

    Raises:
        ValueError: there was no failure.
    """
    if failures < 1:
        raise ValueError(f"There were {failures} failures; a retry follows at least one.")
    if failures >= BREAK_AFTER:
        return timedelta(seconds=_LONGEST_RETRY_S)
    return timedelta(seconds=_FIRST_RETRY_S * 2.0 ** (failures - 1))


def link_faults(link: GridLink, *, insecure_allowed: bool) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a link: the field, and what would be right. `insecure_allowed`: http is called, too."""
    if not 1 <= len(link.name.strip()) <= _NAME_LENGTH:
        yield "name", f"It has {len(link.name.strip())} characters; give 1 to {_NAME_LENGTH}."
    if not _SHORTEST_S <= link.interval_s <= _LONGEST_S:
        yield "interval_s", f"{link.interval_s} s is out of range; give {_SHORTEST_S} to {_LONGEST_S}."
    if not link.interval_s < link.lost_after_s <= _LONGEST_SILENCE_S:
        yield "lost_after_s", f"{link.lost_after_s} s is out of range; give more than the interval, {_LONGEST_SILENCE_S} at most."
    yield from _fallback_faults(link)
    yield from _address_faults(link, insecure_allowed=insecure_allowed)


def _fallback_faults(link: GridLink) -> Iterator[tuple[str, str]]:
    if link.fallback_kw is None and link.fallback_a is None:
        yield "fallback_kw", "What counts while the link is lost is missing; give fallbackKw, fallbackA, or both."
    for name, value in (("fallback_kw", link.fallback_kw), ("fallback_a", link.fallback_a)):
        if value is not None and not 0 <= value < math.inf:
            yield name, f"{value:g} is out of range; give a number from 0 up."


# By kind: what must be there, and what may. All else is refused, so that nobody takes it to count.
_NEEDED = {LinkKind.SITE_CONTROLLER: (), LinkKind.OSCP: ("group_id",), LinkKind.OPENADR: ("url", "client_id", "ven_name")}
_ALLOWED = {LinkKind.SITE_CONTROLLER: (), LinkKind.OSCP: ("url",), LinkKind.OPENADR: ("token_url", "group_id")}
_OPTIONAL = ("group_id", "url", "token_url", "client_id", "ven_name")


def _address_faults(link: GridLink, *, insecure_allowed: bool) -> Iterator[tuple[str, str]]:
    for name in _OPTIONAL:
        value = getattr(link, name)
        if value is None:
            if name in _NEEDED[link.kind]:
                yield name, f"A link of kind {link.kind} needs it."
        elif name not in _NEEDED[link.kind] + _ALLOWED[link.kind]:
            yield name, f"A link of kind {link.kind} has none; leave it out."
        elif name.endswith("url"):
            if (wrong := address_fault(value, insecure_allowed=insecure_allowed)) is not None:
                yield name, wrong
        elif not 1 <= len(value.strip()) <= _TEXT_LENGTH:
            yield name, f"It has {len(value.strip())} characters; give 1 to {_TEXT_LENGTH}."


def address_fault(url: str, *, insecure_allowed: bool) -> str | None:
    """Return what is wrong with the address of another side; None: nothing. `insecure_allowed`: http will do, too."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return f"{url[:80]!r} is no URL; give one such as https://grid.example/oscp/cp/2.0."
    schemes = ("https", "http") if insecure_allowed else ("https",)
    if parts.scheme not in schemes or not host:
        return f"{url[:80]!r} is no URL that is called; give one that begins with {' or '.join(f'{it}://' for it in schemes)}."
    if parts.username is not None or parts.password is not None:
        return "It has a user or a password in it; leave them out."
    if parts.query or parts.fragment:
        return "It has a query or a fragment; leave them out: paths are added to it."
    return f"It has {len(url)} characters; give at most {_URL_LENGTH}." if len(url) > _URL_LENGTH else None
