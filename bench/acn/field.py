"""Run the engine and acnportal's own schedulers on one set of real sessions; print a line of JSON for each.

Each session demands the energy that it got in reality; its vehicle takes 6.6 kW at most. A demand is met when at most 0.1 kWh lack.
"""

import argparse
import csv
import json
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from acnportal import acnsim, algorithms
from acnportal.acnsim.events import EventQueue, PluginEvent
from acnportal.acnsim.models import EV, Battery
from acnportal.algorithms import BaseAlgorithm

from bench.acn.scheduler import Engine

_MOST_KW = 6.6
_MET_KWH = 0.1
_VOLTAGE_V = 208
_PERIOD_MIN = 5
_SITES = {
    "caltech": (acnsim.sites.caltech_acn, "transformer_cap"),
    "jpl": (acnsim.sites.jpl_acn, "third_fourth_transformer_cap"),
    "office001": (acnsim.sites.office001_acn, "transformer_cap"),
}


def schedulers(*, real: bool) -> dict[str, Callable[[], BaseAlgorithm]]:
    """Return what is compared. On real chargers acnportal's own keep who charges at its least, as their authors run them there."""
    kept = {"uninterrupted_charging": real}
    return {
        "engine": Engine,
        "RR": lambda: algorithms.RoundRobin(algorithms.first_come_first_served, continuous_inc=1, **kept),
        "FCFS": lambda: algorithms.SortedSchedulingAlgo(algorithms.first_come_first_served, **kept),
        "EDF": lambda: algorithms.SortedSchedulingAlgo(algorithms.earliest_deadline_first, **kept),
        "LLF": lambda: algorithms.SortedSchedulingAlgo(algorithms.least_laxity_first, **kept),
    }


def vehicles(sessions: Path, first: int, last: int, noise: float, stations: list[str]) -> list[EV]:
    """Return the vehicles that arrive in a stretch of periods.

    `noise`: each expected stay is the real one times a factor whose logarithm deviates by so much. At another site each session takes the
    station that is free for longest; who finds none is left out.
    """
    draw = np.random.default_rng(1)
    found: list[EV] = []
    free_from = dict.fromkeys(stations, 0)
    with sessions.open(newline="") as lines:
        for row in sorted(csv.DictReader(lines), key=lambda row: int(row["arrival_period"])):
            arrival, departure, energy = int(row["arrival_period"]), int(row["departure_period"]), float(row["energy_kwh"])
            if not first <= arrival <= last:
                continue
            expected = max(arrival + 1, round(arrival + (departure - arrival) * np.exp(draw.normal(0, noise))))
            station = row["station_id"] if row["station_id"] in free_from else min(stations, key=lambda name: free_from[name])
            if free_from[station] > arrival:
                continue
            free_from[station] = departure
            battery = Battery(energy, 0, _MOST_KW)
            found.append(EV(arrival, departure, energy, station, row["session_id"], battery, estimated_departure=expected))
    return found


def measure(algorithm: BaseAlgorithm, site: str, cap_kw: float, evs: list[EV], *, real: bool) -> dict[str, float]:
    """Run one simulation; return what it came to."""
    make, cap = _SITES[site]
    network = make(basic_evse=not real, voltage=_VOLTAGE_V, **{cap: cap_kw})
    events = EventQueue([PluginEvent(ev.arrival, ev) for ev in evs])
    simulator = acnsim.Simulator(network, algorithm, events, datetime(2019, 3, 1, tzinfo=UTC), period=_PERIOD_MIN, verbose=False)
    simulator.run()
    pilots, rates = simulator.pilot_signals, simulator.charging_rates
    starts = changes = 0
    for ev in evs:
        stay = slice(ev.arrival, ev.departure)
        row = simulator.index_of_evse(ev.station_id)
        starts += int(np.count_nonzero(np.diff(np.concatenate([[0], rates[row, stay] > 1e-3])) > 0))
        changes += int(np.count_nonzero(np.abs(np.diff(np.concatenate([[0.0], pilots[row, stay]]))) > 1e-3))
    demanded = sum(ev.requested_energy for ev in evs)
    excess = np.abs(network.constraint_current(pilots)) - network.magnitudes[:, None]
    calls_ms = np.array([call["solve_time"] for call in algorithm.solve_stats]) * 1000
    return {
        "sessions": len(evs),
        "energy_pct": 100 * sum(ev.energy_delivered for ev in evs) / demanded,
        "met_pct": 100 * float(np.mean([ev.requested_energy - ev.energy_delivered <= _MET_KWH for ev in evs])),
        "starts": starts / len(evs),
        "changes": changes / len(evs),
        "excess_a": max(0.0, float(excess.max())),
        "mean_ms": float(calls_ms.mean()),
        "p95_ms": float(np.percentile(calls_ms, 95)),
        "max_ms": float(calls_ms.max()),
    }


def main() -> None:
    """Print a line for each scheduler and cap."""
    parser = argparse.ArgumentParser(prog="python -m bench.acn.field", description=__doc__)
    parser.add_argument("chargers", choices=["ideal", "real"])
    parser.add_argument("sessions", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--site", choices=_SITES, default="caltech")
    parser.add_argument("--caps", nargs="+", type=float, default=[30.0])
    parser.add_argument("--periods", nargs=2, type=int, default=[0, 10**6])
    parser.add_argument("--noise", type=float, default=0.0)
    given = parser.parse_args()
    # Schedules of acnportal's own that are not feasible to the last digit; the excess is reported.
    warnings.filterwarnings("ignore", message="Invalid schedule provided")
    real = given.chargers == "real"
    stations = _SITES[given.site][0]().station_ids
    for cap_kw in given.caps:
        for name, make in schedulers(real=real).items():
            if given.only and name not in given.only:
                continue
            evs = vehicles(given.sessions, given.periods[0], given.periods[1], given.noise, stations)
            print(json.dumps({"name": name, "cap_kw": cap_kw, **measure(make(), given.site, cap_kw, evs, real=real)}), flush=True)


if __name__ == "__main__":
    main()
