"""The plan of a depot: which vehicle gets how much power in which quarter-hour, who will be short, and what would help.

Powers are means over a slot, at the plug; energies are in the battery. Costs are in the currency of the depot's prices, as floats: they
steer, nobody is billed by them.
"""

from ampyard.domain.planning.comparison import Change, Comparison, compare
from ampyard.domain.planning.lookahead import Bounds, UnsolvedError, Visits, look_ahead
from ampyard.domain.planning.model import (
    Plan,
    PlanNode,
    PlanProblem,
    PlanStatus,
    Preconditioning,
    Prediction,
    Remedy,
    RemedyKind,
    Shortfall,
    ShortfallCause,
    Slot,
    Stay,
    StayPlan,
)
from ampyard.domain.planning.predictions import planned_forecast, predict
from ampyard.domain.planning.slots import slots
from ampyard.domain.planning.solving import solve

__all__ = [
    "Bounds",
    "Change",
    "Comparison",
    "Plan",
    "PlanNode",
    "PlanProblem",
    "PlanStatus",
    "Preconditioning",
    "Prediction",
    "Remedy",
    "RemedyKind",
    "Shortfall",
    "ShortfallCause",
    "Slot",
    "Stay",
    "StayPlan",
    "UnsolvedError",
    "Visits",
    "compare",
    "look_ahead",
    "planned_forecast",
    "predict",
    "slots",
    "solve",
]
