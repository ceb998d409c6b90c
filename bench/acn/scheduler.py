"""The engine as a scheduling algorithm of acnportal: look ahead, then share, in every period."""

import numpy as np
from acnportal.acnsim.interface import InfrastructureInfo, SessionInfo
from acnportal.algorithms import BaseAlgorithm

from ampyard.domain.planning import Bounds, look_ahead
from ampyard.domain.power import share_power
from bench.acn.site import Floats, Site, id_of
from bench.acn.stays import Stays

# A vehicle that takes so much less than it may, in amperes, shows what it can take.
_TAKES_LESS_A = 0.2
_STEP_KW = 0.001


class Engine(BaseAlgorithm):  # type: ignore[misc]  # acnportal has no types
    """`look_ahead` says what each is to take in this period; `share_power` gives it as limits, minima and set-points allow.

    What a vehicle can take is learnt: all that its charger can give, until it takes less than it may.
    """

    def __init__(self) -> None:
        super().__init__()
        self.max_recompute = 1
        self._info: InfrastructureInfo | None = None
        self._site: Site | None = None
        self._ability_a: dict[str, float] = {}

    def schedule(self, active_sessions: list[SessionInfo]) -> dict[str, list[float]]:
        """Return the pilot of each station for the next period, in amperes."""
        # It is copied each time it is asked for, and never changes.
        info = self._info = self._info or self.interface.infrastructure_info()
        site = self._site = self._site or Site(info)
        pilots_a = np.zeros(len(site.stations))
        if active_sessions:
            may = self.interface.last_applied_pilot_signals
            self._learn(may)
            on = {session for session, pilot in may.items() if pilot > 0}
            stays = Stays(active_sessions, info, site, self._ability_a, on, self.interface.period / 60)
            pilots_a = stays.everywhere(_shared_kw(stays, site)) / site.kw_of_ampere
        pilots_a = np.where(info.is_continuous, pilots_a, np.rint(pilots_a))
        return {station: [float(pilot)] for station, pilot in zip(site.stations, pilots_a, strict=True)}

    def _learn(self, may: dict[str, float]) -> None:
        for session, rate in self.interface.last_actual_charging_rate.items():
            if 0 < rate < may.get(session, 0.0) - _TAKES_LESS_A:
                self._ability_a[session] = min(rate, self._ability_a.get(session, rate))


def _shared_kw(stays: Stays, site: Site) -> Floats:
    """Return the power of each session."""
    planned_kw = look_ahead(stays.visits, Bounds(site.parts[:, stays.station], site.most), step_hours=stays.hours)
    shares = {share.evse_id: share.target_kw for share in share_power(site.tree, stays.demands(planned_kw), step_kw=_STEP_KW)}
    power_kw = np.array([shares[id_of(session.station_id)] for session in stays.sessions])
    return stays.trimmed(power_kw, planned_kw)
