"""How values of the domain that have a column, but no table, are written as JSON."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from ampyard.domain.charging_requests import PreconditioningKind, PreconditioningLoad, PreconditioningWish
from ampyard.domain.equipment import SetPointKind, SetPoints
from ampyard.domain.local_time import Weekday
from ampyard.domain.opening_hours import ExceptionalPeriod, Hours, RegularHours
from ampyard.domain.planning import Remedy, RemedyKind
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


def preconditioning_to_json(wish: PreconditioningWish) -> dict[str, Any]:
    """Return how a vehicle is to be prepared as JSON."""
    return {
        "kind": wish.kind,
        "ambient_celsius": wish.ambient_celsius,
        "begins_at": _moment_to_json(wish.begins_at),
        "ends_at": _moment_to_json(wish.ends_at),
        "target_soc_percent": wish.target_soc_percent,
        "hvac": _load_to_json(wish.hvac),
        "system": _load_to_json(wish.system),
    }


def preconditioning_from_json(value: dict[str, Any]) -> PreconditioningWish:
    """Return the wish that was written so."""
    return PreconditioningWish(
        kind=None if value["kind"] is None else PreconditioningKind(value["kind"]),
        ambient_celsius=value["ambient_celsius"],
        begins_at=_moment_from_json(value["begins_at"]),
        ends_at=_moment_from_json(value["ends_at"]),
        target_soc_percent=value["target_soc_percent"],
        hvac=_load_from_json(value["hvac"]),
        system=_load_from_json(value["system"]),
    )


def _load_to_json(load: PreconditioningLoad | None) -> list[Any] | None:
    return None if load is None else [load.begins_at.isoformat(), load.kw]


def _load_from_json(value: list[Any] | None) -> PreconditioningLoad | None:
    return None if value is None else PreconditioningLoad(datetime.fromisoformat(value[0]), value[1])


def _moment_to_json(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment_from_json(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def remedies_to_json(remedies: Sequence[Remedy]) -> list[dict[str, Any]]:
    """Return what would remove a shortfall as JSON; what a remedy's kind does not need is left out."""
    return [{name: value for name, value in _remedy_to_json(remedy).items() if value is not None} for remedy in remedies]


def _remedy_to_json(remedy: Remedy) -> dict[str, Any]:
    return {
        "kind": remedy.kind.value,
        "node_id": None if remedy.node_id is None else str(remedy.node_id),
        "kw": remedy.kw,
        "begins_at": None if remedy.begins_at is None else remedy.begins_at.isoformat(),
        "ends_at": None if remedy.ends_at is None else remedy.ends_at.isoformat(),
        "stay_id": None if remedy.stay_id is None else str(remedy.stay_id),
    }


def remedies_from_json(values: list[dict[str, Any]]) -> tuple[Remedy, ...]:
    """Return the remedies that were written so."""
    return tuple(
        Remedy(
            kind=RemedyKind(value["kind"]),
            node_id=uuid.UUID(value["node_id"]) if "node_id" in value else None,
            kw=value.get("kw"),
            begins_at=datetime.fromisoformat(value["begins_at"]) if "begins_at" in value else None,
            ends_at=datetime.fromisoformat(value["ends_at"]) if "ends_at" in value else None,
            stay_id=uuid.UUID(value["stay_id"]) if "stay_id" in value else None,
        )
        for value in values
    )
