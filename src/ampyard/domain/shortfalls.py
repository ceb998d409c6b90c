"""What a plan says of a vehicle that will not be ready, in words: by how much, by when, because of what, and what would help.

Figures and times (UTC) alone, no names: who sees a vehicle does not always see what keeps it from being ready.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.planning import Remedy, RemedyKind, ShortfallCause

_BECAUSE = {
    ShortfallCause.NODE: "the limit of its supply leaves too little for all",
    ShortfallCause.POWER: "the plug and the vehicle cannot do more in that time",
    ShortfallCause.CAPACITY: "its battery is too small for that",
}


@dataclass(frozen=True, slots=True)
class PlannedShortfall:
    """What a vehicle will lack as it leaves, in kWh in its battery, of the minimum and of the target; see `domain.planning.Shortfall`.

    `is_assumed`: nobody has told what is in its battery, so that it may well lack less.
    """

    lacks_minimum_kwh: float
    lacks_target_kwh: float
    minimum_kwh: float
    departs_at: datetime | None
    cause: ShortfallCause
    node_id: uuid.UUID | None
    ready_at: datetime | None
    remedies: Sequence[Remedy]
    is_assumed: bool = False

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        when = "" if self.departs_at is None else f" as it leaves at {_clock(self.departs_at)}"
        guess = " (its charge is not known, and assumed to be low)" if self.is_assumed else ""
        lacks = f"It will lack {self.lacks_minimum_kwh:.1f} of {self.minimum_kwh:.1f} kWh{when}{guess}: {_BECAUSE[self.cause]}"
        helps = " or ".join(remedy_words(remedy) for remedy in self.remedies)
        return f"{lacks}; it would help to {helps}." if helps else f"{lacks}."


def remedy_words(remedy: Remedy) -> str:
    """Return one thing that would help, as it follows "it would help to"."""
    match remedy.kind:
        case RemedyKind.RAISE_LIMIT:
            return f"raise a limit by {remedy.kw or 0:.1f} kW{_span(remedy)}"
        case RemedyKind.DEPART_LATER:
            return "leave later" if remedy.ends_at is None else f"leave at {_clock(remedy.ends_at)}"
        case RemedyKind.STRONGER_PLUG:
            return f"use a plug of {remedy.kw or 0:.1f} kW"
        case RemedyKind.SWAP_VEHICLE:
            return "send another vehicle in its place"


def _span(remedy: Remedy) -> str:
    if remedy.begins_at is None or remedy.ends_at is None:
        return ""
    return f" from {_clock(remedy.begins_at)} to {_clock(remedy.ends_at)}"


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
