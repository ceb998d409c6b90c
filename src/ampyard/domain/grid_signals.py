"""Grid signals: limits of a power node that come from outside, with their begin, their end and where they come from.

They expire by time alone: nothing has to run for a limit to end. They only ever lower what a node may supply, and of several the strictest
counts, so that the order in which they come never matters.
"""

import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ampyard.domain.errors import InvalidInputError

EXTERNAL_ID_LENGTH = 200


class SignalOrigin(StrEnum):
    """Who sent a signal: a person, a site controller, or a grid operator by OSCP 2.0 or OpenADR 3."""

    MANUAL = "MANUAL"
    SITE_CONTROLLER = "SITE_CONTROLLER"
    OSCP = "OSCP"
    OPENADR = "OPENADR"


class SignalKind(StrEnum):
    """What a signal says (OSCP 2.0, CapacityForecastType; the last is ours).

    CONSUMPTION limits what is taken. FALLBACK_CONSUMPTION does so while its link is lost. GENERATION, FALLBACK_GENERATION and OPTIMUM are
    kept and shown, and limit nothing: the fleet feeds nothing back. REQUESTED is what we have asked the grid operator for.
    """

    CONSUMPTION = "CONSUMPTION"
    FALLBACK_CONSUMPTION = "FALLBACK_CONSUMPTION"
    GENERATION = "GENERATION"
    FALLBACK_GENERATION = "FALLBACK_GENERATION"
    OPTIMUM = "OPTIMUM"
    REQUESTED = "REQUESTED"


# Those that can lower what a node may supply.
LIMITING = (SignalKind.CONSUMPTION, SignalKind.FALLBACK_CONSUMPTION)


class SignalState(StrEnum):
    """Where a signal is in its life. It expires by itself; a newer one supersedes it, and its sender withdraws it."""

    UPCOMING = "UPCOMING"
    IN_FORCE = "IN_FORCE"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    WITHDRAWN = "WITHDRAWN"


