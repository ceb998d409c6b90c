"""The supply of a depot: which limit of a power node counts, what flows there that is not ours, and what is kept of its load.

The order of rules never matters: where several say something at the same time, the strictest counts.
"""

from ampyard.domain.supply.limits import (
    EffectiveLimit,
    LimitException,
    LimitSource,
    Ratings,
    WeeklyLimit,
    effective_limit,
    kw_of_current,
    lowest_limit_kw,
)
from ampyard.domain.supply.load import BUCKET, NodeLoad, bucket_of
from ampyard.domain.supply.metering import MeterReading, SiteMeter, UnmanagedLoad, UnmanagedSource, unmanaged_load

__all__ = [
    "BUCKET",
    "EffectiveLimit",
    "LimitException",
    "LimitSource",
    "MeterReading",
    "NodeLoad",
    "Ratings",
    "SiteMeter",
    "UnmanagedLoad",
    "UnmanagedSource",
    "WeeklyLimit",
    "bucket_of",
    "effective_limit",
    "kw_of_current",
    "lowest_limit_kw",
    "unmanaged_load",
]
