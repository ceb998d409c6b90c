"""`acn-ideal` and `acn-real`: the engine and acnportal's schedulers on real sessions, in an environment that has acnportal."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bench.lab import Lab
from bench.measure import Result

_ROOT = Path(__file__).parents[2]
_PYTHON = Path(__file__).parent / ".venv" / "bin" / "python"
# Beside the repository: real sessions are not ours to copy.
_SESSIONS = _ROOT.parent / "shared" / "fixtures" / "sessions" / "caltech_2019-03_sessions.csv"

_CAP_KW = 30.0
# The most that can be delivered of these sessions by who knows all of them beforehand, in % of what they demand, by cap in kW.
_OPTIMA_PCT = {10: 52.03, 15: 67.94, 20: 78.46, 25: 86.59, 30: 92.93, 40: 98.69, 50: 99.83, 60: 99.88, 80: 99.88, 100: 99.88}
_OF_OPTIMUM = 0.98
# The week of 4 to 10 March.
_WEEK = ("--periods", "864", "2879")
_COLUMNS = {
    "cap_kw": ("kW", 6, 0),
    "energy_pct": ("energy %", 10, 2),
    "met_pct": ("met %", 8, 2),
    "starts": ("starts", 8, 3),
    "changes": ("changes", 9, 2),
    "excess_a": ("excess A", 10, 4),
    "mean_ms": ("mean ms", 9, 2),
    "p95_ms": ("p95 ms", 9, 2),
    "max_ms": ("max ms", 8, 1),
}

Row = dict[str, Any]


async def ideal(lab: Lab) -> AsyncIterator[Result]:
    """Yield what becomes of a month on chargers that give any current."""
    if not _is_there("acn-ideal"):
        return
    span = _WEEK if lab.rounds < 3 else ()
    rows = await _field("ideal", *span)
    ours = rows.pop("engine")
    for result in _against(rows, ours, "acn-ideal", energy_pct=91.9, met_pct=77.0):
        yield result
    yield _at_most("acn-ideal-mean", ours, "mean_ms", 30.0)
    if span:
        return  # the optima are those of the whole month
    for cap_kw, optimum in _OPTIMA_PCT.items():
        energy = (await _field("ideal", "--only", "engine", cap_kw=cap_kw))["engine"]["energy_pct"]
        yield Result(f"acn-ideal-{cap_kw}kW", energy, "%", energy / optimum, "offline optimum", optimum, _OF_OPTIMUM)


async def real(lab: Lab) -> AsyncIterator[Result]:
    """Yield what becomes of a week on chargers with a least current and steps; it is short enough for any thoroughness."""
    assert lab.rounds > 0
    if not _is_there("acn-real"):
        return
    rows = await _field("real", *_WEEK)
    ours = rows.pop("engine")
    for result in _against(rows, ours, "acn-real", energy_pct=90.2, met_pct=83.0):
        yield result
    yield _at_most("acn-real-starts", ours, "starts", 1.15)
    yield _at_most("acn-real-p95", ours, "p95_ms", 20.0)


def _is_there(name: str) -> bool:
    if not _SESSIONS.exists():
        print(f"{name:<20} SKIPPED: there are no sessions at {_SESSIONS}", flush=True)
        return False
    return True


def _against(rows: dict[str, Row], ours: Row, name: str, *, energy_pct: float, met_pct: float) -> list[Result]:
    """Return the results against the best of the field; each goal is a percentage. Nothing may pass any limit."""
    results = []
    for what, key, goal in (("energy", "energy_pct", energy_pct), ("met", "met_pct", met_pct)):
        best = max(rows, key=lambda other: float(rows[other][key]))
        theirs = rows[best][key]
        notes = f"{ours['excess_a']:g} A above any limit" if what == "energy" else ""
        results.append(
            Result(f"{name}-{what}", ours[key], "%", ours[key] / theirs, f"best of the field: {best}", theirs, goal / theirs, notes)
        )
    kept = float(ours["excess_a"] == 0)
    results.append(Result(f"{name}-excess", ours["excess_a"], "A", kept, "no limit passed", 0.0, 1.0))
    return results


def _at_most(name: str, ours: Row, key: str, goal: float) -> Result:
    return Result(name, ours[key], key.rpartition("_")[2] if "_" in key else "each", goal / ours[key], "goal", goal, 1.0)


async def _field(chargers: str, *arguments: str, cap_kw: float = _CAP_KW) -> dict[str, Row]:
    """Run simulations in the environment of acnportal, print a line for each, and return them by scheduler.

    Raises:
        RuntimeError: they failed; what they said is on standard error.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT / "src"), str(_ROOT)])}
    command = [str(_PYTHON), "-m", "bench.acn.field", chargers, str(_SESSIONS), "--caps", str(cap_kw), *arguments]
    running = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=sys.stderr, env=environment, cwd=_ROOT)
    assert running.stdout is not None
    rows: dict[str, Row] = {}
    print(f"    {'':<8}" + "".join(f"{name:>{width}}" for name, width, _ in _COLUMNS.values()), flush=True)
    async for line in running.stdout:
        if line.startswith(b"{"):
            row = json.loads(line)
            rows[row["name"]] = row
            print(_shown(row), flush=True)
    if await running.wait():
        raise RuntimeError(f"{' '.join(command)} failed with {running.returncode}; what it said is above.")
    return rows


def _shown(row: Row) -> str:
    return f"    {row['name']:<8}" + "".join(f"{row[key]:>{width}.{digits}f}" for key, (_, width, digits) in _COLUMNS.items())
