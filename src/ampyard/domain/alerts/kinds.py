"""What there can be alerts about, and how serious they are."""

from enum import IntEnum, StrEnum


class AlertKind(StrEnum):
    """What an alert is about.

    Each kind has its own target: a charge point, an EVSE, a transaction, a power node, an assignment, a job, an anomaly, a grid link.
    """

    OFFLINE = "OFFLINE"
    FAULTED = "FAULTED"
    NOT_CHARGING = "NOT_CHARGING"
    OVER_LIMIT = "OVER_LIMIT"
    OVERDRAW = "OVERDRAW"
    SCHEDULE_HIGHER = "SCHEDULE_HIGHER"
    NOT_READY = "NOT_READY"
    SHORTFALL = "SHORTFALL"
    REPORT_FAILED = "REPORT_FAILED"
    ANOMALY = "ANOMALY"
    GRID_LINK_LOST = "GRID_LINK_LOST"
    FALLBACKS_OVER_SIGNAL = "FALLBACKS_OVER_SIGNAL"


class AlertSeverity(IntEnum):
    """How serious an alert is, least first."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


# Their charge point may be down as planned, which such a rule can take into account.
ABOUT_CHARGE_POINTS = frozenset(
    {AlertKind.OFFLINE, AlertKind.FAULTED, AlertKind.NOT_CHARGING, AlertKind.OVERDRAW, AlertKind.SCHEDULE_HIGHER}
)
