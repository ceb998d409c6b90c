"""The sessions of one call as the engine sees them: visits to look ahead for, and demands to share among."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
from acnportal.acnsim.interface import InfrastructureInfo, SessionInfo

from ampyard.domain.planning import Visits
from ampyard.domain.power import Demand
from bench.acn.site import Floats, Site, id_of

_BEGIN = datetime(2019, 3, 1, tzinfo=UTC)


class Stays:
    """Sessions at a moment. Powers in kW; `ability_a` has what vehicles were seen to take at most, by session.

    `on`: who had power in the period before. A charger of whole amperes is told the next one above what its vehicle can take.
    """

    def __init__(
        self, sessions: list[SessionInfo], info: InfrastructureInfo, site: Site, ability_a: Mapping[str, float], on: set[str], hours: float
    ) -> None:
        self.sessions = sessions
        self.hours = hours
        self.station = np.array([site.number[session.station_id] for session in sessions])
        self._site = site
        self._pilots = [None if info.is_continuous[station] else info.allowable_pilots[station] for station in self.station.tolist()]
        kw_of_ampere = site.kw_of_ampere[self.station]
        ability = np.array([ability_a.get(session.session_id, np.inf) for session in sessions])
        self._least_kw = info.min_pilot[self.station] * kw_of_ampere
        self._remaining = np.array([session.remaining_demand for session in sessions])
        self._charging = np.array([session.session_id in on for session in sessions])
        periods = np.array([max(session.estimated_departure - session.current_time, 1) for session in sessions])
        self.visits = Visits(
            needed_kwh=self._remaining,
            hours=periods * hours,
            most_kw=np.minimum(info.max_pilot[self.station], ability) * kw_of_ampere,
            least_kw=self._least_kw,
            charging=self._charging & (self._least_kw > 0),
            weight=np.ones(len(sessions)),
        )

    def demands(self, planned_kw: Floats) -> list[Demand]:
        """Return what each could use: nothing who is planned nothing, the others all they can take, in proportion to what is planned.

        So what rounding to set-points leaves is used by whoever can. Drivers ask for energy, which is a target and no minimum: nobody
        is urgent.
        """
        wanted_kw = np.minimum(self.visits.most_kw, self._remaining / self.hours)
        highest = max(float(planned_kw.max()), 1e-9)
        demands = []
        for place, session in enumerate(self.sessions):
            station = int(self.station[place])
            planned = float(planned_kw[place])
            pilots = self._pilots[place]
            kw_of_ampere = float(self._site.kw_of_ampere[station])
            demands.append(
                Demand(
                    evse_id=id_of(session.station_id),
                    node_id=self._site.node_of(station),
                    priority=1,
                    since=_BEGIN + timedelta(hours=self.hours * session.arrival),
                    wanted_kw=self._point(place, float(wanted_kw[place])),
                    minimum_kw=float(self._least_kw[place]),
                    current_kw=0.0,
                    fallback_kw=0.0,
                    online=True,
                    lines=self._site.wirings[station],
                    weight=max(64 * planned / highest, 1 / 64),
                    planned_kw=None if planned > 0 else 0.0,
                    steps=None if pilots is None else tuple(float(pilot) * kw_of_ampere for pilot in pilots if pilot > 0),
                    charging=bool(self._charging[place]),
                )
            )
        return demands

    def _point(self, place: int, kw: float) -> float:
        """Return the next set-point from a power up; the power itself where any is one."""
        pilots = self._pilots[place]
        if pilots is None or kw <= 0:
            return kw
        kw_of_ampere = float(self._site.kw_of_ampere[self.station[place]])
        return next(
            (float(pilot) * kw_of_ampere for pilot in pilots if pilot * kw_of_ampere >= kw - 1e-6), float(pilots[-1]) * kw_of_ampere
        )

    def trimmed(self, power_kw: Floats, planned_kw: Floats) -> Floats:
        """Return powers lowered until no current beyond the tree passes its limit; a set-point at a time, first what was rounded up most.

        Who charges keeps the least it can charge with, as long as anybody else can be lowered.
        """
        site = self._site
        while (exceeded := site.exceeded(self.everywhere(power_kw)))[0] > 1:
            share, row = exceeded
            counts = (site.parts[row, self.station] != 0) & (power_kw > 0)
            lower = np.array([self._below(place, float(power_kw[place])) for place in range(len(power_kw))])
            spares = counts & (lower >= self._least_kw - 1e-6)
            free = spares if spares.any() else counts
            place = int(np.argmax(np.where(free, power_kw - planned_kw, -np.inf)))
            if self._pilots[place] is None:
                power_kw = np.where(counts, power_kw / (share * (1 + 1e-9)), power_kw)
            else:
                power_kw = power_kw.copy()
                power_kw[place] = lower[place]
        return power_kw

    def everywhere(self, power_kw: Floats) -> Floats:
        """Return the power of each station of the site."""
        everywhere = np.zeros(len(self._site.stations))
        everywhere[self.station] = power_kw
        return everywhere

    def _below(self, place: int, kw: float) -> float:
        """Return the highest set-point below a power; the power itself where any is one."""
        pilots = self._pilots[place]
        if pilots is None:
            return kw
        kw_of_ampere = float(self._site.kw_of_ampere[self.station[place]])
        return max((float(pilot) * kw_of_ampere for pilot in pilots if pilot * kw_of_ampere <= kw - 1e-6), default=0.0)
