"""The supply of a depot: which limit of a power node counts, what flows there that is not ours, and what is kept of its load.

The order of rules never matters: where several say something at the same time, the strictest counts.
"""

from ampyard.domain.supply.ahead import limits_ahead
from ampyard.domain.supply.limits import (
    EffectiveLimit,
    Limit,
    LimitException,
    LimitSource,
    constant_limit_kw,
    effective_limit,
    lowest_limit_a,
    lowest_limit_kw,
    strictest_kw,
)
from ampyard.domain.supply.load import BUCKET, NodeLoad, bucket_of
from ampyard.domain.supply.metering import MeterReading, SiteMeter, UnmanagedLoad, UnmanagedSource, unmanaged_load
from ampyard.domain.supply.nodes import MAX_TREE_DEPTH, PowerNode, PowerNodeKind, WeeklyLimit, kw_of_current, power_node_faults
from ampyard.domain.supply.state import NodePower, NodeState
from ampyard.domain.supply.tree import require_place

__all__ = [
    "BUCKET",
    "MAX_TREE_DEPTH",
    "EffectiveLimit",
    "Limit",
    "LimitException",
    "LimitSource",
    "MeterReading",
    "NodeLoad",
    "NodePower",
    "NodeState",
    "PowerNode",
    "PowerNodeKind",
    "SiteMeter",
    "UnmanagedLoad",
    "UnmanagedSource",
    "WeeklyLimit",
    "bucket_of",
    "constant_limit_kw",
    "effective_limit",
    "kw_of_current",
    "limits_ahead",
    "lowest_limit_a",
    "lowest_limit_kw",
    "power_node_faults",
    "require_place",
    "strictest_kw",
    "unmanaged_load",
]
