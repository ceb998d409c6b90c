"""The *now* step of power sharing: who gets how much at this moment (`share_power`) and what may be sent at once (`stage`).

Everything is counted in whole milliwatts: limits and wishes are rounded down, minima and limits in force up. Their sums are exact and
have no order, hence rounding breaks no limit and the order of the input changes nothing. docs/engine.md tells how it works.
"""

from ampyard.domain.power.admission import turn
from ampyard.domain.power.demands import Demand, Reason, Share
from ampyard.domain.power.explaining import explain
from ampyard.domain.power.fallbacks import fallback_excess
from ampyard.domain.power.lines import Line, Lines, kw_of_ampere, lines_of, wiring_of
from ampyard.domain.power.loading import line_shares
from ampyard.domain.power.rooms import line_phasors, room_for_loads
from ampyard.domain.power.sharing import share_power
from ampyard.domain.power.staging import SetPoint, stage
from ampyard.domain.power.supply import Tree
from ampyard.domain.power.taper import Taken, learnt_ceiling_kw
from ampyard.domain.power.tree import FallbackExcess, Node, Reserved, paths_to_root

__all__ = [
    "Demand",
    "FallbackExcess",
    "Line",
    "Lines",
    "Node",
    "Reason",
    "Reserved",
    "SetPoint",
    "Share",
    "Taken",
    "Tree",
    "explain",
    "fallback_excess",
    "kw_of_ampere",
    "learnt_ceiling_kw",
    "line_phasors",
    "line_shares",
    "lines_of",
    "paths_to_root",
    "room_for_loads",
    "share_power",
    "stage",
    "turn",
    "wiring_of",
]
