"""The *now* step of power sharing: who gets how much at this moment (`share_power`) and what may be sent at once (`stage`).

Everything is counted in whole steps of power, as integers: limits and wishes are rounded down to a step, minima and
limits in force up. Integer sums are exact and have no order, hence rounding breaks no limit and the order of the input
changes nothing.
"""

from ampyard.domain.power.demands import Demand, Reason, Share
from ampyard.domain.power.explaining import explain
from ampyard.domain.power.lines import Line, Lines, kw_of_ampere, lines_of, wiring_of
from ampyard.domain.power.sharing import share_power
from ampyard.domain.power.staging import SetPoint, stage
from ampyard.domain.power.supply import Tree
from ampyard.domain.power.tree import FallbackExcess, Node, Reserved, fallback_excess, paths_to_root

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
    "Tree",
    "explain",
    "fallback_excess",
    "kw_of_ampere",
    "lines_of",
    "paths_to_root",
    "share_power",
    "stage",
    "wiring_of",
]
