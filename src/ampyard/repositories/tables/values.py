"""How values of the domain that have a column, but no table, are written as JSON."""

from datetime import datetime
from typing import Any

from sqlalchemy import text

from ampyard.domain.equipment import SetPointKind, SetPoints
from ampyard.domain.local_time import Weekday
from ampyard.domain.opening_hours import ExceptionalPeriod, Hours, RegularHours
from ampyard.domain.supply import WeeklyLimit


def hours_to_json(hours: Hours) -> dict[str, Any]:
    """Return opening times as JSON."""
    return {
        "twentyfourseven": hours.twentyfourseven,
        "regular_hours": [[int(it.weekday), it.begin_minute, it.end_minute] for it in hours.regular_hours],
        "exceptional_openings": [[it.begin.isoformat(), it.end.isoformat()] for it in hours.exceptional_openings],
        "exceptional_closings": [[it.begin.isoformat(), it.end.isoformat()] for it in hours.exceptional_closings],
    }


def hours_from_json(value: dict[str, Any]) -> Hours:
    """Return the opening times that were written so."""
    return Hours(
        twentyfourseven=value["twentyfourseven"],
        regular_hours=tuple(RegularHours(Weekday(day), begin, end) for day, begin, end in value["regular_hours"]),
        exceptional_openings=_periods(value["exceptional_openings"]),
        exceptional_closings=_periods(value["exceptional_closings"]),
    )


def _periods(values: list[list[str]]) -> tuple[ExceptionalPeriod, ...]:
    return tuple(ExceptionalPeriod(datetime.fromisoformat(begin), datetime.fromisoformat(end)) for begin, end in values)


def weekly_limits_to_json(windows: tuple[WeeklyLimit, ...]) -> list[list[Any]]:
    """Return weekly limits as JSON."""
    return [[int(it.weekday), it.begin_minute, it.end_minute, it.limit_kw, it.limit_a] for it in windows]


def weekly_limits_from_json(values: list[list[Any]]) -> tuple[WeeklyLimit, ...]:
    """Return the weekly limits that were written so."""
    return tuple(WeeklyLimit(Weekday(day), begin, end, kw, a) for day, begin, end, kw, a in values)


SET_POINTS_DEFAULT = text("""'{"kind": "CONTINUOUS", "listed_a": []}'""")


def set_points_to_json(set_points: SetPoints) -> dict[str, Any]:
    """Return set-points as JSON."""
    return {"kind": set_points.kind.value, "listed_a": list(set_points.listed_a)}


def set_points_from_json(value: dict[str, Any]) -> SetPoints:
    """Return the set-points that were written so."""
    return SetPoints(SetPointKind(value["kind"]), tuple(value["listed_a"]))
