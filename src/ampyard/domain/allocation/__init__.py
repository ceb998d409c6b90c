"""A step of power sharing as a whole: the facts it is computed from, what it comes to and why, and what is kept of that.

The sharing itself is `ampyard.domain.power`; this is what surrounds it: what each EVSE can use and may be drawing, who cannot be relied on,
what may be sent, and the explanation.
"""

from ampyard.domain.allocation.deciding import decide
from ampyard.domain.allocation.falling_back import own_part_kw, rest_of_fallback
from ampyard.domain.allocation.inputs import ChargingFacts, EvseFacts, NodeFacts, OrderFacts, StepInput
from ampyard.domain.allocation.outcomes import BoundBy, Decision, Outcome
from ampyard.domain.allocation.overdraw import SETTLE, overdraws
from ampyard.domain.allocation.records import Allocation, Replay, Step, is_news, replay

__all__ = [
    "SETTLE",
    "Allocation",
    "BoundBy",
    "ChargingFacts",
    "Decision",
    "EvseFacts",
    "NodeFacts",
    "OrderFacts",
    "Outcome",
    "Replay",
    "Step",
    "StepInput",
    "decide",
    "is_news",
    "overdraws",
    "own_part_kw",
    "replay",
    "rest_of_fallback",
]