class SignalEnd(StrEnum):
    """Why a signal ended before its time."""

    SUPERSEDED = "SUPERSEDED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class GridSignal:
    """A limit of a power node from outside, from `begins_at` to before `ends_at`.

    `counts_until` is `ends_at`, or when it was superseded or withdrawn; `ended_as` then says which. `limit_kw` is of the whole node,
    `limit_a` of each phase; where both are given, the stricter counts. `external_id` is what its sender calls it. `excess_kw` is by how
    much the fall-backs below the node exceeded it when it came; `told_at` is when its sender was told that, or was sent a request of ours.

    Raises:
        InvalidInputError: it ends before it begins, or limits nothing, or by what is no number from 0 up.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    power_node_id: uuid.UUID
    link_id: uuid.UUID | None
    origin: SignalOrigin
    kind: SignalKind
    external_id: str | None
    begins_at: datetime
    ends_at: datetime
    limit_kw: float | None
    limit_a: float | None
    reason: str
    author: str
    received_at: datetime
    counts_until: datetime
    ended_as: SignalEnd | None = None
    excess_kw: float | None = None
    told_at: datetime | None = None

    def __post_init__(self) -> None:
        span = f"A limit from {self.begins_at.isoformat()} to {self.ends_at.isoformat()}"
        if self.ends_at <= self.begins_at:
            raise InvalidInputError(f"{span} would never be in force; give an end after its begin.")
        limits = [limit for limit in (self.limit_kw, self.limit_a) if limit is not None]
        if not limits:
            raise InvalidInputError(f"{span} limits nothing; give a limit in kW, in A, or both.")
        for limit in limits:
            if not 0 <= limit < math.inf:
                raise InvalidInputError(f"{span} is of {limit:g}; give a number from 0 up.")

    def is_in_force(self, at: datetime) -> bool:
        """Tell whether it is the word of its sender at a moment."""
        return self.begins_at <= at < self.counts_until

    def state(self, at: datetime) -> SignalState:
        """Return where in its life it is at a moment."""
        if self.ended_as is not None and at >= self.counts_until:
            return SignalState(self.ended_as.value)
        if at >= self.ends_at:
            return SignalState.EXPIRED
        return SignalState.IN_FORCE if self.begins_at <= at else SignalState.UPCOMING


@dataclass(frozen=True, slots=True)
class LostLink:
    """A link to the outside that nobody has been heard on in time: since when, and the fall-back limit that counts meanwhile."""

    id: uuid.UUID
    origin: SignalOrigin
    name: str
    lost_at: datetime
    fallback_kw: float | None
    fallback_a: float | None


@dataclass(frozen=True, slots=True)
class GridLimit:
    """One limit of a node from outside that counts at a moment, and why: a signal, or the fall-back of a lost link."""

    limit_kw: float | None
    limit_a: float | None
    who: str
    until: str
    signal_id: uuid.UUID | None
    link_id: uuid.UUID | None

    @property
    def is_fallback(self) -> bool:
        """Whether it counts because a link is lost."""
        return self.signal_id is None

    def explained(self, limit: str) -> str:
        """Return a sentence for people; `limit` is the limit in words."""
        return f"{self.who}: {limit}{self.until}."


@dataclass(frozen=True, slots=True)
class GridLimits:
    """What the outside says of a node: signals, whether in force or not, and those of its links that are lost."""

    signals: tuple[GridSignal, ...] = ()
    lost: tuple[LostLink, ...] = ()

    def at(self, moment: datetime) -> list[GridLimit]:
        """Return what limits the node at a moment.

        A lost link's last limits go on to count until they end: a link that is lost never widens what a node may supply. Beside them its
        fall-back forecast counts, and where that says nothing of the moment, the configured fall-back.
        """
        in_force = [signal for signal in self.signals if signal.is_in_force(moment)]
        limits = [_of_signal(signal) for signal in in_force if signal.kind is SignalKind.CONSUMPTION]
        for link in self.lost:
            foreseen = [it for it in in_force if it.kind is SignalKind.FALLBACK_CONSUMPTION and it.link_id == link.id]
            limits += [_of_foreseen(link, it) for it in foreseen] or _of_link(link)
        return limits


NO_GRID_LIMITS = GridLimits()

_SAYS = {
    SignalOrigin.MANUAL: "A limit from outside, entered by hand",
    SignalOrigin.SITE_CONTROLLER: "The site controller",
    SignalOrigin.OSCP: "The grid operator, by OSCP",
    SignalOrigin.OPENADR: "The grid operator, by OpenADR",
}


def _of_signal(signal: GridSignal) -> GridLimit:
    why = f" ({signal.reason})" if signal.reason else ""
    until = f" until {signal.counts_until.isoformat()}{why}"
    return GridLimit(signal.limit_kw, signal.limit_a, _SAYS[signal.origin], until, signal.id, signal.link_id)


def _of_foreseen(link: LostLink, signal: GridSignal) -> GridLimit:
    who = f"{_silent(link)} and the fall-back that it foresaw counts"
    return GridLimit(signal.limit_kw, signal.limit_a, who, "", None, link.id)


def _of_link(link: LostLink) -> list[GridLimit]:
    if link.fallback_kw is None and link.fallback_a is None:
        return []
    return [GridLimit(link.fallback_kw, link.fallback_a, f"{_silent(link)} and its configured fall-back counts", "", None, link.id)]


def _silent(link: LostLink) -> str:
    return f"The link {link.name} is lost since {link.lost_at.isoformat()}"


def supersede(old: GridSignal, begin: datetime, end: datetime, now: datetime) -> tuple[GridSignal, datetime | None]:
    """Return an earlier signal as it is once newer ones say what holds from `begin` to before `end`, and when it goes on after them.

    What it says of the time before and behind is not contradicted: a forecast of the next hour must not lift one of the hour after
    that. None: it does not go on.
    """
    if old.counts_until <= begin or old.begins_at >= end:
        return old, None
    goes_on = end if old.counts_until > end else None
    until = max(begin, now) if old.begins_at < begin else now
    return replace(old, counts_until=min(old.counts_until, until), ended_as=SignalEnd.SUPERSEDED), goes_on


def hull(spans: Iterable[tuple[datetime, datetime]]) -> tuple[datetime, datetime]:
    """Return from the first begin to the last end of some spans.

    Raises:
        ValueError: there are none.
    """
    begins, ends = zip(*spans, strict=True)
    return min(begins), max(ends)
