import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.countries import ALPHA_3
from ampyard.domain.local_time import time_zones
from ampyard.domain.opening_hours import Hours
from ampyard.domain.supply import WeeklyLimit

# So deep may a supply tree be; a grid connection with transformers, distributions and panels below it takes five.
MAX_TREE_DEPTH = 10
MAX_WEEKLY_LIMITS = 200

_NAME_LENGTH = 200
_HIGHEST_VOLTAGE_V = 1000  # above it is no low voltage (IEC 60038), and no charge point hangs there
_LONGEST_SILENCE_S = 86_400
_TEXT_LENGTH = 255  # of address and city, as OCPI bounds the first


@dataclass(frozen=True, slots=True)
class Depot:
    """A site, with a time zone. `country_code` is ISO 3166-1 alpha-3, as OCPI locations have it.

    An archived depot keeps its history, is not planned any more and takes in nothing new. `opening_times` is `None` where
    nobody has said when it is open.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    time_zone: str
    address: str
    postal_code: str
    city: str
    country_code: str
    latitude: float
    longitude: float
    created_at: datetime
    updated_at: datetime
    opening_times: Hours | None = None
    archived_at: datetime | None = None

    def is_open(self, at: datetime) -> bool | None:
        """Tell whether it is open at a moment; `None` where nobody has said when it is."""
        return None if self.opening_times is None else self.opening_times.is_open(at, self.time_zone)


def depot_faults(depot: Depot) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a depot: the field, and what would be right."""
    for field, text, most, needed in (
        ("name", depot.name, _NAME_LENGTH, True),
        ("address", depot.address, _TEXT_LENGTH, False),
        ("postal_code", depot.postal_code, 10, False),
        ("city", depot.city, _TEXT_LENGTH, False),
    ):
        if needed and not text.strip():
            yield field, "It is empty; give one."
        if len(text) > most:
            yield field, f"It has {len(text)} characters; {most} at most."
    if depot.time_zone not in time_zones():
        yield "time_zone", f"{depot.time_zone[:80]!r} is no time zone; give its IANA name, such as Europe/Berlin."
    if depot.country_code not in ALPHA_3:
        yield "country_code", f"{depot.country_code[:80]!r} is no country; give its code of ISO 3166-1 alpha-3, such as DEU."
    for field, degrees, most in (("latitude", depot.latitude, 90), ("longitude", depot.longitude, 180)):
        if not -most <= degrees <= most:
            yield field, f"{degrees:g} degrees are out of range; give -{most} to {most} (WGS 84)."


class PowerNodeKind(StrEnum):
    GRID_CONNECTION = "GRID_CONNECTION"
    FEEDER = "FEEDER"
    PANEL = "PANEL"


@dataclass(frozen=True, slots=True)
class PowerNode:
    """A node of a depot's supply tree; the root has no parent. Charge points hang on its leaves.

    `limit_kw` and, where there is one, `limit_a` of each phase are what it can bear: no rule lifts it above them.
    `voltage_v` is between phase and neutral. `unmanaged_fallback_kw` counts for what flows there that is not ours while a
    site meter is silent, which it is once its last reading is older than `site_meter_max_age_s`.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    parent_id: uuid.UUID | None
    kind: PowerNodeKind
    name: str
    limit_kw: float
    created_at: datetime
    updated_at: datetime
    limit_a: float | None = None
    phases: int = 3
    voltage_v: float = 230.0
    weekly_limits: tuple[WeeklyLimit, ...] = ()
    unmanaged_fallback_kw: float | None = None
    site_meter_max_age_s: int = 300


def power_node_faults(node: PowerNode) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a power node: the field, and what would be right."""
    if not node.name.strip():
        yield "name", "It is empty; give one."
    if len(node.name) > _NAME_LENGTH:
        yield "name", f"It has {len(node.name)} characters; {_NAME_LENGTH} at most."
    for field, value, unit in (
        ("limit_kw", node.limit_kw, "kW"),
        ("limit_a", node.limit_a, "A"),
        ("unmanaged_fallback_kw", node.unmanaged_fallback_kw, "kW"),
    ):
        if value is not None and not 0 <= value < math.inf:
            yield field, f"{value:g} {unit} is out of range; give a number from 0 up."
    if node.phases not in {1, 2, 3}:
        yield "phases", f"{node.phases} is out of range; give 1, 2 or 3."
    if not 0 < node.voltage_v <= _HIGHEST_VOLTAGE_V:
        yield "voltage_v", f"{node.voltage_v:g} V is out of range; give the voltage between phase and neutral, such as 230."
    if not 1 <= node.site_meter_max_age_s <= _LONGEST_SILENCE_S:
        yield "site_meter_max_age_s", f"{node.site_meter_max_age_s} s is out of range; give 1 to {_LONGEST_SILENCE_S}."
    if len(node.weekly_limits) > MAX_WEEKLY_LIMITS:
        yield "weekly_limits", f"{len(node.weekly_limits)} windows are too many; {MAX_WEEKLY_LIMITS} at most."


@dataclass(frozen=True, slots=True)
class NodePower:
    """What flows through a power node now, in kW, and what may.

    Measured is the sum of the latest measurements of the open transactions below it, allocated that of the limits they may
    use; unmanaged is what is not ours, of the node itself and of all below it; `limit_kw` is what counts now.
    """

    node_id: uuid.UUID
    measured_kw: float
    allocated_kw: float
    measured_at: datetime | None
    unmanaged_kw: float
    limit_kw: float

    @property
    def utilisation(self) -> float | None:
        """The part of the limit that flows, 1 for all of it; `None` where the limit is 0."""
        return (self.measured_kw + self.unmanaged_kw) / self.limit_kw if self.limit_kw > 0 else None
